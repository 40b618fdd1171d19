import type { BlockDevice } from '../block/device.ts'
import type { Extent } from '../block/extents.ts'
import { FatClusters, fatFileLimitBytes, findFatEntry, type WritableVolume } from './fat-clusters.ts'
import { openFat } from './fat-tree.ts'
import { type Parsed, parsed, unusable } from './problem.ts'

export interface GrownFile {
  /** All of the file, as it lies afterwards. */
  extents: Extent[]
  /** Of its clusters, those that were free before. */
  added: Extent[]
}

/**
 * Makes a file longer in place. The new clusters follow the last one where they can; what they hold stays as it is. `settle` is called where everything
 * written so far has to be safe before the rest: first the new chain, of which nobody knows yet, then the link to it, then the length. A cut in
 * between leaves clusters that belong to nothing, or a chain longer than its file, both of which harm nobody.
 * Problems: `fat-full` (with the bytes that are missing), `fat-file-limit`, `fat-no-file`, and whatever makes the volume unsafe to write to.
 */
export function growFatFile(volume: BlockDevice, path: string, sizeBytes: number, settle: () => void): Parsed<GrownFile> {
  const { value: tree, problem } = openFat(volume)
  if (!tree) return { value: null, problem }
  if (!volume.writeSync) throw new TypeError('the volume was opened for reading only')
  if (sizeBytes > fatFileLimitBytes) return unusable('fat-file-limit', 'a file on FAT cannot be longer than 4 GiB')
  if (!tree.volume.mirrored)
    return unusable('fat-not-mirrored', 'only one copy of its table is in use, which is not written to here')
  const { value: file, problem: missing } = findFatEntry(volume, tree, path)
  if (!file) return { value: null, problem: missing }
  const { value: old, problem: broken } = file.node.extents()
  if (!old) return { value: null, problem: broken }
  if (sizeBytes < file.node.sizeBytes) return unusable('fat-shrink', 'files are only made longer here')
  const grow = new FatClusters(volume as WritableVolume, tree)
  const clusters = old.flatMap(({ start, lengthBytes }) => grow.clustersOf(start ?? 0, lengthBytes))
  const wanted = Math.ceil(sizeBytes / tree.volume.clusterBytes) - clusters.length
  const { value: added, problem: full } = grow.take(wanted, clusters.at(-1) ?? 1)
  if (!added) return { value: null, problem: full }

  grow.chain(added)
  grow.count(added)
  settle()
  const [first] = added
  const last = clusters.at(-1)
  if (first !== undefined && last !== undefined) grow.set(last, first)
  if (first !== undefined && last === undefined) file.setFirst(first)
  settle()
  file.setSize(sizeBytes)
  settle()
  const { value: reopened } = openFat(volume)
  const { value: after } = reopened ? findFatEntry(volume, reopened, path) : { value: null }
  const extents = after?.node.extents().value
  if (!extents) return unusable('fat-damaged', 'the file cannot be found again')
  return parsed({
    extents,
    added: added.map((cluster) => ({ start: grow.startOf(cluster), lengthBytes: tree.volume.clusterBytes })),
  })
}
