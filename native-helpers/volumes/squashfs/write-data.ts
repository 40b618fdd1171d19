import { createHash } from 'node:crypto'
import { cannotMake } from '../making/errors.ts'
import { contentLength, contentParts, isZeros, type NewFile, type WritableDevice } from '../making/new-entry.ts'
import type { Compress } from './write-compress.ts'

/** In the stored length of a block: it is not packed. */
const storedPlain = 0x0100_0000
/** In an inode: no end among others'. */
export const noFragment = 0xffff_ffff
/** How many blocks are being packed at once. */
const inFlight = 8
const compareBytes = 1024 * 1024

/** Where the content of a file went. */
export interface StoredContent {
  start: number
  /** Stored lengths of its blocks with the bit above; 0 stands for a block of zeros. */
  blocks: number[]
  fragment: number
  fragmentOffset: number
  /** In blocks of zeros, which are not stored. */
  sparseBytes: number
}

export interface StoredFragment {
  start: number
  storedSize: number
}

interface Pending {
  packed: Promise<Uint8Array>
  plain: Uint8Array
  stored(start: number, storedSize: number): void
}

/** Writes contents behind each other, as blocks, and what is smaller than a block together with others'. */
export class DataWriter {
  readonly fragments: StoredFragment[] = []
  /** Where the next block goes; valid after `end`. */
  position: number
  readonly #device: WritableDevice
  readonly #compress: Compress
  readonly #blockBytes: number
  readonly #pending: Pending[] = []
  readonly #duplicates: Duplicates
  #fragment: Uint8Array
  #fragmentFilled = 0

  constructor(device: WritableDevice, compress: Compress, blockBytes: number, start: number, files: readonly NewFile[]) {
    this.#device = device
    this.#compress = compress
    this.#blockBytes = blockBytes
    this.position = start
    this.#fragment = new Uint8Array(blockBytes)
    this.#duplicates = new Duplicates(files)
  }

  /** Its places are filled in by the time that `end` is through. `step` is told of every part that went in; what it throws ends the writing. */
  async write(file: NewFile, step: (bytes: number) => void): Promise<StoredContent> {
    const known = this.#duplicates.find(file)
    if (known) {
      step(contentLength(file))
      return known
    }
    const content: StoredContent = { start: 0, blocks: [], fragment: noFragment, fragmentOffset: 0, sparseBytes: 0 }
    this.#duplicates.remember(file, content)
    const length = contentLength(file)
    for (const { offset, bytes } of contentParts(file, this.#blockBytes)) {
      step(bytes.length)
      if (length < this.#blockBytes) await this.#addToFragment(bytes, content)
      else await this.#addBlock(content, offset / this.#blockBytes, bytes)
    }
    return content
  }

  async end(): Promise<void> {
    await this.#flushFragment()
    while (this.#pending.length > 0) await this.#writeFirst()
  }

  async #addBlock(content: StoredContent, index: number, bytes: Uint8Array): Promise<void> {
    content.blocks[index] = 0
    if (isZeros(bytes)) {
      content.sparseBytes += bytes.length
      return
    }
    await this.#add(Uint8Array.from(bytes), (start, storedSize) => {
      if (content.start === 0) content.start = start
      content.blocks[index] = storedSize
    })
  }

  async #addToFragment(bytes: Uint8Array, content: StoredContent): Promise<void> {
    if (this.#fragmentFilled + bytes.length > this.#blockBytes) await this.#flushFragment()
    content.fragment = this.fragments.length
    content.fragmentOffset = this.#fragmentFilled
    this.#fragment.set(bytes, this.#fragmentFilled)
    this.#fragmentFilled += bytes.length
  }

  async #flushFragment(): Promise<void> {
    if (this.#fragmentFilled === 0) return
    const fragment: StoredFragment = { start: 0, storedSize: 0 }
    this.fragments.push(fragment)
    const bytes = this.#fragment.subarray(0, this.#fragmentFilled)
    this.#fragment = new Uint8Array(this.#blockBytes)
    this.#fragmentFilled = 0
    await this.#add(bytes, (start, storedSize) => Object.assign(fragment, { start, storedSize }))
  }

  async #add(plain: Uint8Array, stored: Pending['stored']): Promise<void> {
    const packed = this.#compress(plain)
    // Whoever waits for it comes later; a failure must not be taken for one that nobody waits for.
    packed.catch(() => undefined)
    this.#pending.push({ packed, plain, stored })
    if (this.#pending.length >= inFlight) await this.#writeFirst()
  }

  async #writeFirst(): Promise<void> {
    const first = this.#pending.shift()
    if (!first) return
    const packed = await first.packed
    const smaller = packed.length < first.plain.length
    const bytes = smaller ? packed : first.plain
    const roomBytes = this.#device.limitBytes ?? this.#device.size
    if (this.position + bytes.length > roomBytes)
      throw cannotMake('squashfs-make-room', `The squashfs does not fit into ${roomBytes} bytes.`)
    this.#device.writeSync(bytes, this.position)
    first.stored(this.position, bytes.length | (smaller ? 0 : storedPlain))
    this.position += bytes.length
  }
}

/** Files of equal content, which are stored once. Only those of a length that others have too are looked at; equal means equal byte by byte. */
class Duplicates {
  readonly #lengths = new Map<number, number>()
  readonly #known = new Map<string, { file: NewFile; content: StoredContent }[]>()

  constructor(files: readonly NewFile[]) {
    for (const file of files) this.#lengths.set(contentLength(file), (this.#lengths.get(contentLength(file)) ?? 0) + 1)
  }

  find(file: NewFile): StoredContent | null {
    if (!this.#isShared(file)) return null
    return this.#known.get(digest(file))?.find((other) => sameContent(other.file, file))?.content ?? null
  }

  remember(file: NewFile, content: StoredContent): void {
    if (!this.#isShared(file)) return
    const key = digest(file)
    this.#known.set(key, [...(this.#known.get(key) ?? []), { file, content }])
  }

  #isShared(file: NewFile): boolean {
    return contentLength(file) > 0 && (this.#lengths.get(contentLength(file)) ?? 0) > 1
  }
}

function digest(file: NewFile): string {
  const hash = createHash('sha256')
  for (const { bytes } of contentParts(file, compareBytes)) hash.update(bytes)
  return `${contentLength(file)} ${hash.digest('base64')}`
}

function sameContent(one: NewFile, other: NewFile): boolean {
  const others = contentParts(other, compareBytes)
  for (const { bytes } of contentParts(one, compareBytes)) {
    const next = others.next()
    if (next.done || Buffer.compare(bytes, next.value.bytes) !== 0) return false
  }
  return others.next().done === true
}
