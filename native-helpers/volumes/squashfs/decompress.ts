import { LivecardError } from '../../errors.ts'
import { openEngine } from '../codecs/zlib-engine.ts'
import { type BlockCodec, blockCodec, type CodecFormat } from './block-codec.ts'
import { codecMissing, damaged } from './errors.ts'
import type { Compressor } from './superblock.ts'
import { loadXzBlocks } from './xz-blocks.ts'

/** One packed block to its bytes, at most `limitBytes` of them; throws a named error where it does not decode. */
export type Decompress = (packed: Uint8Array, limitBytes: number) => Uint8Array

/** A block is never more than a mebibyte, so neither is a window; the kernel refuses larger ones too. */
const zstdWindowLog = 20

const makers: Record<Compressor, (codec: BlockCodec | null) => Decompress | Promise<Decompress>> = {
  gzip: () => withEngine('zlib'),
  zstd: () => withEngine('zstd'),
  xz: (codec) => (codec ? withCodec(codec, 'xz') : loadXzBlocks('xz')),
  lzma: (codec) => (codec ? withCodec(codec, 'lzma') : loadXzBlocks('lzma')),
  lz4: (codec) => withCodec(codec, 'lz4'),
  lzo: (codec) => withCodec(codec, 'lzo'),
}

/** `codec` is null where it was not built. Throws "squashfs-codec-missing" for what nothing else decodes. */
export async function loadDecompressor(compressor: Compressor, codec = blockCodec()): Promise<Decompress> {
  const decompress = await makers[compressor](codec)
  return (packed, limitBytes) => {
    try {
      return decompress(packed, limitBytes)
    } catch (thrown) {
      if (thrown instanceof LivecardError) throw thrown
      throw damaged(`a block does not decode (${compressor})`, thrown)
    }
  }
}

function withCodec(codec: BlockCodec | null, format: CodecFormat): Decompress {
  if (!codec) throw codecMissing(format)
  return (packed, limitBytes) => codec.decode(format, packed, limitBytes)
}

/**
 * One decoder for all blocks: Node's own synchronous functions make one for each, which took half of their time (128 KiB of zstd: 84 µs, so 42; of gzip: 52, so 40).
 */
function withEngine(kind: 'zlib' | 'zstd'): Decompress {
  let engine = openEngine(kind, zstdWindowLog)
  return (packed, limitBytes) => {
    // One byte more than there may be: only with room left does zlib tell an end from a stop.
    const output = Buffer.allocUnsafeSlow(limitBytes + 1)
    engine.reset()
    try {
      const { produced } = engine.step(packed, output, true)
      if (produced > limitBytes) throw new RangeError('a block is larger than blocks can be')
      // What is kept shall not hold much more memory than it says.
      return produced > limitBytes / 2 ? output.subarray(0, produced) : new Uint8Array(output.subarray(0, produced))
    } catch (thrown) {
      engine.close()
      engine = openEngine(kind, zstdWindowLog)
      throw thrown
    }
  }
}
