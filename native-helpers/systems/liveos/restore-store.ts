import type { BlockDevice } from '../../block/device.ts'
import { mergedDevice } from '../../block/merged.ts'
import { paddedDevice } from '../../block/padded.ts'
import type { StagedDevice } from '../../block/staged.ts'
import { decimalSize } from '../../decimal-size.ts'
import { LivecardError } from '../../errors.ts'
import { readExtFacts } from '../../volumes/ext-facts.ts'
import { isMetadataChunk } from '../../volumes/snapshot-exceptions.ts'
import { continueSnapshotStore, makeSnapshotStore } from '../../volumes/snapshot-make.ts'
import { readSnapshotStore, type SnapshotStore, storeCapacity, usedStoreBytes } from '../../volumes/snapshot-store.ts'
import { type SnapshotView, snapshotView } from '../../volumes/snapshot-view.ts'
import { checkVolume, performSync } from '../../wasm/ext-programs.ts'
import type { ArchivePart } from '../archive/manifest.ts'
import type { ChangeDraft } from '../change.ts'
import { noRoom } from '../restore/room.ts'
import type { OpenedSpot, RestoreSpot } from '../restore/spot.ts'
import { checkClean, impossible, stateOf } from '../restore/volume.ts'
import { identityOfBase } from './base-identity.ts'
import type { LiveImage } from './live-image.ts'
import { leastReserveBytes, wholeChunks } from './repair-store.ts'
import { refuseMeanwhile, writeHead } from './reset-store.ts'
import type { StoreFile } from './store-file.ts'

/** The image that a store lies over. */
export interface Below {
  device: BlockDevice
  image: LiveImage
}

/** Chunks that are copied though only a part of each is written, and the list of them. */
const roomFactor = 1.15
const leastRoomBytes = 1024 * 1024

/**
 * The content of a snapshot store: what is put back is written through it, so that it comes to lie in copies of chunks. As a whole it is made anew over the image
 * as it was delivered; single paths are put into what is there. A file that is too short for it grows where it lies. `isAlone`: the card is the file.
 */
export function storeSpot(file: StoreFile, below: Below | null, isAlone: boolean): RestoreSpot {
  const title = `your changes (${file.name})`
  const problem = below?.image.origin ? null : 'the system image that it lies over is not at hand; --base names it'
  return {
    ...{ what: 'overlay', title, forms: ['changes'], folder: '', cleared: [], kept: [], appliesMarks: true },
    problem,
    open(draft, { seconds, merges, part }) {
      const origin = below?.image.origin?.device
      if (!below || !origin) throw impossible(title, problem ?? 'there is no system image')
      checkBase(part, below)
      const { value: store, problem: unread } = readSnapshotStore(file.device, origin.size)
      if (!store) throw impossible(title, unread.detail)
      return openStore({ draft, file, isAlone, title, seconds }, origin, store, merges)
    },
  }
}

interface Work {
  draft: ChangeDraft
  file: StoreFile
  isAlone: boolean
  title: string
  seconds: number
}

