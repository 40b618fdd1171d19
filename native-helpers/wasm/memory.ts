const encoder = new TextEncoder()
const decoder = new TextDecoder()

const pageBytes = 65536

/** A module's memory. Growing it detaches every view, so views are asked for again at each use. */
export class ModuleMemory {
  readonly #memory: WebAssembly.Memory
  readonly #limitBytes: number
  #bytes: Uint8Array
  #view: DataView
  /** Whether the program was refused memory, which explains most of what it says afterwards. */
  exhausted = false

  constructor(memory: WebAssembly.Memory, limitBytes: number) {
    this.#memory = memory
    this.#limitBytes = limitBytes
    this.#bytes = new Uint8Array(memory.buffer)
    this.#view = new DataView(memory.buffer)
  }

  get limitBytes(): number {
    return this.#limitBytes
  }

  get sizeBytes(): number {
    return this.#memory.buffer.byteLength
  }

  get bytes(): Uint8Array {
    if (this.#bytes.buffer !== this.#memory.buffer) this.#bytes = new Uint8Array(this.#memory.buffer)
    return this.#bytes
  }

  get view(): DataView {
    if (this.#view.buffer !== this.#memory.buffer) this.#view = new DataView(this.#memory.buffer)
    return this.#view
  }

  part(pointer: number, length: number): Uint8Array {
    const start = pointer >>> 0
    return this.bytes.subarray(start, start + (length >>> 0))
  }

  setInt(pointer: number, value: number): void {
    this.view.setInt32(pointer >>> 0, value, true)
  }

  getInt(pointer: number): number {
    return this.view.getInt32(pointer >>> 0, true)
  }

  setLong(pointer: number, value: number): void {
    this.view.setBigInt64(pointer >>> 0, BigInt(value), true)
  }

  /** A C string. */
  text(pointer: number): string {
    const start = pointer >>> 0
    return decoder.decode(this.bytes.subarray(start, this.bytes.indexOf(0, start)))
  }

  /** Writes a C string and answers its length with the zero. */
  setText(pointer: number, text: string): number {
    const encoded = encoder.encode(text)
    const to = this.part(pointer, encoded.length + 1)
    to.set(encoded)
    to[encoded.length] = 0
    return to.length
  }

  /** Room for `wantedBytes` in all, and some more so that it is not asked for every few pages; false where that is above the limit. */
  grow(wantedBytes: number): boolean {
    if (wantedBytes > this.#limitBytes) {
      this.exhausted = true
      return false
    }
    const target = Math.min(this.#limitBytes, Math.max(wantedBytes, this.sizeBytes + Math.min(this.sizeBytes, 32 * 1024 * 1024)))
    try {
      this.#memory.grow(Math.ceil((target - this.sizeBytes) / pageBytes))
      return true
    } catch {
      this.exhausted = true
      return false
    }
  }
}

/** Bytes that a C string takes. */
export function textBytes(text: string): number {
  return encoder.encode(text).length + 1
}
