import type { ErrorValue } from '../contract.ts'
import type { Bzip2Shared } from './decode-bzip2-blocks.ts'
import type { XzBlocksTask } from './decode-xz-blocks.ts'
import type { Meter } from './meter.ts'
import type { RingParts } from './slot-ring.ts'
import type { FileSpec, SourceSpec } from './source.ts'

/** How the bytes of a source are packed; `deflate` is a zip's, without a header. */
export type Packing = 'none' | 'gzip' | 'deflate' | 'bzip2' | 'xz' | 'zstd'

/** What one decoding thread is to do: everything in order, or its share of the blocks. */
export type Work =
  | { kind: 'stream'; packing: Packing; source: SourceSpec; check: ContentCheck | null }
  | { kind: 'xz-blocks'; task: XzBlocksTask }
  | { kind: 'bzip2-blocks'; source: FileSpec; shared: Bzip2Shared }

/** What a zip's directory says of a member. */
export interface ContentCheck {
  sizeBytes: number
  crc32: number
}

export interface DecodeTask {
  name: string
  work: Work
  ring: RingParts
  meter: Meter
}

/** What a thread says. It ends with `ended`: the length of the image, or null where it does not know; with `stopped` after its ring was. */
export type DecoderMessage =
  | { filled: number; bytes: number }
  | { ended: number | null }
  | { stopped: true }
  | { failed: ErrorValue }