function openStore(
  { draft, file, isAlone, title, seconds }: Work,
  origin: BlockDevice,
  store: SnapshotStore,
  merges: boolean,
): OpenedSpot {
  const { chunkBytes, chunkSectors, exceptions } = store
  const { device } = file
  const longest = Math.max(device.size, wholeChunks(file.maxBytes, chunkBytes))
  const isBroken = !store.valid || store.unregistrable || exceptions.damageCount > 0 || exceptions.cut
  if (merges && isBroken) throw impossible(title, 'the store is damaged, full beyond use or marked invalid')
  draft.witnesses.push({ offset: file.startBytes, lengthBytes: Math.min(4096, device.size) })
  const stage = draft.stage(paddedDevice(merges ? device : nothing, longest), Math.min(4096, chunkBytes))
  const { value: longer } = merges ? readSnapshotStore(stage, origin.size) : { value: null }
  if (merges && !longer) throw impossible(title, 'its store cannot be read')
  const view = longer
    ? snapshotView(origin, stage, longer.exceptions, continueSnapshotStore(stage, longer))
    : snapshotView(origin, stage, { chunkBytes, find: () => null }, makeSnapshotStore(stage, chunkSectors))
  const facts = readExtFacts(view).value
  if (!facts) throw impossible(title, 'the system image in it cannot be read')
  if (!facts.clean || facts.needsRecovery || facts.errorCount > 0) {
    performSync(checkVolume({ mode: 'repair', seconds }), view)
    draft.steps.push(`First carry out what waits in the journal of ${title}, and mend it, as e2fsck does: it was not left cleanly.`)
  }
  const seen = isBroken ? device : mergedDevice(origin, device, exceptions)
  return {
    device: view,
    state: stateOf(seen, JSON.stringify([file.startBytes, device.size, exceptions.count, store.valid])),
    isAsDelivered: !merges,
    checkRoom({ bytes }) {
      const now = (merges ? store.freeChunks : store.capacityChunks) * chunkBytes
      const more = storeCapacity(Math.floor(longest / chunkBytes), chunkBytes) - store.capacityChunks
      const wanted = bytes * roomFactor + leastRoomBytes
      if (wanted > now + Math.max(0, more) * chunkBytes)
        throw noRoom(
          'restore-no-room',
          `${title} cannot take ${decimalSize(bytes)} more: there is room for ${decimalSize(longest)}, and it has ${decimalSize(device.size)}.`,
        )
      if (wanted > now)
        draft.steps.push(
          `${file.name}: make it longer as far as that is needed, from ${decimalSize(device.size)} to ${decimalSize(longest)} at most.`,
        )
    },
    begin() {},
    end() {
      finish(view, title, seconds)
      const { value: made, problem } = readSnapshotStore(stage, origin.size)
      if (!made) throw impossible(title, problem.detail)
      const sizeBytes = sizeFor(device.size, usedStoreBytes(made), longest, chunkBytes)
      const grown = merges ? grownTo(file, sizeBytes) : begunAnew(file, { sizeBytes, chunkSectors, isAlone }, draft)
      write(stage, grown.device, chunkBytes, 'copies')
      file.settle?.()
      draft.endGroup()
      write(stage, grown.device, chunkBytes, 'list')
      file.settle?.()
      if (merges) draft.endGroup()
      else {
        draft.endGroupAsIs()
        writeHead(grown, chunkSectors, draft)
      }
      stage.close()
    },
  }
}

/** As long as it has to be, and one that no kernel takes until its header is written. */
export function begunAnew(
  file: StoreFile,
  { sizeBytes, chunkSectors, isAlone }: { sizeBytes: number; chunkSectors: number; isAlone: boolean },
  draft: ChangeDraft,
): StoreFile {
  // A card that is the store itself grows before anything is written. Else the header goes first: new room may hold what looks like a list.
  const first = isAlone ? grownTo(file, sizeBytes) : file
  refuseMeanwhile(first, chunkSectors, draft)
  return grownTo(first, sizeBytes)
}

function grownTo(file: StoreFile, sizeBytes: number): StoreFile {
  return sizeBytes > file.device.size ? { ...file, device: file.grow(sizeBytes) } : file
}

/** As long as it is where all has its place; else with some room for what comes, as far as there is any. */
function sizeFor(nowBytes: number, usedBytes: number, longest: number, chunkBytes: number): number {
  if (usedBytes + chunkBytes <= nowBytes) return nowBytes
  return Math.max(nowBytes, wholeChunks(Math.min(longest, usedBytes + leastReserveBytes), chunkBytes))
}

function finish(view: SnapshotView, title: string, seconds: number): void {
  view.flushSync()
  checkClean(view, title, seconds, 'the system would be damaged afterwards')
}

export const nothing: BlockDevice = { size: 0, sectorSize: 512, readSync: () => {} }

/** From the stage into its place, never more than a chunk at once in memory. The header is left alone. */
function write(stage: StagedDevice, device: BlockDevice, chunkBytes: number, which: 'copies' | 'list'): void {
  for (const { offset, bytes } of stage.changes(chunkBytes)) {
    const chunk = Math.floor(offset / chunkBytes)
    if (chunk !== 0 && isMetadataChunk(chunkBytes, chunk) === (which === 'list')) device.writeSync?.(bytes, offset)
  }
}

/** Changes fit the image alone that they were made over. */
export function checkBase(part: ArchivePart | null, { device, image }: Below): void {
  const saved = part?.base
  if (!saved) return
  const here = identityOfBase(device, null, image, { sampled: saved.isSampled })
  if (here.imageBytes === saved.imageBytes && here.sha256 === saved.sha256) return
  throw new LivecardError('refused', 'restore-other-base', {
    message: `The changes were saved over another system image (${saved.imageBytes} bytes, ${saved.sha256.slice(0, 12)}…) than the one on this stick (${here.imageBytes} bytes, ${here.sha256.slice(0, 12)}…).`,
    meaning: 'Nothing was changed: over another image they would make a system that never was.',
    next: 'Restore onto a stick with the same system image, or take single files out of the archive with tar.',
  })
}
