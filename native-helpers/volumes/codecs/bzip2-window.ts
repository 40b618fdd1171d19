import { maxStoredBlockBytes } from './bzip2-block.ts'

const windowBytes = 2 * maxStoredBlockBytes

/** A window that moves over stored bytes, from which a whole block can be taken at any bit. */
export class Bzip2Window {
  private readonly buffer = new Uint8Array(windowBytes)
  private readonly fill: (into: Uint8Array, at: number) => number
  /** Where the window begins, in the stored bytes. */
  private startByte = 0
  private length = 0
  private ended = false

  /** `fill` reads from byte `at` of the stored bytes, which follows the call before it unless `seek` was called, and answers 0 at their end. */
  constructor(fill: (into: Uint8Array, at: number) => number) {
    this.fill = fill
  }

  /** Moves to any byte; only where `fill` can. */
  seek(byte: number): void {
    if (byte >= this.startByte && byte <= this.startByte + this.length) return
    this.startByte = byte
    this.length = 0
    this.ended = false
  }

  /** At least `bytes` from `bit` on, or all there are; with the place of `bit` in them. */
  from(bit: number, bytes: number): { data: Uint8Array; at: number } {
    const byte = Math.floor(bit / 8)
    const gone = byte - this.startByte
    if (gone > 0 && (gone > this.length || this.length - gone < bytes)) this.drop(Math.min(gone, this.length))
    while (!this.ended && this.startByte + this.length - byte < bytes) {
      const got = this.fill(this.buffer.subarray(this.length), this.startByte + this.length)
      if (got === 0) this.ended = true
      this.length += got
      if (this.length === this.buffer.length) this.drop(Math.min(byte - this.startByte, this.length))
    }
    return { data: this.buffer.subarray(0, this.length), at: bit - this.startByte * 8 }
  }

  /** `bits` (at most 32) from `bit` on; null when the stored bytes end before. */
  bits(bit: number, count: number): number | null {
    const { data, at } = this.from(bit, 8)
    if (at + count > data.length * 8) return null
    let value = 0
    for (let index = at; index < at + count; index++)
      value = (value << 1) | (((data[index >>> 3] as number) >> (7 - (index & 7))) & 1)
    return value >>> 0
  }

  private drop(bytes: number): void {
    this.buffer.copyWithin(0, bytes, this.length)
    this.startByte += bytes
    this.length -= bytes
  }
}
