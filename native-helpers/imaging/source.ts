import fs from 'node:fs'
import { type ByteRing, peekBytes, takeBytes } from './byte-ring.ts'
import { changedWhileReading, fileError } from './image-errors.ts'
import { countBytes, countWait, type Meter } from './meter.ts'

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

/** Bytes that another thread fetches. */
export interface RingSpec {
  kind: 'ring'
  ring: ByteRing
}

export type SourceSpec = FileSpec | RingSpec

export function openSource(spec: SourceSpec, meter: Meter): ByteSource {
  return spec.kind === 'file' ? openFileSource(spec, meter) : openRingSource(spec.ring, meter)
}

const chunkBytes = 256 * 1024

/** Ends with a named error when the file is shorter than it was. */
function openFileSource(spec: FileSpec, meter: Meter): ByteSource {
  const file = openFile(spec.name, spec.path)
  const buffer = new Uint8Array(chunkBytes)
  let at = spec.start
  return {
    read() {
      const wanted = Math.min(chunkBytes, spec.end - at)
      if (wanted <= 0) return null
      const length = readMetered(spec.name, file, buffer, wanted, at, meter)
      at += length
      return buffer.subarray(0, length)
    },
    close() {
      fs.closeSync(file)
    },
  }
}

export function openFile(name: string, path: string): number {
  try {
    return fs.openSync(path, 'r')
  } catch (thrown) {
    throw fileError(name, thrown)
  }
}

/** At least one byte, or it throws. */
export function readMetered(name: string, file: number, into: Uint8Array, length: number, at: number, meter: Meter): number {
  const got = readWaited(name, file, into, length, at, meter)
  countBytes(meter, got)
  return got
}

/** The same where the bytes are counted by somebody else. */
export function readWaited(name: string, file: number, into: Uint8Array, length: number, at: number, meter: Meter): number {
  const before = performance.now()
  let got: number
  try {
    got = fs.readSync(file, into, 0, length, at)
  } catch (thrown) {
    throw fileError(name, thrown)
  }
  countWait(meter, performance.now() - before)
  if (got === 0) throw changedWhileReading(name)
  return got
}

function openRingSource(ring: ByteRing, meter: Meter): ByteSource {
  let held = 0
  return {
    read() {
      if (held > 0) takeBytes(ring, held)
      const before = performance.now()
      const bytes = peekBytes(ring)
      countWait(meter, performance.now() - before)
      held = bytes?.length ?? 0
      countBytes(meter, held)
      return bytes
    },
    close() {
      held = 0
    },
  }
}
