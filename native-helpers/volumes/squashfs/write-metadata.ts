import type { WritableDevice } from '../making/new-entry.ts'
import { metadataBytes } from './metadata.ts'
import type { Compress } from './write-compress.ts'

/** In a block's two-byte header, as in metadata.ts. */
const storedPlain = 0x8000

export interface MetadataPlace {
  /** Of the block, in stored bytes from the start of the table. */
  block: number
  /** In the unpacked block. */
  offset: number
}

/** A table of metadata that grows: blocks of 8 KiB, each packed as soon as it is full. */
export class MetadataStream {
  readonly #compress: Compress
  readonly #stored: Uint8Array[] = []
  readonly #block = new Uint8Array(metadataBytes)
  #storedBytes = 0
  #filled = 0

  constructor(compress: Compress) {
    this.#compress = compress
  }

  /** Where the next byte goes. */
  get place(): MetadataPlace {
    return { block: this.#storedBytes, offset: this.#filled }
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const part = bytes.subarray(done, done + metadataBytes - this.#filled)
      this.#block.set(part, this.#filled)
      this.#filled += part.length
      done += part.length
      if (this.#filled === metadataBytes) await this.#finish()
    }
  }

  /** Everything as stored; nothing can be added after. */
  async end(): Promise<Buffer> {
    if (this.#filled > 0) await this.#finish()
    return Buffer.concat(this.#stored)
  }

  async #finish(): Promise<void> {
    const plain = this.#block.slice(0, this.#filled)
    const packed = await this.#compress(plain)
    const smaller = packed.length < plain.length
    const stored = smaller ? packed : plain
    const header = stored.length | (smaller ? 0 : storedPlain)
    this.#stored.push(Uint8Array.of(header & 0xff, header >> 8), stored)
    this.#storedBytes += 2 + stored.length
    this.#filled = 0
  }
}

/** Where the next table goes. */
export class TableWriter {
  readonly #device: WritableDevice
  readonly #compress: Compress
  position: number

  constructor(device: WritableDevice, compress: Compress, position: number) {
    this.#device = device
    this.#compress = compress
    this.position = position
  }

  /** Answers where it begins. */
  append(bytes: Uint8Array): number {
    const start = this.position
    if (bytes.length > 0) this.#device.writeSync(bytes, start)
    this.position += bytes.length
    return start
  }

  /** Entries of one size in metadata blocks, and behind them the list of where each block lies, with `head` before it. Answers where that begins. */
  async appendTable(entries: Uint8Array, head: Uint8Array = new Uint8Array()): Promise<number> {
    const places: number[] = []
    for (let at = 0; at < entries.length; at += metadataBytes) {
      const stream = new MetadataStream(this.#compress)
      await stream.write(entries.subarray(at, at + metadataBytes))
      places.push(this.append(await stream.end()))
    }
    const list = Buffer.alloc(places.length * 8)
    for (const [index, place] of places.entries()) list.writeBigUInt64LE(BigInt(place), index * 8)
    return this.append(Buffer.concat([head, list]))
  }
}
