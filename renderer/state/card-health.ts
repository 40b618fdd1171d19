/** What a report comes to, for the eye that passes over it: the worst that was found, and how much of it. */
import type { Finding, Report, Severity } from '../../native-helpers/contract.ts'

export type Health =
  | { state: 'repair' | 'room' }
  | { state: 'problems' | 'warnings'; count: number }
  | { state: 'healthy' | 'unknown' }

/** `unknown`: nothing is wrong with what was read, but no system was recognised that could be well or ill. */
export function healthOf({ findings, system }: Pick<Report, 'findings' | 'system'>): Health {
  const errors = findings.filter((finding) => finding.severity === 'error')
  const warnings = findings.filter((finding) => finding.severity === 'warning')
  if (errors.some((finding) => finding.remedy === 'repair')) return { state: 'repair' }
  if (errors.length > 0) return { state: 'problems', count: errors.length }
  if (warnings.some((finding) => finding.remedy === 'enlarge')) return { state: 'room' }
  if (warnings.length > 0) return { state: 'warnings', count: warnings.length }
  return { state: system === null ? 'unknown' : 'healthy' }
}

const order: Record<Severity, number> = { error: 0, warning: 1, info: 2 }

/** The worst first; those of one severity stay in the helper's order, which has the cause before what follows from it. */
export function worstFirst(findings: readonly Finding[]): Finding[] {
  return [...findings].sort((a, b) => order[a.severity] - order[b.severity])
}

/** How full something is, in the three words that a person needs; a warning comes at the mark that the bars show. */
export type Fullness = 'room' | 'nearly-full' | 'full'

export const nearlyFullAt = 0.8
const fullAt = 0.995

export function fullnessOf(usedBytes: number, totalBytes: number): Fullness {
  if (totalBytes === 0) return 'room'
  const fraction = usedBytes / totalBytes
  if (fraction >= fullAt) return 'full'
  return fraction >= nearlyFullAt ? 'nearly-full' : 'room'
}
