/** How a language says what the helper says: tables by the codes of the contract, so that a missing or misspelt one does not compile. */
import type { PlanLoss, PlanStep, PlanWarning } from '../../native-helpers/contract.ts'
import type { Format } from './format.ts'

type AnySentence = PlanStep | PlanWarning | PlanLoss
type Values = { [S in AnySentence as S['code']]: S['values'] }
type Code = keyof Values

export type Sentence<C extends Code = Code> = { [K in C]: { code: K; text: string; values: Values[K] } }[C]
export type SentenceTable = { readonly [K in Code]: (values: Values[K], format: Format) => string }

export function sentenceFrom<C extends Code>(table: SentenceTable, { code, values }: Sentence<C>, format: Format): string {
  return table[code](values, format)
}

/** An error's parts in a language; those that it lacks stay as the helper said them. */
export interface ErrorWords {
  message: string
  meaning: string | null
  next: string | null
}
