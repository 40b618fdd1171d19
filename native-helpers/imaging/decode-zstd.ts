import { EngineError, openEngine } from '../volumes/codecs/zlib-engine.ts'
import { ZstdFormatError, ZstdFrameWalker, zstdWindowLogMax } from '../volumes/codecs/zstd-frames.ts'
import { damaged, needsMemory, truncated, unsupported } from './image-errors.ts'
import type { PartWriter } from './slot-ring.ts'
import type { ByteSource } from './source.ts'

/** RFC 8878: any number of frames, skippable ones too. As for zstd(1), only frames may follow frames. */
export function decodeZstd(name: string, source: ByteSource, out: PartWriter): void {
  const engine = openEngine('zstd', zstdWindowLogMax)
  const walker = new ZstdFrameWalker()
  try {
    for (let chunk = source.read(); chunk !== null; chunk = source.read()) {
      walker.feed(chunk)
      for (let at = 0; ; ) {
        const room = out.room()
        const { consumed, produced } = engine.step(chunk.subarray(at), room, false)
        at += consumed
        if (produced > 0) out.advance(produced)
        // A full output may hide more of it; else the decoder is through with this chunk when it has taken all of it.
        if (produced < room.length && at === chunk.length) break
        if (consumed === 0 && produced === 0) throw damaged(name, 'the decoder does not go on')
      }
    }
    if (!walker.atBoundary) throw truncated(name, 'the zstd data stops in the middle')
  } catch (thrown) {
    if (thrown instanceof ZstdFormatError) throw named(name, thrown)
    if (!(thrown instanceof EngineError)) throw thrown
    if (thrown.code === 'ZSTD_error_frameParameter_windowTooLarge') throw needsMemory(name, 'its zstd window is too large')
    throw damaged(name, `zstd says "${thrown.message}"`, thrown)
  } finally {
    engine.close()
  }
}

function named(name: string, error: ZstdFormatError): Error {
  const { code, detail } = error.problem
  if (code === 'memory') return needsMemory(name, detail)
  return code === 'unsupported' ? unsupported(name, detail) : damaged(name, detail, error)
}
