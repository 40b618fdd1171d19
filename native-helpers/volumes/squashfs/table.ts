import type { BlockDevice } from '../../block/device.ts'
import { damaged } from './errors.ts'
import { type Metadata, metadataBytes } from './metadata.ts'
import type { Region } from './superblock.ts'

export interface TableShape {
  name: string
  /** Where the list of the table's blocks lies: eight bytes for each. */
  pointers: number
  entryBytes: number
  count: number
}

/** A table of entries of one size in metadata blocks, whose places a list tells. Nothing of it is read before it is asked for. */
export class Table {
  readonly #device: BlockDevice
  readonly #metadata: Metadata
  readonly #shape: TableShape
  readonly #region: Region
  /** Of the blocks that were asked for. */
  readonly #positions = new Map<number, number>()

  constructor(device: BlockDevice, metadata: Metadata, shape: TableShape, usedBytes: number, start: number) {
    const listBytes = Math.ceil((shape.count * shape.entryBytes) / metadataBytes) * 8
    if (shape.pointers + listBytes > usedBytes) throw damaged(`the table of ${shape.name} does not fit in the image`)
    this.#device = device
    this.#metadata = metadata
    this.#shape = shape
    // The blocks lie before the list that points at them.
    this.#region = { start, end: shape.pointers }
  }

  entry(index: number): DataView {
    const { name, entryBytes, count } = this.#shape
    if (index >= count) throw damaged(`something points at number ${index} of ${count} ${name}`)
    const at = index * entryBytes
    const { bytes } = this.#metadata.block(this.#position(Math.floor(at / metadataBytes)), this.#region)
    const offset = at % metadataBytes
    if (offset + entryBytes > bytes.length) throw damaged(`the table of ${name} ends before its number ${index}`)
    return new DataView(bytes.buffer, bytes.byteOffset + offset, entryBytes)
  }

  #position(block: number): number {
    const known = this.#positions.get(block)
    if (known !== undefined) return known
    const pointer = new Uint8Array(8)
    this.#device.readSync(pointer, this.#shape.pointers + block * 8)
    const position = Number(new DataView(pointer.buffer).getBigUint64(0, true))
    this.#positions.set(block, position)
    return position
  }
}
