import fs from 'node:fs'
import { changedWhileReading, fileError } from './image-errors.ts'
import { type RingParts, statStoredBytes, statWaitMs } from './slot-ring.ts'

/** Stored bytes in order, for the thread that decodes them; blocks that thread while it waits. */
export interface ByteSource {
  /** The next bytes, or null at the end. They are valid until the next call. */
  read(): Uint8Array | null
  close(): void
}

/** A range of a file. */
export interface FileSpec {
  kind: 'file'
  name: string
  path: string
  start: number
  end: number
}

const chunkBytes = 256 * 1024

/** Reads a range of a file; ends with a named error when the file is shorter than it was. */
export function openFileSource(spec: FileSpec, stats: RingParts['stats']): ByteSource {
  let file: number
  try {
    file = fs.openSync(spec.path, 'r')
  } catch (thrown) {
    throw fileError(spec.name, thrown)
  }
  const buffer = new Uint8Array(chunkBytes)
  let at = spec.start
  return {
    read() {
      const wanted = Math.min(chunkBytes, spec.end - at)
      if (wanted === 0) return null
      const before = performance.now()
      let length: number
      try {
        length = fs.readSync(file, buffer, 0, wanted, at)
      } catch (thrown) {
        throw fileError(spec.name, thrown)
      }
      stats[statWaitMs] = (stats[statWaitMs] ?? 0) + performance.now() - before
      if (length === 0) throw changedWhileReading(spec.name)
      at += length
      stats[statStoredBytes] = (stats[statStoredBytes] ?? 0) + length
      return buffer.subarray(0, length)
    },
    close() {
      fs.closeSync(file)
    },
  }
}
