import type { BlockDevice } from '../../block/device.ts'
import type { Decompress } from './decompress.ts'
import { damaged } from './errors.ts'
import { Lru } from './lru.ts'
import type { Region } from './superblock.ts'

/** What inodes, folders and tables are packed in: blocks of 8 KiB, all but the last of a table full (`SQUASHFS_METADATA_SIZE`). */
export const metadataBytes = 8192
/** In a block's two-byte header: stored as it is. The rest is its stored length. */
const storedPlain = 0x8000
const headerBytes = 2

export interface MetadataBlock {
  bytes: Uint8Array
  /** Where the next one of the same table begins. */
  next: number
}

/** The metadata blocks of an image, those used last kept unpacked. */
export class Metadata {
  readonly #device: BlockDevice
  readonly #decompress: Decompress
  readonly #blocks: Lru<MetadataBlock>

  constructor(device: BlockDevice, decompress: Decompress, cacheBytes: number) {
    this.#device = device
    this.#decompress = decompress
    this.#blocks = new Lru(cacheBytes)
  }

  block(position: number, region: Region): MetadataBlock {
    if (!Number.isSafeInteger(position) || position < region.start || position + headerBytes >= region.end)
      throw damaged(`a pointer leads to byte ${position}, outside of its table`)
    const known = this.#blocks.get(position)
    if (known) {
      if (known.next > region.end) throw damaged(`the block at byte ${position} reaches beyond its table`)
      return known
    }
    const header = this.#read(position, headerBytes)
    const word = (header[0] ?? 0) | ((header[1] ?? 0) << 8)
    const storedBytes = word & (storedPlain - 1)
    const start = position + headerBytes
    const next = start + storedBytes
    if (storedBytes === 0 || storedBytes > metadataBytes || next > region.end)
      throw damaged(`the block at byte ${position} has an impossible length`)
    const stored = this.#read(start, storedBytes)
    const bytes = word & storedPlain ? stored : this.#decompress(stored, metadataBytes)
    if (bytes.length === 0) throw damaged(`the block at byte ${position} is empty`)
    const block = { bytes, next }
    this.#blocks.set(position, block, bytes.length)
    return block
  }

  /** A stream of bytes from a place in a table. */
  cursor(region: Region, position: number, offset: number): MetadataCursor {
    return new MetadataCursor(this, region, position, offset)
  }

  #read(position: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length)
    this.#device.readSync(bytes, position)
    return bytes
  }
}

/** Reads on across the blocks of a table; what lies on its way is unpacked once. */
export class MetadataCursor {
  readonly #metadata: Metadata
  readonly #region: Region
  #block: MetadataBlock
  #offset: number

  constructor(metadata: Metadata, region: Region, position: number, offset: number) {
    this.#metadata = metadata
    this.#region = region
    this.#block = metadata.block(position, region)
    this.#offset = offset
    if (offset > this.#block.bytes.length) throw damaged(`a pointer leads beyond the block at byte ${position}`)
  }

  /** The next bytes, only lent. */
  take(length: number): Uint8Array {
    const { bytes } = this.#block
    const end = this.#offset + length
    if (end <= bytes.length) {
      const taken = bytes.subarray(this.#offset, end)
      this.#offset = end
      return taken
    }
    const taken = new Uint8Array(length)
    let block = this.#block
    let offset = this.#offset
    for (let done = 0; done < length; ) {
      if (offset === block.bytes.length) {
        block = this.#metadata.block(block.next, this.#region)
        offset = 0
      }
      const part = block.bytes.subarray(offset, offset + length - done)
      taken.set(part, done)
      offset += part.length
      done += part.length
    }
    // Only now, so that after an error the cursor stands where it stood.
    this.#block = block
    this.#offset = offset
    return taken
  }

  number(): number {
    const bytes = this.take(4)
    return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true)
  }
}
