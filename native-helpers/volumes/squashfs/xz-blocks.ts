import { loadXzDecoder, lzma, lzmaInputBytes, type XzDecoder } from '../codecs/liblzma.ts'
import type { Decompress } from './decompress.ts'

/** For the dictionary that a block asks for, as in build/wasm/codec.c. mksquashfs takes the block's size, at most a mebibyte. */
const memoryLimitBytes = 16 * 1024 * 1024

let loading: Promise<XzDecoder> | null = null

/** xz and the older lzma where codec.wasm was not built: by the library that npm brings to every system. One per thread. */
export async function loadXzBlocks(format: 'xz' | 'lzma'): Promise<Decompress> {
  loading ??= loadXzDecoder()
  const decoder = await loading
  return (packed, limitBytes) => {
    const output = new Uint8Array(limitBytes)
    decoder.start(memoryLimitBytes, false, format)
    for (let at = 0, done = 0; ; ) {
      const piece = packed.subarray(at, at + lzmaInputBytes)
      const { code, consumed, produced } = decoder.step(piece, output.subarray(done), at + piece.length === packed.length)
      at += consumed
      done += produced
      // The older format has no end mark, so a full output without an error is its end too.
      const ended = code === lzma.streamEnd || (format === 'lzma' && code === lzma.ok && done === limitBytes)
      if (ended) return done === limitBytes ? output : output.slice(0, done)
      if (code !== lzma.ok) throw new Error(`liblzma says ${code}`)
    }
  }
}
