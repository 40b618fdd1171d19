import { LivecardError } from '../errors.ts'
import type { BlockDevice } from './device.ts'

/** Which chunks of an origin have a newer copy in a store. */
export interface ChunkMap {
  readonly chunkBytes: number
  /** The store's chunk for one of the origin's; null when the origin's own is the newest, `unreadableChunk` when the copy cannot be had. */
  find(originChunk: number): number | null
}

/** The copy is said to lie where the store has none. The origin's bytes would be old ones, so none are given. */
export const unreadableChunk = -1

/** What a system sees that runs on a snapshot: the origin, with every chunk that has a copy taken from the store. For reading only. */
export function mergedDevice(origin: BlockDevice, store: BlockDevice, chunks: ChunkMap): BlockDevice {
  const { chunkBytes } = chunks
  return {
    size: origin.size,
    sectorSize: origin.sectorSize,
    readSync(into, offset) {
      if (offset < 0 || offset + into.length > origin.size) {
        throw new RangeError(`${into.length} bytes at ${offset} do not lie within ${origin.size}`)
      }
      const end = offset + into.length
      for (let at = offset; at < end; ) {
        const run = runFrom(chunks, at, end)
        const part = into.subarray(at - offset, run.end - offset)
        if (run.storeOffset === null) origin.readSync(part, at)
        else if (run.storeOffset + part.length > store.size) throw copyMissing(Math.floor(at / chunkBytes))
        else store.readSync(part, run.storeOffset)
        at = run.end
      }
    },
  }
}

/** As far as the bytes from `at` on lie in one piece. */
function runFrom(chunks: ChunkMap, at: number, end: number): { end: number; storeOffset: number | null } {
  const { chunkBytes } = chunks
  const first = Math.floor(at / chunkBytes)
  const copy = chunks.find(first)
  if (copy === unreadableChunk) throw copyMissing(first)
  let next = first + 1
  while (next * chunkBytes < end && chunks.find(next) === (copy === null ? null : copy + next - first)) next += 1
  return {
    end: Math.min(end, next * chunkBytes),
    storeOffset: copy === null ? null : copy * chunkBytes + (at - first * chunkBytes),
  }
}

function copyMissing(chunk: number): LivecardError {
  return new LivecardError('data', 'store-chunk-missing', {
    message: `The overlay says that it holds a newer copy of chunk ${chunk}, but there is none where it says.`,
    meaning: 'The overlay is damaged or was cut off. What was stored in this place since is lost.',
    next: 'Inspect the overlay to see what else is missing, and save the files that can still be read before anything is repaired.',
  })
}
