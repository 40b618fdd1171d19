import type { BlockDevice } from '../../block/device.ts'
import { mergedDevice } from '../../block/merged.ts'
import { paddedDevice } from '../../block/padded.ts'
import { stagedDevice } from '../../block/staged.ts'
import { decimalSize } from '../../decimal-size.ts'
import { LivecardError } from '../../errors.ts'
import { type CopiedFiles, copyExtFiles } from '../../volumes/ext-copy.ts'
import { replayedInMemory } from '../../volumes/ext-replay.ts'
import { areaChunk } from '../../volumes/snapshot-exceptions.ts'
import { makeSnapshotStore } from '../../volumes/snapshot-make.ts'
import { readSnapshotStore, type SnapshotStore, storeHeader, storeSectorBytes } from '../../volumes/snapshot-store.ts'
import { snapshotView } from '../../volumes/snapshot-view.ts'
import { ExtFiles } from '../../wasm/ext-files.ts'
import { ExtWriter } from '../../wasm/ext-writer.ts'
import { hasModules } from '../../wasm/modules.ts'
import type { ChangeContext, ChangeDraft } from '../change.ts'
import { cannotKeep } from '../reset.ts'
import { isSound } from '../sound-ext.ts'
import { sortedChanges } from './repair-store.ts'
import type { StoreFile } from './store-file.ts'

/** What dracut and livecd-tools ask device-mapper for, where the header does not tell. */
const usualChunkSectors = 8
/** 1 MiB; what is larger was never asked for by anybody who wanted to use the store. */
const largestChunkSectors = 2048
const headChunks = 2
const firstSectorBytes = 512
/** In the field for it, a version that no kernel knows. */
const noVersion = { at: 8, value: 0xffff_ffff }

/**
 * Empties a snapshot store, or lays what is kept into it anew; `origin` is null where its image is not at hand. While the list is exchanged, the header
 * stands for an empty store (zeros, of which a kernel makes one by itself), or where files are kept for none at all: it is never one with half a list.
 */
export function resetStore(
  file: StoreFile,
  origin: BlockDevice | null,
  keep: readonly string[],
  draft: ChangeDraft,
  { seconds }: ChangeContext,
): void {
  const { value: store } = readSnapshotStore(file.device, origin?.size ?? null)
  const chunkSectors = store && store.chunkSectors <= largestChunkSectors ? store.chunkSectors : usualChunkSectors
  const chunkBytes = chunkSectors * storeSectorBytes
  if (file.device.size <= headChunks * chunkBytes) throw tooShort(file)
  draft.witnesses.push({ offset: file.startBytes, lengthBytes: Math.min(file.device.size, 4096) })
  if (store && isEmpty(store)) {
    draft.notes.push(`${file.name} is empty already.`)
    return
  }
  if (keep.length > 0) {
    const copied = keepFiles(file, origin, keep, chunkSectors, draft, seconds)
    draft.steps.push(`${file.name}: make it anew, with ${keptText(keep, copied)} in it.`)
  } else {
    emptyStore(file, chunkSectors, draft)
    draft.steps.push(`${file.name}: empty it${store ? `, in which there are ${store.exceptions.count} changed blocks` : ''}.`)
  }
  draft.notes.push('What is dropped is no longer found, but its bytes stay on the stick until others are written over them.')
}

/** An empty store instead of whatever is there: for whoever is cut off in between it is empty from the first write on. */
export function emptyStore(file: StoreFile, chunkSectors: number, draft: ChangeDraft): void {
  const chunkBytes = chunkSectors * storeSectorBytes
  file.device.writeSync?.(new Uint8Array(firstSectorBytes), 0)
  // As it is: what is written together may reach over a chunk of the store, the header's too, where the file lies so.
  draft.endGroupAsIs()
  file.device.writeSync?.(new Uint8Array(chunkBytes), areaChunk(chunkBytes, 0) * chunkBytes)
  file.settle?.()
  draft.endGroupAsIs()
  writeHead(file, chunkSectors, draft)
}

function keptText(keep: readonly string[], { entries, bytes }: CopiedFiles): string {
  return `${keep.map((path) => `/${path}`).join(' and ')} (${entries} ${entries === 1 ? 'entry' : 'entries'}, ${decimalSize(bytes)})`
}

