import type { ErrorValue } from '../contract.ts'
import type { Report } from '../contract-report.ts'
import type { CardPiece } from '../systems/card-pieces.ts'
import type { InspectSource } from './inspect-target.ts'

/** What the thread that inspects gets. */
export interface InspectTask {
  source: InspectSource
  /** Also the raw bytes that describe the card. */
  pieces: boolean
}

export interface Inspected {
  report: Report
  pieces: CardPiece[]
}

/** What it says, once. */
export type InspectMessage = { inspected: Inspected } | { failed: ErrorValue }
