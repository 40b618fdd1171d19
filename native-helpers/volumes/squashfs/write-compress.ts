import { promisify } from 'node:util'
import zlib from 'node:zlib'
import { blockCodec } from './block-codec.ts'
import { packerMissing } from './errors.ts'
import { startPackPool } from './pack-pool.ts'

/** What is written here; each Linux that has squashfs reads gzip, since 2.6.38 xz, since 4.14 zstd. */
export type WriteCompressor = 'gzip' | 'zstd' | 'xz'

/** A block to its packed bytes, which may be more than it had. Several at once are packed on several processors where that is possible. */
export type Compress = (block: Uint8Array) => Promise<Uint8Array>

/** As mksquashfs has them, but for zstd: level 15 takes five times as long for 2.5 % less. */
export const usualLevels = { gzip: 9, zstd: 6, xz: 6 } as const

const deflate = promisify<zlib.InputType, zlib.ZlibOptions, Buffer>(zlib.deflate)
const zstdCompress = promisify<zlib.InputType, zlib.ZstdOptions, Buffer>(zlib.zstdCompress)

export interface Packer {
  compress: Compress
  /** Ends its threads; what is being packed fails. */
  close(): Promise<void>
}

/** Throws "squashfs-codec-missing" for xz where codec.wasm was not built. */
export function startPacker(compressor: WriteCompressor, blockBytes: number, level: number, codec = blockCodec()): Packer {
  const ofNode = (compress: Compress): Packer => ({ compress, close: async () => undefined })
  switch (compressor) {
    case 'gzip':
      return ofNode((block) => deflate(block, { level }))
    case 'zstd': {
      const params = { [zlib.constants.ZSTD_c_compressionLevel]: level }
      // Without being told the length it takes four times as long at high levels.
      return ofNode((block) => zstdCompress(block, { params, pledgedSrcSize: block.length }))
    }
    case 'xz':
      if (!codec) throw packerMissing()
      return startPackPool(blockBytes)
  }
}
