import { closeSync, fsyncSync, linkSync, openSync, renameSync, statSync, unlinkSync, write, writeSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import * as zlib from 'node:zlib'
import { systemCode } from '../../errors.ts'
import { archiveExists, archiveUnwritten, partExists } from './errors.ts'
import { type Packing, stored } from './stored.ts'

const batchBytes = 2 * 1024 * 1024
const atOnce = Math.min(4, availableParallelism())
const writeAt = promisify(write)

type Pack = (batch: Uint8Array) => Promise<Uint8Array>

/** Each batch becomes a member or frame of its own, which several processors can make at the same time. */
function packer(packing: Packing): Pack {
  if (packing === 'none') return async (batch) => batch
  // In small pieces, as Node gives it without asking, most of the time goes into putting them together.
  const options = { chunkSize: batchBytes / 2 }
  if (packing === 'gzip') {
    const gzip = promisify<Uint8Array, zlib.ZlibOptions, Buffer>(zlib.gzip)
    return (batch) => gzip(batch, options)
  }
  const zstd = promisify<Uint8Array, zlib.ZstdOptions, Buffer>(zlib.zstdCompress)
  return (batch) => zstd(batch, options)
}

/**
 * An archive while it is written: as FILE.part beside its place, whose name it takes when everything is safe on the disk. `put` and `room` take what comes;
 * after each of them `settle` is to be awaited now and then, which holds back whoever is faster than the disk.
 */
export class ArchiveFile {
  readonly #path: string
  readonly #packing: Packing
  readonly #pack: Pack
  readonly #fd: number
  readonly #spare: Uint8Array<ArrayBuffer>[] = []
  #batch = new Uint8Array(batchBytes)
  #used = 0
  #offset = 0
  #headBytes = 0
  #pending = 0
  #written: Promise<void> = Promise.resolve()
  #failed: unknown = null
  #wake: (() => void) | null = null

  /** `head` keeps the place of what `finish` gives. */
  constructor(path: string, packing: Packing, head: readonly Uint8Array[]) {
    this.#path = path
    this.#packing = packing
    this.#pack = packer(packing)
    if (statSync(path, { throwIfNoEntry: false })) throw archiveExists(path)
    try {
      this.#fd = openSync(this.#part, 'wx', 0o600)
    } catch (thrown) {
      throw systemCode(thrown) === 'EEXIST' ? partExists(this.#part) : archiveUnwritten(path, thrown)
    }
    try {
      this.#headBytes = this.#putHead(head)
    } catch (thrown) {
      this.abandon()
      throw thrown
    }
    this.#offset = this.#headBytes
  }

  get #part(): string {
    return `${this.#path}.part`
  }

  #putHead(head: readonly Uint8Array[]): number {
    let at = 0
    try {
      for (const bytes of stored(this.#packing, head)) {
        for (let done = 0; done < bytes.length; ) done += writeSync(this.#fd, bytes, done, bytes.length - done, at + done)
        at += bytes.length
      }
    } catch (thrown) {
      throw archiveUnwritten(this.#path, thrown)
    }
    return at
  }

  put(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) {
      const part = this.room(bytes.length - done)
      part.set(bytes.subarray(done, done + part.length))
      done += part.length
    }
  }

  /** Up to so many of the next bytes of the archive, at least one, to be filled before anything else is asked of it. */
  room(most: number): Uint8Array {
    if (this.#used === this.#batch.length) this.#send()
    const part = this.#batch.subarray(this.#used, this.#used + most)
    this.#used += part.length
    return part
  }

  #send(): void {
    const batch = this.#batch
    const packed = this.#pack(batch.subarray(0, this.#used))
    // Named when its turn comes, and not before.
    packed.catch(() => {})
    this.#pending += 1
    this.#written = this.#written.then(async () => {
      try {
        if (this.#failed === null) await this.#append(await packed)
      } catch (thrown) {
        this.#failed ??= thrown
      }
      this.#pending -= 1
      this.#spare.push(batch)
      this.#wake?.()
    })
    this.#batch = this.#spare.pop() ?? new Uint8Array(batchBytes)
    this.#used = 0
  }

  async #append(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await writeAt(this.#fd, bytes, done, bytes.length - done, this.#offset)
      done += bytesWritten
      this.#offset += bytesWritten
    }
  }

  /** Whether so much waits that `settle` would hold back. */
  get isBehind(): boolean {
    return this.#pending >= atOnce || this.#failed !== null
  }

  async settle(): Promise<void> {
    while (this.#pending >= atOnce && this.#failed === null)
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    this.#wake = null
    if (this.#failed !== null) throw archiveUnwritten(this.#path, this.#failed)
  }

  /** Answers how long the archive is. */
  async finish(head: readonly Uint8Array[]): Promise<number> {
    if (this.#used > 0) this.#send()
    await this.#written
    if (this.#failed !== null) throw archiveUnwritten(this.#path, this.#failed)
    if (this.#putHead(head) !== this.#headBytes)
      throw new TypeError('the head of an archive has another length than was kept for it')
    try {
      fsyncSync(this.#fd)
      closeSync(this.#fd)
    } catch (thrown) {
      throw archiveUnwritten(this.#path, thrown)
    }
    this.#takeName()
    return this.#offset
  }

  /** Without taking the place of a file that came meanwhile, where the filesystem can promise that. */
  #takeName(): void {
    try {
      linkSync(this.#part, this.#path)
      unlinkSync(this.#part)
    } catch (thrown) {
      if (systemCode(thrown) === 'EEXIST' || statSync(this.#path, { throwIfNoEntry: false })) throw archiveExists(this.#path)
      renameSync(this.#part, this.#path)
    }
    syncFolder(dirname(this.#path))
  }

  /** Removes what was written. */
  abandon(): void {
    try {
      closeSync(this.#fd)
    } catch {
      // It was closed before its name was taken.
    }
    try {
      unlinkSync(this.#part)
    } catch (thrown) {
      if (systemCode(thrown) !== 'ENOENT') throw archiveUnwritten(this.#part, thrown)
    }
  }
}

/** So that the name is there after a power failure too; Windows has no such thing. */
function syncFolder(path: string): void {
  if (process.platform === 'win32') return
  const fd = openSync(path, 'r')
  try {
    fsyncSync(fd)
  } catch {
    // Some network filesystems do not know it either.
  } finally {
    closeSync(fd)
  }
}
