import type { ErrorValue } from '../contract.ts'
import type { Report } from '../contract-report.ts'
import type { InspectSource } from './inspect-target.ts'

/** What the thread that inspects gets. */
export interface InspectTask {
  source: InspectSource
}

/** What it says, once. */
export type InspectMessage = { report: Report } | { failed: ErrorValue }
