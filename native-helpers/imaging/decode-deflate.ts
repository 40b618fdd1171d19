import { EngineError, openEngine } from '../volumes/codecs/zlib-engine.ts'
import { damaged, truncated } from './image-errors.ts'
import type { PartWriter } from './slot-ring.ts'
import type { ByteSource } from './source.ts'

/** RFC 1951, as it lies in a zip: the directory says how long it is and which checksum it has. */
export function decodeDeflate(name: string, source: ByteSource, out: PartWriter): void {
  const engine = openEngine('deflate')
  try {
    for (let chunk = source.read(); chunk !== null; chunk = source.read()) {
      for (let at = 0; at < chunk.length; ) {
        const room = out.room()
        const { consumed, produced } = engine.step(chunk.subarray(at), room, false)
        at += consumed
        if (produced > 0) out.advance(produced)
        if (consumed === 0 && produced < room.length) throw damaged(name, 'something that is not compressed data follows the image')
      }
    }
    for (;;) {
      const room = out.room()
      const { produced } = engine.step(new Uint8Array(0), room, true)
      if (produced > 0) out.advance(produced)
      if (produced < room.length) return
    }
  } catch (thrown) {
    if (!(thrown instanceof EngineError)) throw thrown
    if (thrown.code === 'Z_BUF_ERROR') throw truncated(name, 'the compressed data stops in the middle')
    throw damaged(name, `zlib says "${thrown.message}"`, thrown)
  } finally {
    engine.close()
  }
}
