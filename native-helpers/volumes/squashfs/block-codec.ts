import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { partFolders } from '../../built-parts.ts'

/** Below `node_modules` of a checkout, where build/wasm puts what it built. */
export const builtCodecFolder = join('node_modules', '.cache', 'livecard', 'codec')
/** Among the resources of a package. */
export const packagedCodecFolder = 'codec'
export const codecFile = 'codec.wasm'

/** The numbers that squashfs gives them, as build/wasm/codec.c knows them. */
const formats = { lzma: 2, lzo: 3, xz: 4, lz4: 5 } as const
export type CodecFormat = keyof typeof formats

/** What build/wasm/codec.c exports. The memory is static, so that there is nothing to allocate or to free. */
interface CodecExports {
  memory: WebAssembly.Memory
  codec_input(): number
  codec_output(): number
  codec_space(): number
  codec_decode(format: number, packedBytes: number, limitBytes: number): number
  codec_pack_xz(lengthBytes: number, dictionaryBytes: number): number
}

/**
 * Four formats of squashfs from Debian's sources, synchronous, one block after the other. node-liblzma, which flashing needs, reads xz faster: measured on 24
 * blocks of 128 KiB of a program, in time of the processor, 3.4 ms a block against 4.6 here (its liblzma is newer than the 5.4.1 of Debian 12); packing gives
 * the same bytes in the same time. xz is here all the same: one codec, from sources that Debian signs and mends, for all that squashfs needs, in a third of
 * the code. Without a toolchain, xz-blocks.ts reads by that package.
 */
export interface BlockCodec {
  /** At most `limitBytes`, and a copy. Throws for what does not decode; the codec can be used again. */
  decode(format: CodecFormat, packed: Uint8Array, limitBytes: number): Uint8Array
  /** As `xz -6`, with a dictionary from 4 KiB to 1 MiB; the kernel refuses one larger than its blocks. What comes out may be more than went in. */
  packXz(block: Uint8Array, dictionaryBytes: number): Uint8Array<ArrayBuffer>
}

let loaded: BlockCodec | null = null

/** One per thread; null where it was not built, where that is broken, and where it is from before it knew xz. */
export function blockCodec(): BlockCodec | null {
  if (loaded) return loaded
  const paths = partFolders(packagedCodecFolder, builtCodecFolder).map((folder) => join(folder, codecFile))
  const path = paths.find((each) => existsSync(each))
  loaded = path === undefined ? null : codecOf(readFileSync(path))
  return loaded
}

/** null where the module is broken, or not all that this program needs. */
export function codecOf(wasm: Uint8Array<ArrayBuffer>): BlockCodec | null {
  if (!WebAssembly.validate(wasm)) return null
  const module = new WebAssembly.Module(wasm)
  if (!WebAssembly.Module.exports(module).some(({ name }) => name === 'codec_pack_xz')) return null
  const start = () => new WebAssembly.Instance(module).exports as unknown as CodecExports
  let instance = start()

  const run = (block: Uint8Array, limitBytes: number, call: (codec: CodecExports) => number): Uint8Array<ArrayBuffer> => {
    const spaceBytes = instance.codec_space()
    if (block.length > spaceBytes || limitBytes > spaceBytes) throw new RangeError('a block is larger than blocks can be')
    new Uint8Array(instance.memory.buffer).set(block, instance.codec_input())
    let length = 0
    try {
      length = call(instance)
    } catch (trap) {
      // Nobody knows what it left behind: the next block gets a new instance.
      instance = start()
      throw trap
    }
    if (length < 0) throw new Error('the codec refuses the block')
    const output = instance.codec_output()
    return new Uint8Array(instance.memory.buffer.slice(output, output + length))
  }

  return {
    decode: (format, packed, limitBytes) =>
      run(packed, limitBytes, (codec) => codec.codec_decode(formats[format], packed.length, limitBytes)),
    packXz: (block, dictionaryBytes) => run(block, block.length, (codec) => codec.codec_pack_xz(block.length, dictionaryBytes)),
  }
}
