import type { BlockDevice } from '../block/device.ts'
import { extentsDevice } from '../block/extents.ts'
import { FatClusters, fatFileLimitBytes, findFatEntry, type WritableVolume } from './fat-clusters.ts'
import { openFat } from './fat-tree.ts'
import type { WritableDevice } from './making/new-entry.ts'
import { type Parsed, parsed, unusable } from './problem.ts'

/** A file that gets another content, which is written beside it first. */
export interface FileExchange {
  /** All the room that there is for the new content; of it nothing belongs to anybody before `take`. */
  room: WritableDevice
  /** The file is what stands in the first bytes of the room from now on. */
  take(sizeBytes: number): void
  /** Gives the place of the old content back. */
  release(): void
}

/**
 * Exchanges the content of a file on FAT. `settle` is called where everything written so far has to be safe before the rest: the new chain, of which nobody
 * knows yet, then first cluster and length of the entry, which lie in one sector, then (`release`) the old chain. A cut in between leaves the old file or the
 * new one, and at most clusters that belong to nothing. Problems: `fat-no-file`, and whatever makes the volume unsafe to write to.
 */
export function exchangeFatFile(volume: BlockDevice, path: string, settle: () => void): Parsed<FileExchange> {
  const { value: tree, problem } = openFat(volume)
  if (!tree) return { value: null, problem }
  if (!volume.writeSync) throw new TypeError('the volume was opened for reading only')
  if (!tree.volume.mirrored)
    return unusable('fat-not-mirrored', 'only one copy of its table is in use, which is not written to here')
  const { value: file, problem: missing } = findFatEntry(volume, tree, path)
  if (!file) return { value: null, problem: missing }
  const { value: old, problem: broken } = file.node.extents()
  if (!old) return { value: null, problem: broken }
  const clusters = new FatClusters(volume as WritableVolume, tree)
  const { clusterBytes } = tree.volume
  const oldClusters = old.flatMap(({ start, lengthBytes }) => clusters.clustersOf(start ?? 0, lengthBytes))
  const free = clusters.free(Math.floor(fatFileLimitBytes / clusterBytes))
  const { size, sectorSize, readSync, writeSync } = extentsDevice(volume, clusters.extentsOf(free))
  if (!writeSync) throw new TypeError('the volume was opened for reading only')
  return parsed({
    room: { size, sectorSize, readSync, writeSync, flushSync: () => {} },
    take(sizeBytes) {
      const taken = free.slice(0, Math.ceil(sizeBytes / clusterBytes))
      clusters.chain(taken)
      clusters.count(taken)
      settle()
      file.exchange(taken[0] ?? 0, sizeBytes)
      settle()
    },
    release() {
      clusters.giveBack(oldClusters)
      settle()
    },
  })
}
