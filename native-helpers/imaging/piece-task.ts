import type { ErrorValue } from '../contract.ts'
import type { Differences } from './differences.ts'

/** What several threads do together with one card; everything but `thread` and `keys` is shared memory. */
export interface PieceTask {
  /** Of the card. It stays open as long as the task runs, and so does that of an image file. */
  fd: number
  /** Three numbers for each piece: where it begins and ends, and the index of its first sum. */
  spans: Float64Array
  /** What every piece is rounded up to, as a card takes and gives whole sectors. */
  sectorSize: number
  work: PieceWork
  control: PieceControl
  /** Which of the threads this is. */
  thread: number
}

export type PieceWork =
  /** The card is compared with what was summed while it was written; ends with the first difference. */
  | { is: 'compare-sums'; sums: BigUint64Array; keys: Uint8Array }
  /** The card is compared with a plain image file, byte by byte to its end. */
  | { is: 'compare-file'; image: ImageFile }
  /** A plain image file is written to the card, and what is written is summed unless `sums` is null. */
  | { is: 'copy-file'; image: ImageFile; sums: BigUint64Array | null; keys: Uint8Array }

export interface ImageFile {
  name: string
  fd: number
}

export interface PieceControl {
  /** [0] the next piece that nobody has taken, [1] not 0: everybody ends. */
  readonly shared: Int32Array
  /** For each thread: how many bytes it is through with. */
  readonly bytes: Float64Array
  /** For each thread: the milliseconds that its requests were with the card. */
  readonly cardMs: Float64Array
  /** For each thread: raised when it asks the card and when it has its answer, so that one sees when it hangs. */
  readonly requests: Int32Array
}

export const nextSpan = 0
export const stopAll = 1
export const spanFields = 3

/** The last and only word of a thread. With sums, its `differsAt` is where the cell begins, and blocks are not counted. */
export interface PiecesDone extends Differences {
  /** The card begins with the mark of a card that is not finished. */
  unfinished: boolean
  failed: PieceFailure | null
}

export type PieceFailure =
  /** The card did not do what it was asked, as the system says. */
  { is: 'card'; code: string | null; message: string; offset: number } | { is: 'image'; error: ErrorValue }
