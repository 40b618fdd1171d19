/** The language of the interface, chosen once when the page loads, and what is said in it. */
import type { ErrorValue, Finding, PlanLoss, PlanStep, PlanWarning, Refusal } from '../../native-helpers/contract.ts'
import { type Language, useSettings } from '../state/settings.ts'
import { de } from './de.ts'
import { germanErrorOf } from './de-errors.ts'
import { germanFindings } from './de-findings.ts'
import { germanRefusals, germanSentences } from './de-sentences.ts'
import { type Catalogue, en } from './en.ts'
import { createFormat, type Format } from './format.ts'
import { type ErrorWords, type Sentence, sentenceFrom } from './sentences.ts'

const catalogues: Record<Language, Catalogue> = { en, de }

/** Of the languages that the browser names, the first that is this one: Austrian and Swiss numbers differ from German ones. */
export function localeOf(language: Language, wanted: readonly string[]): string {
  const usual = { en: 'en-GB', de: 'de-DE' }
  return wanted.find((locale) => locale.split('-')[0] === language) ?? usual[language]
}

export const language: Language = useSettings.getState().language
export const t: Catalogue = catalogues[language]
export const format: Format = createFormat(localeOf(language, navigator.languages ?? [navigator.language]), t.units)

/** A sentence of a plan; the helper's own English where the language has none for it. */
export function say(sentence: PlanStep | PlanWarning | PlanLoss): string {
  return language === 'de' ? sentenceFrom(germanSentences, sentence as Sentence, format) : sentence.text
}

/** An error in the language of the interface, as far as it goes; null: in the helper's own words. */
export function errorWords(error: ErrorValue): ErrorWords | null {
  return language === 'de' ? germanErrorOf(error) : null
}

/** Why a drive is not offered. `detail` is English: it names the mount, the holder or whatever else the helper saw. */
export function refusalWords({ code, reason }: Refusal): { reason: string; detail: string | null } {
  if (language !== 'de') return { reason, detail: null }
  return germanRefusals[code](reason)
}

/** What was found. `rest` is the language of what follows the title, where it is not the interface's own. */
export function findingWords({ id, title, meaning, detail }: Finding): {
  title: string
  meaning: string
  detail: string
  rest?: Language
} {
  if (language !== 'de') return { title, meaning, detail }
  return { title: germanFindings[id] ?? title, meaning, detail, rest: 'en' }
}
