import type { BlockDevice } from '../../block/device.ts'
import { type Extent, extentsDevice } from '../../block/extents.ts'
import { mergedDevice } from '../../block/merged.ts'
import { paddedDevice } from '../../block/padded.ts'
import type { StagedDevice } from '../../block/staged.ts'
import { LivecardError } from '../../errors.ts'
import { readExtFacts } from '../../volumes/ext-facts.ts'
import { isMetadataChunk } from '../../volumes/snapshot-exceptions.ts'
import { continueSnapshotStore, makeSnapshotStore } from '../../volumes/snapshot-make.ts'
import { readSnapshotStore, type SnapshotStore } from '../../volumes/snapshot-store.ts'
import { type SnapshotView, snapshotView } from '../../volumes/snapshot-view.ts'
import { checkVolume, performSync } from '../../wasm/ext-programs.ts'
import type { ArchivePart } from '../archive/manifest.ts'
import type { ChangeDraft } from '../change.ts'
import { noRoom } from '../restore/room.ts'
import type { OpenedSpot, RestoreSpot } from '../restore/spot.ts'
import { checkClean, impossible, stateOf } from '../restore/volume.ts'
import { identityOfBase } from './base-identity.ts'
import type { LiveImage } from './live-image.ts'
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
 * as it was delivered; single paths are put into what is there. `extents`: where the store's file lies on the card.
 */
export function storeSpot(extents: readonly Extent[], below: Below | null, title: string): RestoreSpot {
  const holes = extents.some(({ start }) => start === null) ? 'its file has holes, which only the system itself can fill' : null
  const problem = below?.image.origin ? holes : 'the system image that it lies over is not at hand; --base names it'
  return {
    ...{ what: 'overlay', title, forms: ['changes'], folder: '', cleared: [], kept: [], appliesMarks: true },
    problem,
    open(draft, { seconds, merges, part }) {
      const origin = below?.image.origin?.device
      if (!below || !origin) throw impossible(title, problem ?? 'there is no system image')
      checkBase(part, below)
      const { value: store, problem: unread } = readSnapshotStore(extentsDevice(draft.view, extents), origin.size)
      if (!store) throw impossible(title, unread.detail)
      return openStore({ draft, extents, title, seconds }, origin, store, merges)
    },
  }
}

interface Work {
  draft: ChangeDraft
  extents: readonly Extent[]
  title: string
  seconds: number
}

function openStore(
  { draft, extents, title, seconds }: Work,
  origin: BlockDevice,
  store: SnapshotStore,
  merges: boolean,
): OpenedSpot {
  const { chunkBytes, chunkSectors, exceptions } = store
  const device = extentsDevice(draft.view, extents)
  const isBroken = !store.valid || store.unregistrable || exceptions.damageCount > 0 || exceptions.cut
  if (merges && isBroken) throw impossible(title, 'the store is damaged, full beyond use or marked invalid')
  draft.witnesses.push({ offset: extents[0]?.start ?? 0, lengthBytes: Math.min(4096, extents[0]?.lengthBytes ?? 0) })
  const stage = draft.stage(merges ? device : paddedDevice(nothing, device.size), Math.min(4096, chunkBytes))
  const view = merges
    ? snapshotView(origin, stage, exceptions, continueSnapshotStore(stage, store))
    : snapshotView(origin, stage, { chunkBytes, find: () => null }, makeSnapshotStore(stage, chunkSectors))
  const facts = readExtFacts(view).value
  if (!facts) throw impossible(title, 'the system image in it cannot be read')
  if (!facts.clean || facts.needsRecovery || facts.errorCount > 0) {
    performSync(checkVolume({ mode: 'repair', seconds }), view)
    draft.steps.push(`First carry out what waits in the journal of ${title}, and mend it, as e2fsck does: it was not left cleanly.`)
  }
  const seen = isBroken ? device : mergedDevice(origin, extentsDevice(draft.card, extents), exceptions)
  return {
    device: view,
    state: stateOf(seen, JSON.stringify([extents, store.exceptions.count, store.valid])),
    isAsDelivered: !merges,
    checkRoom({ bytes }) {
      const room = (merges ? store.freeChunks : store.capacityChunks) * chunkBytes
      if (bytes * roomFactor + leastRoomBytes > room)
        throw noRoom('restore-no-room', `${title} cannot take ${bytes} bytes more: the store has room for ${room}.`)
    },
    begin() {},
    end() {
      finish(view, title, seconds)
      const file: StoreFile = { name: title, device, maxBytes: device.size, grow: () => device, startBytes: extents[0]?.start ?? 0 }
      if (!merges) refuseMeanwhile(file, chunkSectors, draft)
      write(stage, device, chunkBytes, 'copies')
      draft.endGroup()
      write(stage, device, chunkBytes, 'list')
      if (merges) draft.endGroup()
      else {
        draft.endGroupAsIs()
        writeHead(file, chunkSectors, draft)
      }
      stage.close()
    },
  }
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
