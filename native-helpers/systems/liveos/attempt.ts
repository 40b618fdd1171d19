import type { Finding } from '../../contract-report.ts'
import { problemOf } from '../card.ts'
import { found } from '../finding.ts'
import { liveosFindings } from './findings.ts'

/** One place that cannot be read becomes a finding, and the rest of the stick is described all the same. A drive that is gone is thrown on. */
export function attempt<T>(findings: Finding[], what: string, partition: number | null, work: () => T): T | null {
  try {
    return work()
  } catch (thrown) {
    const { detail } = problemOf(thrown)
    if (!findings.some((known) => known.id === 'liveos-file-damaged' && known.detail.startsWith(`${what}: `)))
      findings.push(found(liveosFindings, 'liveos-file-damaged', `${what}: ${detail}.`, partition))
    return null
  }
}
