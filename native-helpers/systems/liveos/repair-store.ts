import type { BlockDevice } from '../../block/device.ts'
import { mergedDevice } from '../../block/merged.ts'
import { paddedDevice } from '../../block/padded.ts'
import { type StagedDevice, stagedDevice } from '../../block/staged.ts'
import { LivecardError } from '../../errors.ts'
import { openExt } from '../../volumes/ext-tree.ts'
import { areaChunk, entriesPerArea, isMetadataChunk } from '../../volumes/snapshot-exceptions.ts'
import { continueSnapshotStore, setStoreValid } from '../../volumes/snapshot-make.ts'
import { dropBadEntries } from '../../volumes/snapshot-rescue.ts'
import { isTrapSize, readSnapshotStore, type SnapshotStore, storeSectorBytes } from '../../volumes/snapshot-store.ts'
import { snapshotView } from '../../volumes/snapshot-view.ts'
import { walkTree } from '../../volumes/tree.ts'
import { checkVolume, performSync } from '../../wasm/ext-programs.ts'

export interface StoreRepair {
  before: SnapshotStore
  /** How long the store becomes; as long as it is where it need not grow. */
  sizeBytes: number
  /** What is to be written into it, by what it is: copies first, then the list, then the header that makes it count. */
  copies: { offset: number; bytes: Uint8Array }[]
  list: { offset: number; bytes: Uint8Array }[]
  head: { offset: number; bytes: Uint8Array }[]
  droppedEntries: number
  lostChunks: number
  /** What e2fsck said. */
  checkText: string
  /** What e2fsck changed nothing of is sound. */
  mended: boolean
  /** Null where they could not be counted. */
  filesBefore: number | null
  filesAfter: number
  /** Files that e2fsck found without a name. */
  lostAndFound: number
}

const stagedLimitBytes = 512 * 1024 * 1024
/** So much is worth having free after a repair: a system writes some mebibytes at each start. */
export const leastReserveBytes = 64 * 1024 * 1024
const reserveShare = 0.25
const lowShare = 0.1

/** True where a repair has something to do, by the store alone; its filesystem may need one all the same. */
export function storeNeedsRepair(store: SnapshotStore): boolean {
  const { blank, valid, unregistrable, trapSize, freeChunks, exceptions } = store
  return !blank && (!valid || unregistrable || trapSize || freeChunks === 0 || exceptions.damageCount > 0)
}

/**
 * Tries the repair of a snapshot store in memory, in the order that loses nothing (flip, room, e2fsck through the merged view, check again), as if the
 * file were as long as it can become; from what that needed follows how long it has to be. `maxBytes`: as far as it can grow where it lies.
 * Throws `store-no-room`, `store-beyond-help`, and whatever cannot be read.
 */
export function repairStore(file: BlockDevice, origin: BlockDevice, maxBytes: number, seconds: number): StoreRepair {
  const { value: before, problem } = readSnapshotStore(file, origin.size)
  if (!before) throw beyondHelp(problem.detail)
  if (before.exceptions.cut) throw beyondHelp('its list is longer than any that is looked at')
  const { chunkBytes } = before
  const longest = wholeChunks(Math.max(file.size, maxBytes), chunkBytes)
  const stage = stagedDevice(paddedDevice(file, longest), { limitBytes: stagedLimitBytes, blockBytes: Math.min(4096, chunkBytes) })
  const filesBefore = countFiles(mergedDevice(origin, file, before.exceptions))
  const { dropped, lost } = soundList(stage, before, origin.size)
  setStoreValid(stage, true)
  const { value: store } = readSnapshotStore(stage, origin.size)
  if (!store || store.exceptions.damageCount > 0) throw beyondHelp('its list stays damaged')
  const view = snapshotView(origin, stage, store.exceptions, continueSnapshotStore(stage, store))
  const check = mend(view, seconds, longest)
  const { value: after } = readSnapshotStore(stage, origin.size)
  const { value: ext } = openExt(view)
  if (!after || !ext) throw beyondHelp('what it holds cannot be read after the repair')
  const found = ext.tree.root.list().entries.find(({ name }) => name === 'lost+found')
  return {
    before,
    sizeBytes: sizeFor(file.size, before, after, longest),
    ...sortedChanges(stage, chunkBytes),
    droppedEntries: dropped,
    lostChunks: lost,
    checkText: check.text,
    mended: check.mended,
    filesBefore,
    filesAfter: countFiles(view) ?? 0,
    lostAndFound: found?.list().entries.length ?? 0,
  }
}

