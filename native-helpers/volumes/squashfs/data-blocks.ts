import type { BlockDevice } from '../../block/device.ts'
import type { Decompress } from './decompress.ts'
import { damaged } from './errors.ts'
import { Lru } from './lru.ts'
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

/** The blocks of file contents and of fragments, those used last kept unpacked. */
export class DataBlocks {
  readonly #device: BlockDevice
  readonly #superblock: Superblock
  readonly #decompress: Decompress
  readonly #fragments: Table | null
  readonly #kept: Lru<Unpacked>

  constructor(device: BlockDevice, superblock: Superblock, decompress: Decompress, fragments: Table | null, cacheBytes: number) {
    this.#device = device
    this.#superblock = superblock
    this.#decompress = decompress
    this.#fragments = fragments
    this.#kept = new Lru(cacheBytes)
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
    const { data, blockBytes } = this.#superblock
    const length = storedBytes(word)
    if (length === 0 || length > blockBytes || word > (storedPlain | (storedPlain - 1)))
      throw damaged(`the block at byte ${position} has an impossible length`)
    if (position < data.start || position + length > data.end)
      throw damaged(`a block at byte ${position} lies outside of the contents`)
    const stored = new Uint8Array(length)
    this.#device.readSync(stored, position)
    const bytes = word & storedPlain ? stored : this.#decompress(stored, blockBytes)
    this.#kept.set(position, { word, bytes }, bytes.length)
    return bytes
  }
}
