import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Decompress } from './decompress.ts'

/** Return codes of lzma/base.h. */
const lzmaOk = 0
const lzmaStreamEnd = 1
const lzmaFinish = 3
/** `lzma_stream` of lzma/base.h with 32-bit pointers: offsets of its fields, in bytes. */
const streamBytes = 144
const nextIn = 0
const availIn = 4
const nextOut = 16
const availOut = 20
/** The largest block, with what packing may add to one that does not get smaller. */
const spaceBytes = 1024 * 1024 + 64 * 1024
/** For the dictionary that a block asks for. mksquashfs takes the block's size, at most a mebibyte. */
const memoryLimitBytes = 16n * 1024n * 1024n

interface Liblzma {
  readonly HEAPU8: Uint8Array
  _malloc(bytes: number): number
  _lzma_auto_decoder(stream: number, memoryLimit: bigint, flags: number): number
  _lzma_code(stream: number, action: number): number
}

let loading: Promise<Decompress> | null = null

/**
 * xz and the older lzma through liblzma in WebAssembly, which npm brings to every system and which flashing needs anyway. Measured on 24 blocks of 128 KiB of a
 * program, in time of the processor: 3.4 ms a block, against 4.6 to 4.9 with Debian 12's xz-utils 5.4.1 in codec.wasm, whichever flags of emscripten (its
 * decoder is older); packing gives the same bytes in the same time. So codec.wasm has only what nothing else brings. One per thread; the work of a block is
 * synchronous.
 */
export function loadXzBlocks(): Promise<Decompress> {
  loading ??= load()
  return loading
}

async function load(): Promise<Decompress> {
  const { default: createModule } = await import('node-liblzma/wasm/liblzma.js')
  const wasmBinary = readFileSync(createRequire(import.meta.url).resolve('node-liblzma/wasm/liblzma.wasm'))
  const module: Liblzma = await createModule({ wasmBinary })
  const stream = module._malloc(streamBytes)
  const input = module._malloc(spaceBytes)
  const output = module._malloc(spaceBytes)
  module.HEAPU8.fill(0, stream, stream + streamBytes)
  return (packed, limitBytes) => {
    if (packed.length > spaceBytes || limitBytes > spaceBytes) throw new RangeError('a block is larger than blocks can be')
    // Without lzma_end between, the library keeps the memory of the last block for the next.
    const begun = module._lzma_auto_decoder(stream, memoryLimitBytes, 0)
    if (begun !== lzmaOk) throw new Error(`liblzma could not begin (${begun})`)
    module.HEAPU8.set(packed, input)
    const fields = new DataView(module.HEAPU8.buffer)
    fields.setUint32(stream + nextIn, input, true)
    fields.setUint32(stream + availIn, packed.length, true)
    fields.setUint32(stream + nextOut, output, true)
    fields.setUint32(stream + availOut, limitBytes, true)
    const code = module._lzma_code(stream, lzmaFinish)
    // The memory may have grown within the call, which detaches the view.
    const unused = new DataView(module.HEAPU8.buffer).getUint32(stream + availOut, true)
    // The older format has no end mark, so a full output without an error is its end too.
    if (code !== lzmaStreamEnd && !(code === lzmaOk && unused === 0)) throw new Error(`liblzma says ${code}`)
    return module.HEAPU8.slice(output, output + limitBytes - unused)
  }
}
