import { randomBytes } from 'node:crypto'
import { closeSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LivecardError, systemCode } from '../errors.ts'

export interface SpillOptions {
  /** What is kept in memory at most; the rest goes to a file. */
  memoryBytes?: number
  /** Where that file is made, without a name that anybody could open; the system's folder for such things without. */
  folder?: string | undefined
}

const segmentBytes = 1024 * 1024
export const usualMemoryBytes = 64 * 1024 * 1024

/**
 * Bytes by address, from 0 on as they are asked for: what was used last in memory, the rest in a temporary file. Throws `scratch-no-room` where the disk of that
 * file is full, `scratch-unusable` where it cannot be made or used.
 */
export class SpillSpace {
  readonly #folder: string
  readonly #segmentsAtMost: number
  /** Those in memory, the one used longest ago first. What is in the file stays there, and is used there. */
  readonly #memory = new Map<number, Uint8Array>()
  #sizeBytes = 0
  #file: { fd: number; path: string; named: boolean } | null = null
  #closed = false

  constructor({ memoryBytes = usualMemoryBytes, folder = tmpdir() }: SpillOptions = {}) {
    this.#folder = folder
    this.#segmentsAtMost = Math.max(1, Math.floor(memoryBytes / segmentBytes))
  }

  /** So many bytes more, and at which address; what they hold is not said. */
  allocate(lengthBytes: number): number {
    if (this.#closed) throw new TypeError('the scratch space is closed')
    const address = this.#sizeBytes
    this.#sizeBytes += lengthBytes
    return address
  }

  read(into: Uint8Array, address: number): void {
    this.#each(into.length, address, (segment, within, at, count) => {
      const part = into.subarray(at, at + count)
      const bytes = this.#inMemory(segment)
      if (bytes) part.set(bytes.subarray(within, within + count))
      else this.#readFile(part, segment * segmentBytes + within)
    })
  }

  write(from: Uint8Array, address: number): void {
    this.#each(from.length, address, (segment, within, at, count) => {
      const part = from.subarray(at, at + count)
      const bytes = this.#inMemory(segment) ?? (this.#isInFile(segment) ? null : this.#begin(segment))
      if (bytes) bytes.set(part, within)
      else this.#writeFile(part, segment * segmentBytes + within)
    })
  }

  close(): void {
    this.#closed = true
    this.#memory.clear()
    const file = this.#file
    this.#file = null
    if (!file) return
    closeSync(file.fd)
    if (file.named) unlinkSync(file.path)
  }

  /** Segments that were begun and are not in memory any more. */
  readonly #inFile = new Set<number>()

  #isInFile(segment: number): boolean {
    return this.#inFile.has(segment)
  }

  #inMemory(segment: number): Uint8Array | null {
    const bytes = this.#memory.get(segment)
    if (!bytes) return null
    this.#memory.delete(segment)
    this.#memory.set(segment, bytes)
    return bytes
  }

  #begin(segment: number): Uint8Array {
    let bytes: Uint8Array | null = null
    if (this.#memory.size >= this.#segmentsAtMost) {
      for (const [oldest, held] of this.#memory) {
        this.#writeFile(held, oldest * segmentBytes)
        this.#memory.delete(oldest)
        this.#inFile.add(oldest)
        bytes = held
        break
      }
    }
    bytes ??= new Uint8Array(segmentBytes)
    this.#memory.set(segment, bytes)
    return bytes
  }

  #each(length: number, address: number, use: (segment: number, within: number, at: number, count: number) => void): void {
    if (this.#closed) throw new TypeError('the scratch space is closed')
    if (address < 0 || address + length > this.#sizeBytes) throw new RangeError('this was never allocated')
    for (let at = 0; at < length; ) {
      const segment = Math.floor((address + at) / segmentBytes)
      const within = address + at - segment * segmentBytes
      const count = Math.min(length - at, segmentBytes - within)
      use(segment, within, at, count)
      at += count
    }
  }

  #readFile(into: Uint8Array, at: number): void {
    const { fd, path } = this.#opened()
    named(path, () => {
      for (let done = 0; done < into.length; ) {
        const count = readSync(fd, into, done, into.length - done, at + done)
        if (count === 0) throw new RangeError('the scratch file ends early')
        done += count
      }
    })
  }

  #writeFile(from: Uint8Array, at: number): void {
    const { fd, path } = this.#opened()
    named(path, () => {
      for (let done = 0; done < from.length; ) done += writeSync(fd, from, done, from.length - done, at + done)
    })
  }

  #opened(): { fd: number; path: string } {
    if (this.#file) return this.#file
    const path = join(this.#folder, `livecard-scratch-${randomBytes(8).toString('hex')}`)
    const fd = named(path, () => openSync(path, 'wx+', 0o600))
    // It is gone with its descriptor then, however this process ends. Some systems refuse that for a file that is open.
    let isNamed = false
    try {
      unlinkSync(path)
    } catch {
      isNamed = true
    }
    this.#file = { fd, path, named: isNamed }
    return this.#file
  }
}

function named<T>(path: string, operation: () => T): T {
  try {
    return operation()
  } catch (thrown) {
    const code = systemCode(thrown)
    if (code === null) throw thrown
    const isFull = code === 'ENOSPC' || code === 'EDQUOT'
    throw new LivecardError(
      'failed',
      isFull ? 'scratch-no-room' : 'scratch-unusable',
      {
        message: isFull
          ? `There is no room left beside ${path}, where a change is tried out before it is made.`
          : `The file ${path}, in which a change is tried out before it is made, cannot be used (${code}).`,
        meaning: 'Nothing was written to the card.',
        next: 'Make room on that disk. The folder is where the undo file goes (--undo FILE), or the one that the system keeps for temporary files.',
      },
      thrown,
    )
  }
}
