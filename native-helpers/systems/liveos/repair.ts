import type { BlockDevice } from '../../block/device.ts'
import { mergedDevice } from '../../block/merged.ts'
import { decimalSize } from '../../decimal-size.ts'
import { identify } from '../../volumes/identify.ts'
import { readSnapshotStore } from '../../volumes/snapshot-store.ts'
import { childNamed } from '../../volumes/tree.ts'
import { hasModules } from '../../wasm/modules.ts'
import type { ChangeContext, ChangeDraft } from '../change.ts'
import type { CardVolume } from '../system.ts'
import type { LiveSystem, OpenedFolder } from './detect.ts'
import { linuxView } from './linux-view.ts'
import { pathIn } from './live-folder.ts'
import { upperName, workName } from './overlay-folders.ts'
import { repairImage, repairWorkFolder } from './repair-images.ts'
import { repairLabel } from './repair-label.ts'
import { repairStore, type StoreRepair, storeNeedsRepair } from './repair-store.ts'
import { aloneFile, fileOnStick, type StoreFile } from './store-file.ts'

/** Every snapshot store of a live system that needs it, and the filesystems in other files of it. */
export async function repairLive(live: LiveSystem, draft: ChangeDraft, context: ChangeContext): Promise<void> {
  if (live.alone) {
    if (identify(live.alone.device).volume?.type.startsWith('ext')) {
      repairImage(aloneFile(live.alone.device, draft), [upperName, workName], draft, context)
      return
    }
    const origin = live.alone.image?.value?.origin
    if (!origin) {
      draft.notes.push(
        'The changes are given alone: name the image that they belong to with --base, LiveOS/squashfs.img of the stick, and they are repaired.',
      )
      return
    }
    repairOne(aloneFile(live.alone.device, draft), origin.device, draft, context)
    return
  }
  for (const folder of live.folders) {
    const { volume } = folder.place
    const image = folder.opened?.value
    if (!volume) continue
    for (const overlay of folder.overlays) {
      const path = pathIn(folder, overlay.name)
      if (overlay.kind === 'directory') {
        repairWork(folder, volume, draft, context)
        continue
      }
      const file = await fileOnStick(volume, path, draft, context.seconds)
      if (!file) continue
      if (identify(file.device).volume?.type.startsWith('ext')) repairImage(file, [upperName, workName], draft, context)
      else if (image?.origin) repairOne(file, image.origin.device, draft, context)
    }
    const home = folder.home && (await fileOnStick(volume, pathIn(folder, folder.home.name), draft, context.seconds))
    if (home) repairImage(home, [], draft, context)
  }
  repairLabel(live, draft, context)
}

function repairWork(
  folder: OpenedFolder,
  { number, identity, startBytes, device }: CardVolume,
  draft: ChangeDraft,
  context: ChangeContext,
): void {
  const { place, node } = folder
  if (!identity?.type.startsWith('ext') || childNamed(place.tree, node, workName)?.kind === 'directory') return
  const part = { name: `Partition ${number}`, device: draft.part(startBytes, device.size), startBytes }
  repairWorkFolder(part, pathIn(folder, workName), draft, context)
}

function repairOne(file: StoreFile, origin: BlockDevice, draft: ChangeDraft, { seconds }: ChangeContext): void {
  const { value: store } = readSnapshotStore(file.device, origin.size)
  if (!store || store.blank) return
  draft.witnesses.push({ offset: file.startBytes, lengthBytes: Math.min(file.device.size, 4096) })
  if (!storeNeedsRepair(store) && !filesystemNeedsRepair(file.device, origin, store.exceptions)) return
  if (!hasModules()) {
    draft.notes.push(`${file.name}: it has to be repaired, and this Livecard was built without the tools for that.`)
    return
  }
  const repair = repairStore(file.device, origin, file.maxBytes, seconds)
  const device = repair.sizeBytes > file.device.size ? file.grow(repair.sizeBytes) : file.device
  for (const { offset, bytes } of repair.copies) device.writeSync?.(bytes, offset)
  draft.endGroup()
  for (const { offset, bytes } of repair.list) device.writeSync?.(bytes, offset)
  file.settle?.()
  // As it is: where the file lies so, a block of the card has a part of the list and the header, which may only follow.
  draft.endGroupAsIs()
  for (const { offset, bytes } of repair.head) device.writeSync?.(bytes, offset)
  draft.endGroup()
  tell(file, repair, draft)
}

function filesystemNeedsRepair(device: BlockDevice, origin: BlockDevice, chunks: Parameters<typeof mergedDevice>[2]): boolean {
  const { value, problem } = linuxView(mergedDevice(origin, device, chunks))
  return problem !== null || value.damage !== null || value.filesystem.needsRecovery || !value.filesystem.clean
}

function tell({ name, device }: StoreFile, repair: StoreRepair, draft: ChangeDraft): void {
  const { before, sizeBytes, droppedEntries, lostChunks, filesBefore, filesAfter, lostAndFound, mended } = repair
  const steps = [
    ...(before.valid ? [] : ['make the changes valid again']),
    ...(droppedEntries > 0 ? [`take ${droppedEntries} entries out of its list that lead nowhere`] : []),
    ...(sizeBytes > device.size ? [`make room for more, from ${decimalSize(device.size)} to ${decimalSize(sizeBytes)}`] : []),
    mended ? 'carry out what waits in the journal and mend the filesystem, as e2fsck does' : 'check the filesystem, which is sound',
  ]
  draft.steps.push(`${name}: ${steps.join('; ')}.`)
  const now = filesBefore === null ? 'cannot be read as it is' : `shows ${filesBefore} files as it is`
  draft.notes.push(`The system ${now}; after the repair there are ${filesAfter}.`)
  if (lostAndFound > 0) draft.notes.push(`${lostAndFound} files whose names are lost lie in "lost+found" then.`)
  if (lostChunks > 0)
    draft.loses.push(`What was changed last in ${lostChunks} blocks, whose copies are not there: they go back to an older state.`)
  draft.keeps.push('All files that can be read, the system image, and everything else on the stick.')
}
