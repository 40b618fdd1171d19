import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { promisify } from 'node:util'
import zlib from 'node:zlib'

/** What is written here; each Linux that has squashfs reads gzip, since 2.6.38 xz, since 4.14 zstd. */
export type WriteCompressor = 'gzip' | 'zstd' | 'xz'

/** A block to its packed bytes, which may be more than it had. Several at once are packed on several processors where that is possible. */
export type Compress = (block: Uint8Array) => Promise<Uint8Array>

/** As mksquashfs has them, but for zstd: level 15 takes five times as long for 2.5 % less. */
export const usualLevels = { gzip: 9, zstd: 6, xz: 6 } as const

const deflate = promisify<zlib.InputType, zlib.ZlibOptions, Buffer>(zlib.deflate)
const zstdCompress = promisify<zlib.InputType, zlib.ZstdOptions, Buffer>(zlib.zstdCompress)

export async function loadCompressor(compressor: WriteCompressor, blockBytes: number, level: number): Promise<Compress> {
  switch (compressor) {
    case 'gzip':
      return (block) => deflate(block, { level })
    case 'zstd': {
      const params = { [zlib.constants.ZSTD_c_compressionLevel]: level }
      // Without being told the length it takes four times as long at high levels.
      return (block) => zstdCompress(block, { params, pledgedSrcSize: block.length })
    }
    case 'xz':
      return loadXz(blockBytes)
  }
}

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

/** A dictionary larger than a block would be refused by the kernel, which makes room for a block only. */
async function loadXz(blockBytes: number): Promise<Compress> {
  const { default: createModule } = await import('node-liblzma/wasm/liblzma.js')
  const wasmBinary = readFileSync(createRequire(import.meta.url).resolve('node-liblzma/wasm/liblzma.wasm'))
  const module: Liblzma = await createModule({ wasmBinary })
  const outputBytes = blockBytes + 64 * 1024
  const input = module._malloc(blockBytes)
  const output = module._malloc(outputBytes)
  const options = module._malloc(lzmaOptionsBytes)
  const filters = module._malloc(2 * filterBytes)
  const position = module._malloc(4)
  module.HEAPU8.fill(0, options, options + lzmaOptionsBytes)
  const view = new DataView(module.HEAPU8.buffer)
  for (const [name, value] of Object.entries({ ...xz6, dictionaryBytes: Math.max(8192, blockBytes) })) {
    view.setUint32(options + lzmaFields[name as keyof typeof lzmaFields], value, true)
  }
  view.setBigUint64(filters, lzma2Filter, true)
  view.setUint32(filters + 8, options, true)
  view.setBigUint64(filters + filterBytes, noFilter, true)
  return async (block) => {
    module.HEAPU8.set(block, input)
    new DataView(module.HEAPU8.buffer).setUint32(position, 0, true)
    const code = module._lzma_stream_buffer_encode(filters, checkCrc32, 0, input, block.length, output, position, outputBytes)
    if (code !== 0) throw new Error(`liblzma could not pack a block (${code})`)
    const length = new DataView(module.HEAPU8.buffer).getUint32(position, true)
    return module.HEAPU8.slice(output, output + length)
  }
}