function isEmpty({ valid, exceptions }: SnapshotStore): boolean {
  return valid && exceptions.count === 0 && exceptions.damageCount === 0
}

/** A valid header, behind which the list counts. */
export function writeHead({ device, settle }: StoreFile, chunkSectors: number, draft: ChangeDraft): void {
  const head = new Uint8Array(chunkSectors * storeSectorBytes)
  head.set(storeHeader(true, chunkSectors))
  device.writeSync?.(head, 0)
  settle?.()
  draft.endGroup()
}

function keepFiles(
  file: StoreFile,
  origin: BlockDevice | null,
  keep: readonly string[],
  chunkSectors: number,
  draft: ChangeDraft,
  seconds: number,
): CopiedFiles {
  const [first = ''] = keep
  if (!origin) throw cannotKeep(first, 'the system image is not at hand, which --base would name')
  if (!hasModules()) throw cannotKeep(first, 'this Livecard was built without the tools for ext volumes')
  const { value: store, problem } = readSnapshotStore(file.device, origin.size)
  if (!store) throw cannotKeep(first, problem.detail)
  const chunkBytes = chunkSectors * storeSectorBytes
  const stage = stagedDevice(paddedDevice(nothing, file.device.size), { blockBytes: Math.min(4096, chunkBytes) })
  try {
    const writer = makeSnapshotStore(stage, chunkSectors)
    const view = snapshotView(origin, stage, { chunkBytes, find: () => null }, writer)
    const copied = carryOver(mergedDevice(origin, file.device, store.exceptions), view, keep, seconds)
    const { copies, list } = sortedChanges(stage, chunkBytes)
    refuseMeanwhile(file, chunkSectors, draft)
    for (const { offset, bytes } of copies) file.device.writeSync?.(bytes, offset)
    file.settle?.()
    draft.endGroup()
    for (const { offset, bytes } of list) file.device.writeSync?.(bytes, offset)
    file.settle?.()
    draft.endGroupAsIs()
    writeHead(file, chunkSectors, draft)
    return copied
  } finally {
    stage.close()
  }
}

/** No kernel takes the store until a later group writes its header. */
export function refuseMeanwhile({ device }: StoreFile, chunkSectors: number, draft: ChangeDraft): void {
  const none = new Uint8Array(firstSectorBytes)
  none.set(storeHeader(false, chunkSectors))
  new DataView(none.buffer).setUint32(noVersion.at, noVersion.value, true)
  device.writeSync?.(none, 0)
  draft.endGroupAsIs()
}

const nothing: BlockDevice = { size: 0, sectorSize: storeSectorBytes, readSync: () => {} }

/** From what the system sees now, its journal carried out, into what it will see. */
function carryOver(seen: BlockDevice, view: BlockDevice, keep: readonly string[], seconds: number): CopiedFiles {
  const { value: replayed, problem } = replayedInMemory(seen)
  const [first = ''] = keep
  if (!replayed) throw cannotKeep(first, problem.detail)
  const from = new ExtFiles(replayed.device)
  const to = new ExtWriter(view, { seconds })
  try {
    const missing = keep.find((path) => !isThere(from, path))
    if (missing !== undefined) throw cannotKeep(missing, 'there is no such file or folder in the system as it is now')
    const copied = copyExtFiles(from, to, keep)
    to.close()
    view.flushSync?.()
    if (!isSound(view, seconds)) throw cannotKeep(first, 'the system with it would be damaged; repair it first')
    return copied
  } catch (thrown) {
    if (thrown instanceof LivecardError && thrown.code === 'store-full')
      throw cannotKeep(first, 'with it the changes would not fit into their place again')
    throw thrown
  } finally {
    from.close()
  }
}

function isThere(files: ExtFiles, path: string): boolean {
  try {
    files.find(path, { followLast: false })
    return true
  } catch (thrown) {
    if (thrown instanceof LivecardError && thrown.code === 'ext-not-found') return false
    throw thrown
  }
}

function tooShort({ name, device }: StoreFile): LivecardError {
  return new LivecardError('failed', 'reset-impossible', {
    message: `${name} has ${device.size} bytes, which is too little for a list of changes.`,
    meaning: 'Nothing was changed.',
    next: 'Make it larger first: "livecard enlarge" with --to.',
  })
}
