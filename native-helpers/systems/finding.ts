import type { Finding, Remedy, Severity } from '../contract-report.ts'

/** What is always the same about a finding: what it says, what it means, and what helps. */
export interface FindingKind {
  severity: Severity
  title: string
  meaning: string
  remedy: Remedy | null
}

/** Findings by their ids. A family keeps its own in `findings.ts`; the ids are unique over all of them. */
export type FindingKinds = Record<string, FindingKind>

/** A finding of a kind, with what was seen where. `partition` is null for the card as a whole. */
export function found<K extends FindingKinds>(
  kinds: K,
  id: keyof K & string,
  detail: string,
  partition: number | null = null,
): Finding {
  const kind = kinds[id]
  if (!kind) throw new TypeError(`there is no finding "${id}"`)
  const { severity, title, meaning, remedy } = kind
  return { id, severity, title, detail, meaning, remedy, partition }
}
