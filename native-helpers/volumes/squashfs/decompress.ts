import { constants, inflateSync, zstdDecompressSync } from 'node:zlib'
import { LivecardError } from '../../errors.ts'
import { loadBlockCodec } from './block-codec.ts'
import { damaged } from './errors.ts'
import type { Compressor } from './superblock.ts'
import { loadXzBlocks } from './xz-blocks.ts'

/** One packed block to its bytes, at most `limitBytes` of them; throws a named error where it does not decode. */
export type Decompress = (packed: Uint8Array, limitBytes: number) => Uint8Array

/** A block is never more than a mebibyte, so neither is a window; the kernel refuses larger ones too. */
const zstdWindowLog = 20

const makers: Record<Compressor, () => Decompress | Promise<Decompress>> = {
  gzip: () => (packed, limitBytes) => inflateSync(packed, { maxOutputLength: limitBytes, chunkSize: limitBytes }),
  zstd: () => (packed, limitBytes) =>
    zstdDecompressSync(packed, {
      maxOutputLength: limitBytes,
      chunkSize: limitBytes,
      params: { [constants.ZSTD_d_windowLogMax]: zstdWindowLog },
    }),
  xz: loadXzBlocks,
  // The automatic decoder of liblzma knows the older format by its beginning.
  lzma: loadXzBlocks,
  lz4: () => loadBlockCodec('lz4'),
  lzo: () => loadBlockCodec('lzo'),
}

export async function loadDecompressor(compressor: Compressor): Promise<Decompress> {
  const decompress = await makers[compressor]()
  return (packed, limitBytes) => {
    try {
      return decompress(packed, limitBytes)
    } catch (thrown) {
      if (thrown instanceof LivecardError) throw thrown
      throw damaged(`a block does not decode (${compressor})`, thrown)
    }
  }
}
