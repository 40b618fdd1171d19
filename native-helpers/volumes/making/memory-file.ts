import { isZeros, type WritableDevice } from './new-entry.ts'

const pageBytes = 64 * 1024

export interface MemoryFile extends WritableDevice {
  /** As far as was written, or as was set. */
  readonly size: number
  setSize(sizeBytes: number): void
}

/** A file in memory that grows as it is written, for an image that goes into another one. Only what is not zero takes room. */
export function memoryFile(limitBytes = 1024 * 1024 * 1024 * 1024): MemoryFile {
  const pages = new Map<number, Uint8Array>()
  let size = 0
  const each = (length: number, offset: number, use: (page: number, at: number, done: number, count: number) => void) => {
    for (let done = 0; done < length; ) {
      const page = Math.floor((offset + done) / pageBytes)
      const at = offset + done - page * pageBytes
      const count = Math.min(length - done, pageBytes - at)
      use(page, at, done, count)
      done += count
    }
  }
  return {
    get size() {
      return size
    },
    sectorSize: 512,
    limitBytes,
    setSize(sizeBytes) {
      size = sizeBytes
    },
    readSync(into, offset) {
      if (offset < 0 || offset + into.length > size)
        throw new RangeError(`${into.length} bytes at ${offset} do not lie within ${size}`)
      each(into.length, offset, (page, at, done, count) => {
        const bytes = pages.get(page)
        if (bytes) into.set(bytes.subarray(at, at + count), done)
        else into.fill(0, done, done + count)
      })
    },
    writeSync(bytes, offset) {
      if (offset < 0 || offset + bytes.length > limitBytes)
        throw new RangeError(`${offset + bytes.length} bytes are more than ${limitBytes}`)
      each(bytes.length, offset, (page, at, done, count) => {
        const part = bytes.subarray(done, done + count)
        const known = pages.get(page)
        if (!known && isZeros(part)) return
        const into = known ?? new Uint8Array(pageBytes)
        into.set(part, at)
        pages.set(page, into)
      })
      size = Math.max(size, offset + bytes.length)
    },
    flushSync() {},
  }
}
