import type { ErrorValue, ImageFormat } from '../contract.ts'
import type { RingParts } from './slot-ring.ts'
import type { FileSpec } from './source.ts'

/** What a decoding thread gets. */
export interface DecodeTask {
  name: string
  format: ImageFormat
  source: FileSpec
  ring: RingParts
}

/** What it says. `ended` is the length of the image. */
export type DecoderMessage = { filled: number; bytes: number } | { ended: number } | { failed: ErrorValue }
