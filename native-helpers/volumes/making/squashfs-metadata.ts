import { deflateSync } from 'node:zlib'

/** fs/squashfs/squashfs_fs.h: SQUASHFS_METADATA_SIZE, and the bit of a length that says "not packed". */
const blockBytes = 8192
const plainBit = 0x8000

/** Where something begins: its block, counted in packed bytes from the start of the table, and its place in the unpacked block. */
export interface MetadataPlace {
  block: number
  offset: number
}

/** A table of squashfs: bytes one after the other, packed in blocks. */
export class MetadataTable {
  readonly #blocks: Uint8Array[] = []
  #packedBytes = 0
  #open = Buffer.alloc(0)

  get place(): MetadataPlace {
    return { block: this.#packedBytes, offset: this.#open.length }
  }

  add(bytes: Uint8Array): void {
    this.#open = Buffer.concat([this.#open, bytes])
    while (this.#open.length >= blockBytes) this.#close(blockBytes)
  }

  /** Everything, the last block too. Nothing is added afterwards. */
  finish(): Uint8Array {
    if (this.#open.length > 0) this.#close(this.#open.length)
    return Buffer.concat(this.#blocks)
  }

  #close(length: number): void {
    const plain = this.#open.subarray(0, length)
    const packed = deflateSync(plain)
    const smaller = packed.length < plain.length
    const content = smaller ? packed : plain
    const head = Buffer.alloc(2)
    head.writeUInt16LE(content.length | (smaller ? 0 : plainBit))
    this.#blocks.push(Buffer.concat([head, content]))
    this.#packedBytes += 2 + content.length
    this.#open = Buffer.from(this.#open.subarray(length))
  }
}
