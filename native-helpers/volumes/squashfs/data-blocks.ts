import type { BlockDevice } from '../../block/device.ts'
import type { Decompress } from './decompress.ts'
import { damaged } from './errors.ts'
import { Lru } from './lru.ts'
import type { ReadAhead } from './read-ahead.ts'
import type { Superblock } from './superblock.ts'
import type { Table } from './table.ts'

/** In the length of a block (`SQUASHFS_COMPRESSED_BIT_BLOCK`): stored as it is. */
const storedPlain = 0x1000000

/** The length of a block in the image. */
export function storedBytes(word: number): number {
  return word & (storedPlain - 1)
}

interface Unpacked {
  word: number
  bytes: Uint8Array
}

export interface DataBlocksOptions {
  device: BlockDevice
  superblock: Superblock
  decompress: Decompress
  fragments: Table | null
  readAhead: ReadAhead
  cacheBytes: number
}

/** The blocks of file contents and of fragments, those used last kept unpacked. */
export class DataBlocks {
  readonly #device: BlockDevice
  readonly #superblock: Superblock
  readonly #decompress: Decompress
  readonly #fragments: Table | null
  readonly #readAhead: ReadAhead
  readonly #kept: Lru<Unpacked>
  readonly #packed: Uint8Array

  constructor({ device, superblock, decompress, fragments, readAhead, cacheBytes }: DataBlocksOptions) {
    this.#device = device
    this.#superblock = superblock
    this.#decompress = decompress
    this.#fragments = fragments
    this.#readAhead = readAhead
    this.#kept = new Lru(cacheBytes)
    this.#packed = new Uint8Array(superblock.blockBytes)
  }

  /** How many blocks it is worth to ask for before they are read; 0: none. */
  get aheadBlocks(): number {
    return this.#readAhead.depth
  }

  /** A block that will be read soon; another thread begins with it. False where there is no room for one more. */
  ahead(position: number, word: number): boolean {
    if (word === 0 || word & storedPlain || this.#kept.has(position) || this.#readAhead.has(position)) return true
    return this.#readAhead.ask(position, word, this.#stored(position, word))
  }

  /** A block of a file, which must have exactly the bytes that the file's size says. */
  block(position: number, word: number, expectedBytes: number): Uint8Array {
    const bytes = this.#unpack(position, word)
    if (bytes.length !== expectedBytes)
      throw damaged(`the block at byte ${position} has ${bytes.length} bytes instead of ${expectedBytes}`)
    return bytes
  }

  /** A block that holds the ends of several files, at least so long as is asked for. */
  fragment(index: number, neededBytes: number): Uint8Array {
    if (!this.#fragments) throw damaged('a file ends in a fragment, and the image has none')
    const entry = this.#fragments.entry(index)
    const bytes = this.#unpack(Number(entry.getBigUint64(0, true)), entry.getUint32(8, true))
    if (neededBytes > bytes.length) throw damaged(`a file ends beyond fragment ${index}`)
    return bytes
  }

  #unpack(position: number, word: number): Uint8Array {
    const known = this.#kept.get(position)
    if (known?.word === word) return known.bytes
    const bytes =
      this.#readAhead.get(position, word) ??
      (word & storedPlain
        ? this.#stored(position, word)
        : this.#decompress(this.#stored(position, word), this.#superblock.blockBytes))
    this.#kept.set(position, { word, bytes }, bytes.length)
    return bytes
  }

  /** What is packed is only lent, until the next block is read. */
  #stored(position: number, word: number): Uint8Array {
    const { data, blockBytes } = this.#superblock
    const length = storedBytes(word)
    if (length === 0 || length > blockBytes || word > (storedPlain | (storedPlain - 1)))
      throw damaged(`the block at byte ${position} has an impossible length`)
    if (position < data.start || position + length > data.end)
      throw damaged(`a block at byte ${position} lies outside of the contents`)
    const stored = word & storedPlain ? new Uint8Array(length) : this.#packed.subarray(0, length)
    this.#device.readSync(stored, position)
    return stored
  }
}
