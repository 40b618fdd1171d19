import type { ErrorValue } from '../../contract.ts'

/** What the thread that makes a practice card gets: the file is there, as large as the card and empty. */
export interface DemoTask {
  id: string
  path: string
}

/** What it says, once. */
export type DemoMessage = { made: true } | { failed: ErrorValue }
