import type { BlockDevice } from '../block/device.ts'
import { type ChunkMap, mergedDevice } from '../block/merged.ts'
import type { SnapshotWriter, WritableStore } from './snapshot-make.ts'

export interface SnapshotView extends BlockDevice {
  writeSync(bytes: Uint8Array, offset: number): void
  flushSync(): void
  /** Chunks of the origin that got a copy since the view was made. */
  readonly copied: number
}

/**
 * What a system sees and writes that runs on a snapshot, as device-mapper does it: a chunk that has a copy is written in the store, one that has none is
 * copied there first. `writer` goes on with the same store that `chunks` were read from. Throws `store-full` where there is no room for another copy.
 */
export function snapshotView(origin: BlockDevice, store: WritableStore, chunks: ChunkMap, writer: SnapshotWriter): SnapshotView {
  const { chunkBytes } = chunks
  const added = new Map<number, number>()
  const find = (originChunk: number): number | null => added.get(originChunk) ?? chunks.find(originChunk)
  const merged = mergedDevice(origin, store, { chunkBytes, find })

  const writeWithin = (bytes: Uint8Array, chunk: number, within: number): void => {
    const copy = find(chunk)
    if (copy !== null && copy >= 0) {
      store.writeSync(bytes, copy * chunkBytes + within)
      return
    }
    const whole = new Uint8Array(chunkBytes)
    const start = chunk * chunkBytes
    // The last chunk of an origin may be a part of one. A chunk whose copy cannot be read is only replaced as a whole.
    if (bytes.length < chunkBytes) merged.readSync(whole.subarray(0, Math.min(chunkBytes, origin.size - start)), start)
    whole.set(bytes, within)
    added.set(chunk, writer.append(chunk, whole))
  }

  return {
    size: origin.size,
    sectorSize: origin.sectorSize,
    get copied() {
      return added.size
    },
    readSync: (into, offset) => merged.readSync(into, offset),
    writeSync(bytes, offset) {
      if (offset < 0 || offset + bytes.length > origin.size)
        throw new RangeError(`${bytes.length} bytes at ${offset} do not lie within ${origin.size}`)
      for (let done = 0; done < bytes.length; ) {
        const at = offset + done
        const chunk = Math.floor(at / chunkBytes)
        const within = at - chunk * chunkBytes
        const length = Math.min(bytes.length - done, chunkBytes - within)
        writeWithin(bytes.subarray(done, done + length), chunk, within)
        done += length
      }
    },
    flushSync: () => writer.commit(),
  }
}
