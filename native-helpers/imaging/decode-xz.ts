import { loadXzDecoder, lzma } from '../volumes/codecs/liblzma.ts'
import { damaged, needsMemory, truncated, unsupported } from './image-errors.ts'
import type { PartWriter } from './slot-ring.ts'
import type { ByteSource } from './source.ts'

/** All decoders of one image together: enough for a dictionary of 128 MiB, twice that of `xz -9`. */
export const xzMemoryBytes = 136 * 1024 * 1024

/** The .xz file format: streams with padding between them, checks and indexes are compared by liblzma. */
export async function decodeXz(name: string, source: ByteSource, out: PartWriter): Promise<void> {
  const decoder = await loadXzDecoder()
  decoder.start(xzMemoryBytes, true)
  const pass = (bytes: Uint8Array) => out.write(bytes)
  for (let chunk = source.read(); chunk !== null; chunk = source.read()) {
    const code = decoder.feed(chunk, false, pass)
    if (code !== lzma.ok && code !== lzma.buffer) throw xzError(name, code)
  }
  const code = decoder.feed(new Uint8Array(0), true, pass)
  if (code !== lzma.streamEnd) throw xzError(name, code)
}

export function xzError(name: string, code: number): Error {
  switch (code) {
    case lzma.buffer:
      return truncated(name, 'the xz data stops in the middle')
    case lzma.memoryLimit:
    case lzma.memoryError:
      return needsMemory(name, `its xz dictionary does not fit into ${xzMemoryBytes / 1024 / 1024} MiB`)
    case lzma.notXz:
      return damaged(name, 'something that is not xz data follows the image')
    case lzma.options:
      return unsupported(name, 'it uses an xz filter that liblzma does not know')
    default:
      return damaged(name, 'the xz data does not agree with its checksums')
  }
}