/** The next area is cleared where it would begin in room that the file did not have: what stands there now would be taken for entries. */
function soundList(stage: StagedDevice, store: SnapshotStore, originBytes: number): { dropped: number; lost: number } {
  const { chunkBytes, exceptions } = store
  if (exceptions.count > 0 && exceptions.count % entriesPerArea(chunkBytes) === 0) {
    const next = areaChunk(chunkBytes, exceptions.count / entriesPerArea(chunkBytes)) * chunkBytes
    if (store.unregistrable && next + chunkBytes <= stage.size) stage.writeSync(new Uint8Array(chunkBytes), next)
  }
  return exceptions.damageCount > 0 ? dropBadEntries(stage, store, originBytes) : { dropped: 0, lost: 0 }
}

function mend(view: BlockDevice, seconds: number, longest: number): { text: string; mended: boolean } {
  try {
    const { text, state } = performSync(checkVolume({ mode: 'repair', seconds }), view)
    view.flushSync?.()
    const { size, sectorSize, readSync } = view
    const again = performSync(checkVolume({ mode: 'look', seconds }), { size, sectorSize, readSync })
    if (again.state !== 'clean') throw beyondHelp('after a full check it is still damaged')
    return { text, mended: state !== 'clean' }
  } catch (thrown) {
    if (thrown instanceof LivecardError && thrown.code === 'store-full') throw noRoom(longest)
    throw thrown
  }
}

function countFiles(device: BlockDevice): number | null {
  try {
    const { value } = openExt(device)
    if (!value) return null
    let count = 0
    walkTree(value.tree, (_path, { kind }) => {
      if (kind === 'file') count += 1
    })
    return count
  } catch (thrown) {
    if (thrown instanceof LivecardError) return null
    throw thrown
  }
}

/** As long as it was where that leaves room; else with a reserve, as far as there is any, and never of a length that the kernel trips over. */
function sizeFor(sizeBytes: number, before: SnapshotStore, after: SnapshotStore, longest: number): number {
  const { chunkBytes } = after
  const wanted = Math.max(leastReserveBytes, Math.floor(sizeBytes * reserveShare))
  const leastChunks = Number(after.exceptions.nextFreeChunk) + 1
  const chunksNow = Math.floor(Math.floor(sizeBytes / storeSectorBytes) / after.chunkSectors)
  const left = chunksNow - leastChunks
  if (!storeNeedsRepair(before) && left > chunksNow * lowShare) return sizeBytes
  const chunks = Math.min(Math.floor(longest / chunkBytes), Math.max(chunksNow, leastChunks) + Math.ceil(wanted / chunkBytes))
  return (isTrapSize(chunks, chunkBytes) ? chunks - 1 : chunks) * chunkBytes
}

/** As long as whole chunks make it, and not of a length that the kernel trips over. */
export function wholeChunks(sizeBytes: number, chunkBytes: number): number {
  const chunks = Math.floor(sizeBytes / chunkBytes)
  return (isTrapSize(chunks, chunkBytes) ? chunks - 1 : chunks) * chunkBytes
}

/** What was written to a staged store, by what it is. */
export function sortedChanges(stage: StagedDevice, chunkBytes: number): Pick<StoreRepair, 'copies' | 'list' | 'head'> {
  const parts: Pick<StoreRepair, 'copies' | 'list' | 'head'> = { copies: [], list: [], head: [] }
  for (const change of stage.changes(chunkBytes)) {
    const chunk = Math.floor(change.offset / chunkBytes)
    const to = chunk === 0 ? parts.head : isMetadataChunk(chunkBytes, chunk) ? parts.list : parts.copies
    to.push(change)
  }
  return parts
}

function noRoom(longest: number): LivecardError {
  return new LivecardError('failed', 'store-no-room', {
    message: `The changes need more room than the stick has: even with a length of ${longest} bytes they do not fit.`,
    meaning: 'It was tried in memory only: nothing was written to the stick. Your files are as they were.',
    next: 'Make room on the stick by removing files beside the LiveOS folder, or copy the whole stick to a larger one, and repair that.',
  })
}

function beyondHelp(how: string): LivecardError {
  return new LivecardError('data', 'store-beyond-help', {
    message: `The changes cannot be repaired: ${how}.`,
    meaning: 'It was tried in memory only: nothing was written.',
    next: 'Keep a copy of the stick as it is. A reset makes it start again, without the changes.',
  })
}
