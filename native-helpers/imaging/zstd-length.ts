import { ZstdFormatError, ZstdFrameWalker } from '../volumes/codecs/zstd-frames.ts'
import type { RangeReader } from './range-reader.ts'

/** Headers are three bytes, and what is read besides them is thrown away. */
const pieceBytes = 4 * 1024
/** Blocks hold 128 KiB of content, so that a walk from a slow drive would read half of the file; then the length stays unknown. */
const maxMs = 700

/** What the frames of a zstd file say about the length of the content, all of them; null when they do not, or when finding out takes too long. */
export async function zstdContentBytes(file: RangeReader): Promise<number | null> {
  const walker = new ZstdFrameWalker()
  const giveUpAt = performance.now() + maxMs
  try {
    for (let at = 0; at < file.sizeBytes; ) {
      if (walker.contentBytes === null || performance.now() > giveUpAt) return null
      const over = Math.min(walker.skippable, file.sizeBytes - at)
      if (over > pieceBytes / 2) {
        walker.skipped(over)
        at += over
        continue
      }
      const piece = await file.read(at, Math.min(pieceBytes, file.sizeBytes - at))
      walker.feed(piece)
      at += piece.length
    }
  } catch (thrown) {
    if (thrown instanceof ZstdFormatError) return null
    throw thrown
  }
  return walker.atBoundary && walker.frames > 0 ? walker.contentBytes : null
}
