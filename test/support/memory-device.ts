import type { StreamDevice } from '../../native-helpers/block/device.ts'
import type { ImageBlock, ImageStream } from '../../native-helpers/imaging/stream.ts'

export interface MemoryDevice extends StreamDevice {
  /** What stands on it. */
  readonly bytes: Uint8Array
  /** Every request in the order in which it came: "write 1048576+4096", "flush", "read …", "close". */
  readonly log: string[]
}

export interface Behaviour {
  sizeBytes: number
  label?: string
  sectorSize?: number
  direct?: boolean
  /** Before each request; may delay it, throw, or never settle. */
  before?: (request: 'write' | 'read' | 'flush', offset: number) => Promise<void> | void
  /** Where a byte of the card really is: a counterfeit answers with another place. */
  place?: (offset: number) => number | null
}

/** A card in memory that can be slow, hang, fail or lie about its capacity, for what no real device does on command. */
export function memoryDevice(behaviour: Behaviour): MemoryDevice {
  const { sizeBytes, before, direct = false, sectorSize = 512 } = behaviour
  const bytes = new Uint8Array(sizeBytes)
  const log: string[] = []
  const place = behaviour.place ?? ((offset: number) => offset)
  const checkAligned = (length: number, offset: number) => {
    if (direct && (length % sectorSize !== 0 || offset % sectorSize !== 0)) throw new Error(`misaligned: ${offset}+${length}`)
    if (offset + length > sizeBytes) throw new Error(`beyond the end: ${offset}+${length}`)
  }
  const inSectors = (length: number, each: (at: number, end: number) => void) => {
    for (let at = 0; at < length; at += sectorSize) each(at, Math.min(length, at + sectorSize))
  }
  return {
    label: behaviour.label ?? 'card',
    sizeBytes,
    sectorSize,
    direct,
    bytes,
    log,
    async write(from, offset) {
      log.push(`write ${offset}+${from.length}`)
      checkAligned(from.length, offset)
      await before?.('write', offset)
      inSectors(from.length, (at, end) => {
        const to = place(offset + at)
        if (to !== null) bytes.set(from.subarray(at, end), to)
      })
    },
    async read(into, offset) {
      log.push(`read ${offset}+${into.length}`)
      checkAligned(into.length, offset)
      await before?.('read', offset)
      inSectors(into.length, (at, end) => {
        const from = place(offset + at)
        if (from === null) into.fill(0, at, end)
        else into.set(bytes.subarray(from, from + end - at), at)
      })
    },
    async flush() {
      log.push('flush')
      await before?.('flush', 0)
    },
    async close() {
      log.push('close')
    },
  }
}

export interface MemoryImage extends ImageStream {
  /** Blocks that were handed out and not given back. */
  readonly held: number
  readonly closed: boolean
}

export interface ImageBehaviour {
  blockBytes?: number
  slots?: number
  /** Like a format that does not tell the length before the end. */
  hidesLength?: boolean
  before?: (offset: number) => Promise<void> | void
}

/** An image in memory, handed out through a bounded number of slots as a decoder does. */
export function memoryImage(content: Uint8Array, behaviour: ImageBehaviour = {}): MemoryImage {
  const { blockBytes = 1024 * 1024, slots = 8, hidesLength = false, before } = behaviour
  let offset = 0
  let held = 0
  let closed = false
  let wake: () => void = () => {}
  return {
    format: 'raw',
    blockBytes,
    contentBytes: hidesLength ? null : content.length,
    storedBytes: content.length,
    sourceWaitMs: 0,
    get storedBytesRead() {
      return offset
    },
    get held() {
      return held
    },
    get closed() {
      return closed
    },
    async next(): Promise<ImageBlock | null> {
      if (offset >= content.length) return null
      while (held >= slots) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      await before?.(offset)
      const start = offset
      offset = Math.min(content.length, start + blockBytes)
      held += 1
      // Its own memory, which is spoiled when it is given back: who reads it afterwards is found out.
      const bytes = content.slice(start, offset)
      let released = false
      return {
        offset: start,
        bytes,
        release() {
          if (released) throw new Error(`block ${start} was released twice`)
          released = true
          bytes.fill(0xee)
          held -= 1
          wake()
        },
      }
    },
    digests: async () => ({ file: { sha256: null, md5: null }, content: { sha256: null, md5: null } }),
    async close() {
      closed = true
    },
  }
}

/** Bytes that look like nothing and are the same in every run. */
export function noise(lengthBytes: number, seed = 1): Uint8Array {
  const words = new Uint32Array(Math.ceil(lengthBytes / 4))
  let state = seed >>> 0 || 1
  for (let index = 0; index < words.length; index += 1) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    words[index] = state
  }
  return new Uint8Array(words.buffer, 0, lengthBytes)
}
