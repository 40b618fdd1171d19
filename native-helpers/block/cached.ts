import type { BlockDevice } from './device.ts'

export interface CountedDevice extends BlockDevice {
  /** Bytes that were really read from what lies below. */
  readonly bytesRead: number
}

export interface CacheOptions {
  blockBytes?: number
  /** How much is kept; what was used last stays. */
  limitBytes?: number
}

/** What is read of a block that nothing else was wanted of yet: lists that are spread over a card are read entry by entry, and never again. */
const pageBytes = 4096
const keptGlimpses = 1024
/** A longer run is what a stream would read; keeping it would push out what is needed again. */
const keptRunBlocks = 16

/**
 * A device behind a small memory of what was read last, in whole blocks: parsers ask for many small things that lie near each other, and a card
 * answers each request only after a millisecond. For reading only.
 */
export function cachedDevice(below: BlockDevice, options: CacheOptions = {}): CountedDevice {
  const { blockBytes = 64 * 1024, limitBytes = 16 * 1024 * 1024 } = options
  const blocks = new Map<number, Uint8Array>()
  const glimpses = new Map<number, { start: number; bytes: Uint8Array }>()
  const keptBlocks = Math.max(1, Math.floor(limitBytes / blockBytes))
  let bytesRead = 0

  const read = (into: Uint8Array, offset: number): void => {
    below.readSync(into, offset)
    bytesRead += into.length
  }
  const kept = (index: number): Uint8Array | undefined => {
    const block = blocks.get(index)
    if (!block) return undefined
    blocks.delete(index)
    blocks.set(index, block)
    return block
  }
  /** For a block to be kept: the memory of the one that was used longest ago, once as many are kept as may be. */
  const roomFor = (lengthBytes: number): Uint8Array => {
    const oldest = blocks.size >= keptBlocks ? blocks.keys().next().value : undefined
    const block = oldest === undefined ? undefined : blocks.get(oldest)
    if (oldest !== undefined) blocks.delete(oldest)
    return block?.length === lengthBytes ? block : new Uint8Array(lengthBytes)
  }
  let scratch = new Uint8Array(0)
  /** False around a bad sector: the blocks cannot be read whole, though what is asked for may be. */
  const readBlocks = (into: Uint8Array, offset: number, first: number, count: number): boolean => {
    const start = first * blockBytes
    const length = Math.min(count * blockBytes, below.size - start)
    if (scratch.length < length) scratch = new Uint8Array(length)
    const run = scratch.subarray(0, length)
    try {
      read(run, start)
    } catch {
      return false
    }
    into.set(run.subarray(offset - start, offset - start + into.length))
    for (let at = 0; at < count; at += 1) {
      const part = run.subarray(at * blockBytes, (at + 1) * blockBytes)
      const block = roomFor(part.length)
      block.set(part)
      glimpses.delete(first + at)
      blocks.set(first + at, block)
    }
    return true
  }

  /** A few pages of a block, the first time that something of it is wanted; false where the whole block shall be read. */
  const glimpse = (into: Uint8Array, offset: number, index: number): boolean => {
    const known = glimpses.get(index)
    if (known && offset >= known.start && offset + into.length <= known.start + known.bytes.length) {
      into.set(known.bytes.subarray(offset - known.start, offset - known.start + into.length))
      return true
    }
    const start = Math.floor(offset / pageBytes) * pageBytes
    const bytes = new Uint8Array(Math.min(Math.ceil((offset + into.length) / pageBytes) * pageBytes, below.size) - start)
    if (known || blocks.has(index - 1) || bytes.length > 2 * pageBytes) return false
    try {
      read(bytes, start)
    } catch {
      return false
    }
    if (glimpses.size >= keptGlimpses) glimpses.delete(glimpses.keys().next().value ?? index)
    glimpses.set(index, { start, bytes })
    into.set(bytes.subarray(offset - start, offset - start + into.length))
    return true
  }

  return {
    size: below.size,
    sectorSize: below.sectorSize,
    get bytesRead() {
      return bytesRead
    },
    readSync(into, offset) {
      const end = offset + into.length
      if (offset < 0 || end > below.size) throw new RangeError(`${into.length} bytes at ${offset} do not lie within ${below.size}`)
      for (let at = offset; at < end; ) {
        const first = Math.floor(at / blockBytes)
        const block = kept(first)
        let next = first + 1
        if (block) {
          const stop = Math.min(end, next * blockBytes)
          into.set(block.subarray(at - first * blockBytes, stop - first * blockBytes), at - offset)
          at = stop
          continue
        }
        while (next * blockBytes < end && !blocks.has(next)) next += 1
        const stop = Math.min(end, next * blockBytes)
        const part = into.subarray(at - offset, stop - offset)
        const isGlimpse = next === first + 1 && glimpse(part, at, first)
        if (!isGlimpse && (next - first > keptRunBlocks || !readBlocks(part, at, first, next - first))) read(part, at)
        at = stop
      }
    },
  }
}
