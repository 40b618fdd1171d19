import { EngineError, openEngine } from '../volumes/codecs/zlib-engine.ts'
import { damaged, truncated } from './image-errors.ts'
import type { PartWriter } from './slot-ring.ts'
import type { ByteSource } from './source.ts'

/**
 * RFC 1952, one member or many. Zeros after the last member are padding, as for gzip(1); anything else there is reported as damage, where gzip(1) warns and
 * goes on: half of an image followed by something else is not an image that anybody wants on a card.
 */
export function decodeGzip(name: string, source: ByteSource, out: PartWriter): void {
  const engine = openEngine('gzip')
  try {
    for (let chunk = source.read(); chunk !== null; chunk = source.read()) {
      for (let at = 0; at < chunk.length; ) {
        const room = out.room()
        const { consumed, produced } = engine.step(chunk.subarray(at), room, false)
        at += consumed
        if (produced > 0) out.advance(produced)
        if (consumed === 0 && produced < room.length) {
          checkPadding(name, chunk.subarray(at), source)
          return
        }
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
    if (thrown.code === 'Z_BUF_ERROR') throw truncated(name, 'the gzip data stops in the middle')
    throw damaged(name, `gzip says "${thrown.message}"`, thrown)
  } finally {
    engine.close()
  }
}

function checkPadding(name: string, rest: Uint8Array, source: ByteSource): void {
  for (let chunk: Uint8Array | null = rest; chunk !== null; chunk = source.read()) {
    if (chunk.some((byte) => byte !== 0)) throw damaged(name, 'something that is not gzip data follows the image')
  }
}
