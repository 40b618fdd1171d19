import type { BlockDevice } from '../../block/device.ts'
import { type Extent, extentsDevice } from '../../block/extents.ts'
import { mergedDevice } from '../../block/merged.ts'
import { paddedDevice } from '../../block/padded.ts'
import { decimalSize } from '../../decimal-size.ts'
import { LivecardError } from '../../errors.ts'
import { readExtFacts } from '../../volumes/ext-facts.ts'
import { fatFileLimitBytes, growFatFile } from '../../volumes/fat-grow.ts'
import { openFat } from '../../volumes/fat-tree.ts'
import { openTree } from '../../volumes/open-tree.ts'
import { readSnapshotStore } from '../../volumes/snapshot-store.ts'
import { findNode } from '../../volumes/tree.ts'
import { ExtWriter } from '../../wasm/ext-writer.ts'
import { hasModules } from '../../wasm/modules.ts'
import type { ChangeContext, ChangeDraft } from '../change.ts'
import type { CardVolume } from '../system.ts'
import type { LiveSystem } from './detect.ts'
import { linuxView } from './linux-view.ts'
import { pathIn } from './live-folder.ts'
import { repairStore, type StoreRepair, storeNeedsRepair } from './repair-store.ts'

/** Left free on the stick by a store that grows: its boot menus are rewritten now and then. */
const leftOnStickBytes = 8 * 1024 * 1024
/** Of an ext volume: some of what is free is kept for root, and some goes into its own maps. */
const usableOfExt = 0.9
/** Of an overlay that was given alone, as nobody knows where it will go back to. */
const aloneGrowthBytes = 1024 * 1024 * 1024

/** A file in which a store lies, on a view that can be written. */
interface StoreFile {
  name: string
  device: BlockDevice
  /** As far as it can grow. */
  maxBytes: number
  /** Makes it longer, and gives it anew. */
  grow(sizeBytes: number): BlockDevice
  /** Before the header is written: everything else of a file that grew is in its place. */
  settle?(): void
  /** Where its first bytes lie on the card. */
  startBytes: number
}

/** Every snapshot store of a live system that needs it; what lies in other forms of overlay is mended as any ext volume or not at all. */
export async function repairLive(live: LiveSystem, draft: ChangeDraft, context: ChangeContext): Promise<void> {
  if (live.alone) {
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
    for (const overlay of folder.overlays) {
      if (overlay.kind !== 'file' || !volume || !image?.origin) continue
      const path = pathIn(folder, overlay.name)
      const file = await fileOnStick(volume, path, draft, context.seconds)
      if (file) repairOne(file, image.origin.device, draft, context)
    }
  }
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
  for (const part of [repair.copies, repair.list]) {
    for (const { offset, bytes } of part) device.writeSync?.(bytes, offset)
    draft.endGroup()
  }
  file.settle?.()
  draft.endGroup()
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

function aloneFile(device: BlockDevice, draft: ChangeDraft): StoreFile {
  return {
    name: 'The changes',
    device: draft.part(0, device.size),
    maxBytes: Math.min(fatFileLimitBytes, device.size + aloneGrowthBytes),
    startBytes: 0,
    grow(sizeBytes) {
      draft.growTo(sizeBytes)
      return draft.part(0, sizeBytes)
    },
  }
}

/** Null where the file cannot be opened; that is a finding of its own. */
async function fileOnStick(volume: CardVolume, path: string, draft: ChangeDraft, seconds: number): Promise<StoreFile | null> {
  const part = draft.part(volume.startBytes, volume.device.size)
  const type = volume.identity?.type ?? ''
  const { value: tree } = await openTree(part, type)
  const node = tree && findNode(tree, path)
  const extents = node?.extents().value
  if (!extents) return null
  const device = extentsDevice(part, extents)
  const common = { name: path, device, startBytes: volume.startBytes + (firstStart(extents) ?? 0) }
  if (type.startsWith('ext')) return { ...common, ...growingOnExt(part, device, path, seconds) }
  if (type !== 'vfat') return { ...common, maxBytes: device.size, grow: () => device }
  const { value: fat } = openFat(part)
  const freeBytes = (fat?.table.countFree() ?? 0) * (fat?.volume.clusterBytes ?? 0)
  return {
    ...common,
    maxBytes: Math.min(fatFileLimitBytes, device.size + Math.max(0, freeBytes - leftOnStickBytes)),
    grow(sizeBytes) {
      const { value: grown, problem } = growFatFile(part, path, sizeBytes, () => draft.endGroup())
      if (!grown) throw cannotGrow(path, problem.detail)
      return extentsDevice(part, grown.extents)
    },
  }
}

/** A hole behind the old end, of which what is written gets blocks: the rest of the stick gives it room as the system needs it. */
function growingOnExt(
  part: BlockDevice,
  device: BlockDevice,
  path: string,
  seconds: number,
): Pick<StoreFile, 'maxBytes' | 'grow' | 'settle'> {
  const freeBytes = readExtFacts(part).value?.freeBytes ?? 0
  let writer: ExtWriter | null = null
  return {
    maxBytes: hasModules() ? device.size + Math.max(0, Math.floor(freeBytes * usableOfExt)) : device.size,
    grow(sizeBytes) {
      const opened = new ExtWriter(part, { seconds })
      writer = opened
      const inode = opened.find(path)
      opened.setSize(inode, sizeBytes)
      return {
        ...paddedDevice(device, sizeBytes),
        writeSync(bytes, offset) {
          const before = Math.max(0, Math.min(bytes.length, device.size - offset))
          if (before > 0) device.writeSync?.(bytes.subarray(0, before), offset)
          if (before < bytes.length) opened.write(inode, offset + before, bytes.subarray(before))
        },
      }
    },
    settle() {
      writer?.flush()
      writer?.close()
    },
  }
}

function firstStart(extents: readonly Extent[]): number | null {
  return extents.find(({ start }) => start !== null)?.start ?? null
}

function cannotGrow(path: string, why: string): LivecardError {
  return new LivecardError('failed', 'store-no-room', {
    message: `${path} cannot be made longer: ${why}.`,
    meaning: 'It was tried in memory only: nothing was written to the stick.',
    next: 'Make room on the stick, or copy the whole stick to a larger one, and repair that.',
  })
}
