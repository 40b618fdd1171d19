import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

/** lzma/check.h; the kernel's decoder knows no other. */
const checkCrc32 = 1
/** lzma/lzma12.h, with the settings of `xz -6`: offsets of the fields of `lzma_options_lzma` with 32-bit pointers, and their values. */
const lzmaOptionsBytes = 128
const lzmaFields = { dictionaryBytes: 0, lc: 12, lp: 16, pb: 20, mode: 24, niceLength: 28, matchFinder: 32, depth: 36 }
const xz6 = { lc: 3, lp: 0, pb: 2, mode: 2, niceLength: 64, matchFinder: 0x14, depth: 0 }
/** `lzma_filter` of lzma/filter.h: a number of 64 bits and a pointer. */
const filterBytes = 16
const lzma2Filter = 0x21n
const noFilter = 0xffff_ffff_ffff_ffffn
/** What a block that does not get smaller may grow by. */
const growthBytes = 64 * 1024

interface Liblzma {
  readonly HEAPU8: Uint8Array
  _malloc(bytes: number): number
  _lzma_stream_buffer_encode(
    filters: number,
    check: number,
    allocator: number,
    input: number,
    inputBytes: number,
    output: number,
    outputPosition: number,
    outputBytes: number,
  ): number
}

/** Packs blocks of at most so many bytes. A dictionary larger than a block would be refused by the kernel, which makes room for a block only. */
export async function loadXz(blockBytes: number): Promise<(block: Uint8Array) => Uint8Array<ArrayBuffer>> {
  const { default: createModule } = await import('node-liblzma/wasm/liblzma.js')
  const wasmBinary = readFileSync(createRequire(import.meta.url).resolve('node-liblzma/wasm/liblzma.wasm'))
  const module: Liblzma = await createModule({ wasmBinary })
  const mostBytes = Math.max(8192, blockBytes)
  const outputBytes = mostBytes + growthBytes
  const input = module._malloc(mostBytes)
  const output = module._malloc(outputBytes)
  const options = module._malloc(lzmaOptionsBytes)
  const filters = module._malloc(2 * filterBytes)
  const position = module._malloc(4)
  module.HEAPU8.fill(0, options, options + lzmaOptionsBytes)
  const view = new DataView(module.HEAPU8.buffer)
  for (const [name, value] of Object.entries({ ...xz6, dictionaryBytes: mostBytes })) {
    view.setUint32(options + lzmaFields[name as keyof typeof lzmaFields], value, true)
  }
  view.setBigUint64(filters, lzma2Filter, true)
  view.setUint32(filters + 8, options, true)
  view.setBigUint64(filters + filterBytes, noFilter, true)
  return (block) => {
    module.HEAPU8.set(block, input)
    // The memory may grow within a call, which detaches every view of it.
    new DataView(module.HEAPU8.buffer).setUint32(position, 0, true)
    const code = module._lzma_stream_buffer_encode(filters, checkCrc32, 0, input, block.length, output, position, outputBytes)
    if (code !== 0) throw new Error(`liblzma could not pack a block (${code})`)
    const length = new DataView(module.HEAPU8.buffer).getUint32(position, true)
    return Uint8Array.from(module.HEAPU8.subarray(output, output + length))
  }
}
