import type { BlockDevice } from '../../block/device.ts'
import { isZeros, type WritableDevice } from '../../volumes/making/new-entry.ts'

export interface ChangedChunks extends WritableDevice {
  readonly count: number
  has(chunk: number): boolean
  /** In the order in which each was changed for the first time, which is the one in which a snapshot copies them. */
  chunks(): Iterable<{ chunk: number; bytes: Uint8Array }>
}

/** A device that is not changed itself: what is written is kept beside it by the chunk, as a snapshot keeps it. Chunks of zeros take no memory. */
export function changedChunks(origin: BlockDevice, chunkBytes = 4096): ChangedChunks {
  const zeros = new Uint8Array(chunkBytes)
  const chunks = new Map<number, Uint8Array>()

  const each = (length: number, offset: number, use: (chunk: number, within: number, at: number, count: number) => void): void => {
    if (offset < 0 || offset + length > origin.size)
      throw new RangeError(`${length} bytes at ${offset} do not lie within ${origin.size}`)
    for (let done = 0; done < length; ) {
      const chunk = Math.floor((offset + done) / chunkBytes)
      const within = offset + done - chunk * chunkBytes
      const count = Math.min(length - done, chunkBytes - within)
      use(chunk, within, done, count)
      done += count
    }
  }
  const writeChunk = (chunk: number, within: number, part: Uint8Array): void => {
    const known = chunks.get(chunk)
    if (part.length === chunkBytes && (!known || known === zeros) && isZeros(part)) {
      chunks.set(chunk, zeros)
      return
    }
    const own = known && known !== zeros ? known : new Uint8Array(chunkBytes)
    if (!known && part.length < chunkBytes)
      origin.readSync(own.subarray(0, Math.min(chunkBytes, origin.size - chunk * chunkBytes)), chunk * chunkBytes)
    own.set(part, within)
    chunks.set(chunk, own)
  }

  return {
    size: origin.size,
    sectorSize: origin.sectorSize,
    get count() {
      return chunks.size
    },
    has: (chunk) => chunks.has(chunk),
    *chunks() {
      for (const [chunk, bytes] of chunks) yield { chunk, bytes }
    },
    readSync(into, offset) {
      each(into.length, offset, (chunk, within, at, count) => {
        const part = into.subarray(at, at + count)
        const known = chunks.get(chunk)
        if (known) part.set(known.subarray(within, within + count))
        else origin.readSync(part, offset + at)
      })
    },
    writeSync(bytes, offset) {
      each(bytes.length, offset, (chunk, within, at, count) => writeChunk(chunk, within, bytes.subarray(at, at + count)))
    },
    flushSync() {},
  }
}
