import type { ErrorValue } from '../contract.ts'
import type { Differences } from './differences.ts'

/** What several threads compare together; everything but `thread` and `keys` is shared memory. */
export interface CompareTask {
  /** Of the card. It stays open as long as the task runs, and so does that of an image file. */
  fd: number
  /** Three numbers for each piece to read: where it begins and ends, and the index of its first sum. */
  spans: Float64Array
  /** What every piece is rounded up to when it is read, as a card gives whole sectors. */
  sectorSize: number
  with: CompareWith
  control: CompareControl
  /** Which of the threads this is. */
  thread: number
}

export type CompareWith =
  /** What was summed while it was written; ends with the first difference. */
  | { is: 'sums'; sums: BigUint64Array; keys: Uint8Array }
  /** A plain image file, byte by byte to its end. */
  | { is: 'file'; name: string; fd: number }

export interface CompareControl {
  /** [0] the next piece that nobody has taken, [1] not 0: everybody ends. */
  readonly shared: Int32Array
  /** For each thread: how many bytes it has compared. */
  readonly bytes: Float64Array
  /** For each thread: raised when it asks the card and when it has its answer, so that one sees when it hangs. */
  readonly requests: Int32Array
}

export const nextSpan = 0
export const stopAll = 1
export const spanFields = 3

/** The last and only word of a thread. With sums, its `differsAt` is where the cell begins, and blocks are not counted. */
export interface Compared extends Differences {
  /** The card begins with the mark of a card that is not finished. */
  unfinished: boolean
  failed: CompareFailure | null
}

export type CompareFailure =
  /** The card could not be read, as the system says. */
  { is: 'card'; code: string | null; message: string; offset: number } | { is: 'image'; error: ErrorValue }
