import { createHash } from 'node:crypto'
import type { BlockDevice } from '../../block/device.ts'
import { mergedDevice } from '../../block/merged.ts'
import { stagedDevice } from '../../block/staged.ts'
import type { LivecardError } from '../../errors.ts'
import { replayedInMemory } from '../../volumes/ext-replay.ts'
import { type ExtOpened, openExt } from '../../volumes/ext-tree.ts'
import { areaChunk } from '../../volumes/snapshot-exceptions.ts'
import { readSnapshotStore, type SnapshotStore } from '../../volumes/snapshot-store.ts'
import { checkVolume, performSync } from '../../wasm/ext-programs.ts'
import { hasModules } from '../../wasm/modules.ts'
import { differs } from '../change.ts'
import { freePlaces } from '../free-places.ts'
import { isSound } from '../sound-ext.ts'
import { changedBytes } from './changed-files.ts'
import { linuxView } from './linux-view.ts'
import { cannotMerge } from './merge-errors.ts'

export interface MergedSystem {
  /** The filesystem that the system sees, nothing waiting in its journal, zeros where nothing is in it. */
  device: BlockDevice
  ext: ExtOpened
  /** Whether some of its bytes may be others than those of the system as it was delivered. */
  isChanged(offset: number, lengthBytes: number): boolean
  usedBytes: number
  changedBlocks: number
  /** Of the list of changes. */
  listDigest: Uint8Array
  chunkSectors: number
  /**
   * The changes laid over this filesystem give the same system once more, so that both may lie on the stick for a while: every block that was changed is
   * the same in both, but for those that the journal brings to the same again.
   */
  bearsItsChanges: boolean
  close(): void
}

/** What a system and the changes in its store are together; null where there are none. Throws `refused` where something has to be repaired before. */
export function mergedSystem(
  origin: BlockDevice,
  file: BlockDevice,
  seconds: number,
  refused: (why: string) => LivecardError = cannotMerge,
): MergedSystem | null {
  if (!hasModules()) throw refused('this Livecard was built without the tools for ext volumes')
  const { value: store, problem } = readSnapshotStore(file, origin.size)
  if (!store) throw refused(problem.detail)
  const { exceptions, chunkBytes, chunkSectors } = store
  if (!store.valid || store.unregistrable || exceptions.damageCount > 0 || exceptions.cut)
    throw refused('they are marked invalid, or damaged; repair them first')
  if (exceptions.count === 0) return null
  const merged = mergedDevice(origin, file, exceptions)
  const { value: seen, problem: unseen } = linuxView(merged)
  if (!seen) throw refused(unseen.detail)
  if (seen.damage !== null) throw refused(`the system with them is damaged (${seen.damage}); repair it first`)
  const replay = replayedInMemory(merged).value
  const stage = stagedDevice(merged)
  performSync(checkVolume({ mode: 'repair', seconds }), stage)
  if (!isSound(stage, seconds)) throw refused('the system with them stays damaged; repair it first')
  const { value: ext, problem: unread } = openExt(stage)
  if (!ext) throw refused(unread.detail)
  const { blockBytes } = ext.facts
  const replayed = new Set(replay?.targets ?? [])
  const isOurs = (offset: number) =>
    exceptions.find(Math.floor(offset / chunkBytes)) !== null || replayed.has(Math.floor(offset / blockBytes))
  let bearsItsChanges = true
  const stepBytes = Math.min(blockBytes, chunkBytes)
  const written = stage.takeWritten()
  const isCopied = changedBytes(exceptions, null)
  for (const { offset, lengthBytes } of written) {
    for (let at = offset; at < offset + lengthBytes; at += stepBytes)
      if (!isOurs(at) && differs(merged, stage, { offset: at, lengthBytes: Math.min(stepBytes, merged.size - at) }))
        bearsItsChanges = false
  }
  return {
    device: withoutWhatIsFree(stage),
    ext,
    isChanged(offset, lengthBytes) {
      const next = written[firstEndingBehind(written, offset)]
      return (next !== undefined && next.offset < offset + lengthBytes) || isCopied(offset, lengthBytes)
    },
    usedBytes: ext.facts.totalBytes - (ext.facts.freeBytes ?? 0),
    changedBlocks: exceptions.count,
    listDigest: digestOfList(file, store),
    chunkSectors,
    bearsItsChanges,
    close: () => stage.close(),
  }
}

function digestOfList(file: BlockDevice, { chunkBytes, exceptions }: SnapshotStore): Uint8Array {
  const hash = createHash('sha256')
  const area = new Uint8Array(chunkBytes)
  for (let index = 0; index <= exceptions.currentArea; index += 1) {
    file.readSync(area, areaChunk(chunkBytes, index) * chunkBytes)
    hash.update(area)
  }
  return hash.digest()
}

/** Files that were deleted take no room in an image, and cannot be found in it. */
function withoutWhatIsFree(device: BlockDevice): BlockDevice {
  const free = freePlaces(device, [{ start: 0, lengthBytes: device.size }])
  return {
    size: device.size,
    sectorSize: device.sectorSize,
    readSync(into, offset) {
      device.readSync(into, offset)
      const end = offset + into.length
      for (let index = firstEndingBehind(free, offset); index < free.length; index += 1) {
        const { offset: start = 0, lengthBytes = 0 } = free[index] ?? {}
        if (start >= end) break
        into.fill(0, Math.max(start, offset) - offset, Math.min(start + lengthBytes, end) - offset)
      }
    },
  }
}

function firstEndingBehind(ranges: readonly { offset: number; lengthBytes: number }[], offset: number): number {
  let low = 0
  let high = ranges.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const range = ranges[middle]
    if (range && range.offset + range.lengthBytes <= offset) low = middle + 1
    else high = middle
  }
  return low
}
