import type { ImageFormat } from '../contract.ts'
import type { NetworkLimits } from './http-request.ts'

/** One piece of the decoded image, in order, page-aligned and shared between threads. */
export interface ImageBlock {
  /** Byte offset in the image; a multiple of `blockBytes`. */
  readonly offset: number
  /** `blockBytes` long except for the last one. */
  readonly bytes: Uint8Array
  /** Gives the memory back. The bytes must not be touched afterwards. */
  release(): void
}

export interface Digests {
  /** Of the file as it lies there; null when it was not asked for. */
  file: { sha256: string | null; md5: string | null }
  /** Of the decoded image. */
  content: { sha256: string | null; md5: string | null }
}

/**
 * A decoded image, read once from start to end. At most `slots` blocks are alive at a time: who does not release them stops
 * the decoder, and that bound is the memory bound of the whole pipeline.
 */
export interface ImageStream {
  readonly format: ImageFormat
  readonly blockBytes: number
  /** Length of the decoded image; null until the end where the format does not tell. */
  readonly contentBytes: number | null
  /** Bytes read of the file or download so far, and how long that is in all (null: unknown). */
  readonly storedBytesRead: number
  readonly storedBytes: number | null
  /** Milliseconds the decoder waited for its source, for "limited by". */
  readonly sourceWaitMs: number
  /** The image is a plain file of `contentBytes`, and nobody wants sums of it: who likes may read the descriptor instead of calling `next`, until `close`. */
  readonly plainFile?: { name: string; fd: number }
  /** Null at the end. Rejects with a LivecardError for a truncated, damaged or vanished source. */
  next(): Promise<ImageBlock | null>
  /** After `next` answered null. */
  digests(): Promise<Digests>
  close(): Promise<void>
}

export interface StreamOptions {
  blockBytes?: number
  slots?: number
  /** Which digests to compute; none costs nothing. */
  digests?: { file?: ('sha256' | 'md5')[]; content?: ('sha256' | 'md5')[] }
  signal?: AbortSignal
  /** For images that come over the network; what is left out is as in `defaultLimits`. */
  network?: Partial<NetworkLimits>
}

export const defaultBlockBytes = 4 * 1024 * 1024
export const defaultSlots = 12

/**
 * How much of an image is in memory at a time. A plain file is read faster than anything else writes: few blocks stay in the processor's cache
 * (on a drive in memory: a quarter less time). With several targets, what waits is what lets a slow one fall behind without stopping the others.
 */
export function blocksFor(format: ImageFormat, targets: number): { blockBytes: number; slots: number } {
  if (targets > 1) return { blockBytes: defaultBlockBytes, slots: defaultSlots }
  return { blockBytes: defaultBlockBytes, slots: format === 'raw' ? 4 : 8 }
}
