import { cardFindings } from './card-findings.ts'
import type { FindingKinds } from './finding.ts'
import { lamponeFindings } from './lampone/findings.ts'

/** Every kind of finding that a report can hold, by who tells it: any card first, then the families. A family adds a line here. */
export const findingKinds: readonly { of: string; kinds: FindingKinds }[] = [
  { of: 'any card', kinds: cardFindings },
  { of: 'Lampone Pi, liveng and Resilient Linux', kinds: lamponeFindings },
]
