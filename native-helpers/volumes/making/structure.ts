/** Bytes of a structure on a disk that is filled in field by field; numbers are little-endian where nothing else is said. */
export class Structure {
  readonly bytes: Uint8Array
  readonly #view: DataView

  constructor(lengthBytes: number) {
    this.bytes = new Uint8Array(lengthBytes)
    this.#view = new DataView(this.bytes.buffer)
  }

  u8(offset: number, value: number): this {
    this.#view.setUint8(offset, value)
    return this
  }

  u16(offset: number, value: number): this {
    this.#view.setUint16(offset, value, true)
    return this
  }

  u32(offset: number, value: number): this {
    this.#view.setUint32(offset, value, true)
    return this
  }

  u64(offset: number, value: number | bigint): this {
    this.#view.setBigUint64(offset, BigInt(value), true)
    return this
  }

  /** In both byte orders, one after the other, as ISO 9660 has its numbers. */
  both16(offset: number, value: number): this {
    this.#view.setUint16(offset, value, true)
    this.#view.setUint16(offset + 2, value, false)
    return this
  }

  both32(offset: number, value: number): this {
    this.#view.setUint32(offset, value, true)
    this.#view.setUint32(offset + 4, value, false)
    return this
  }

  big32(offset: number, value: number): this {
    this.#view.setUint32(offset, value, false)
    return this
  }

  put(offset: number, bytes: Uint8Array): this {
    this.bytes.set(bytes, offset)
    return this
  }

  /** Latin-1, filled up with `pad`, cut to the length. */
  text(offset: number, length: number, text: string, pad = 0): this {
    this.bytes.fill(pad, offset, offset + length)
    this.bytes.set(Buffer.from(text, 'latin1').subarray(0, length), offset)
    return this
  }
}
