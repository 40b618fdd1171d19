import type { BlockDevice } from '../../block/device.ts'
import { mergedDevice } from '../../block/merged.ts'
import type { Finding, ReportOverlay, ReportRoom } from '../../contract-report.ts'
import { decimalSize } from '../../decimal-size.ts'
import { identify } from '../../volumes/identify.ts'
import type { SnapshotStore } from '../../volumes/snapshot-store.ts'
import type { TreeNode, VolumeTree } from '../../volumes/tree.ts'
import { found } from '../finding.ts'
import { sizeOfFiles } from '../linux-root.ts'
import { liveosFindings } from './findings.ts'
import { type LinuxView, linuxView } from './linux-view.ts'
import { type LiveFolder, pathIn } from './live-folder.ts'
import type { LiveImage } from './live-image.ts'
import { describeFolder, describeImage } from './overlay-folders.ts'
import { describeStore } from './overlay-store.ts'

export interface OverlayReport {
  overlay: ReportOverlay
  findings: Finding[]
  rooms: ReportRoom[]
  /** The root of the system with these changes, or what was changed of it; null where neither can be seen. */
  root: VolumeTree | null
}

/** Where an overlay lies and what it lies over. */
export interface OverlayPlace {
  path: string
  partition: number | null
  /** Null where it cannot be opened, or is not at hand. */
  image: LiveImage | null
  /** The filesystem around it, as blkid calls it; null where that is not known. */
  hostType: string | null
}

/** FAT counts a file's bytes in 32 bits; one more mebibyte must fit for it to grow. */
const fatLimitBytes = 2 ** 32 - 1
const leastGrowthBytes = 1024 * 1024
/** Systems keep a few percent for root, and stop working well before that. */
const fullFilesystemShare = 0.95
/** Filesystems that Linux mounts from an overlay image, though their folders are not looked into here. */
const mountable = new Set(['btrfs', 'xfs', 'f2fs'])

const chunkNote =
  'Counted in blocks that were ever changed. Deleting files does not give them back: only a reset or a merge empties the overlay.'
const filesNote = 'Files that the system sees, its image and your changes together.'

/** A file or folder named overlay-… in a live folder. */
export function describeOverlayNode(folder: LiveFolder, node: TreeNode, image: LiveImage | null): OverlayReport {
  const { place } = folder
  const at: OverlayPlace = {
    path: pathIn(folder, node.name),
    partition: place.partition,
    image,
    hostType: place.identity?.type ?? null,
  }
  if (node.kind === 'directory') return folderOverlay(folder, node, at)
  const { value: device, problem } = node.open()
  if (device) return describeOverlayFile(device, at)
  const overlay: ReportOverlay = {
    ...{ path: at.path, partition: at.partition, kind: 'dm-snapshot', state: 'damaged' },
    ...{ usedBytes: 0, totalBytes: node.sizeBytes, snapshot: null, filesystem: null },
  }
  return {
    overlay,
    findings: [found(liveosFindings, 'liveos-file-damaged', `${at.path}: ${problem.detail}.`, at.partition)],
    rooms: [],
    root: null,
  }
}

/** An overlay that is a file: a snapshot store, or a filesystem image. What has no filesystem in it is taken for a store, as by dracut. */
export function describeOverlayFile(device: BlockDevice, at: OverlayPlace): OverlayReport {
  const { volume: identity } = identify(device)
  const report = identity && identity.type !== 'DM_snapshot_cow' ? imageOverlay(device, identity, at) : storeOverlay(device, at)
  if (at.hostType === 'vfat' && device.size + leastGrowthBytes > fatLimitBytes)
    report.findings.push(found(liveosFindings, 'overlay-size-limit', `${at.path} has ${device.size} bytes.`, at.partition))
  return report
}

function folderOverlay(folder: LiveFolder, node: TreeNode, at: OverlayPlace): OverlayReport {
  const size = sizeOfFiles({ root: node, foldsCase: folder.place.tree.foldsCase }, '')
  const { upper, findings, ...state } = describeFolder(
    { place: folder.place, parent: folder.node, node },
    size?.bytes ?? 0,
    at.path,
  )
  const { usedBytes, totalBytes } = state
  return {
    overlay: { path: at.path, partition: at.partition, kind: 'overlayfs-dir', snapshot: null, ...state },
    findings,
    rooms: [
      {
        id: 'overlay',
        title: 'Changes',
        usedBytes,
        totalBytes,
        note: 'Files on the stick itself, which share its room with everything else.',
      },
    ],
    root: upper,
  }
}

function imageOverlay(
  device: BlockDevice,
  identity: NonNullable<ReturnType<typeof identify>['volume']>,
  at: OverlayPlace,
): OverlayReport {
  const common = { path: at.path, partition: at.partition, kind: 'overlayfs-image', snapshot: null } as const
  if (!identity.type.startsWith('ext') && !mountable.has(identity.type)) {
    const overlay: ReportOverlay = { ...common, state: 'unusable', usedBytes: 0, totalBytes: device.size, filesystem: null }
    const detail = `${at.path}: it holds ${identity.type}, which is no filesystem with these folders.`
    return { overlay, findings: [found(liveosFindings, 'overlay-image-folders', detail, at.partition)], rooms: [], root: null }
  }
  const { upper, findings, ...state } = describeImage(device, identity, at.path, at.partition)
  const { usedBytes, totalBytes } = state
  return {
    overlay: { ...common, ...state },
    findings,
    rooms: [{ id: 'overlay', title: 'Changes', usedBytes, totalBytes, note: null }],
    root: upper,
  }
}

function storeOverlay(device: BlockDevice, at: OverlayPlace): OverlayReport {
  const origin = at.image?.origin ?? null
  const report = describeStore(device, origin?.device.size ?? null, at.path, at.partition)
  const { store, state, usedBytes, totalBytes, snapshot, findings } = report
  const overlay: ReportOverlay = {
    ...{ path: at.path, partition: at.partition, kind: 'dm-snapshot', state, usedBytes, totalBytes },
    ...{ snapshot, filesystem: null },
  }
  const rooms: ReportRoom[] = store ? [{ id: 'overlay', title: 'Changes', usedBytes, totalBytes, note: chunkNote }] : []
  if (at.image?.flatRoot) {
    const detail = `${at.path} is a snapshot store, and the image is a flat ${at.image.container}.`
    findings.push(found(liveosFindings, 'overlay-flat-base', detail, at.partition))
    return { overlay: { ...overlay, state: 'unusable' }, findings, rooms, root: at.image.flatRoot }
  }
  if (!store || !origin) return { overlay, findings, rooms, root: null }
  return { overlay, findings, rooms, root: seenThrough(device, store, origin, { overlay, findings, rooms, at }) }
}

interface Told extends Pick<OverlayReport, 'overlay' | 'findings' | 'rooms'> {
  at: OverlayPlace
}

/** What the running system sees; adds to the report what that tells. Returns its root. */
function seenThrough(
  device: BlockDevice,
  store: SnapshotStore,
  origin: NonNullable<LiveImage['origin']>,
  { overlay, findings, rooms, at }: Told,
): VolumeTree | null {
  const told = (id: keyof typeof liveosFindings, detail: string) =>
    findings.push(found(liveosFindings, id, `${at.path}: ${detail}`, at.partition))
  if (!origin.identity.type.startsWith('ext')) return null
  const { value: view, problem } = linuxView(mergedDevice(origin.device, device, store.exceptions))
  if (!view) {
    told(isOfImage(problem.code) ? 'liveos-image-damaged' : 'overlay-filesystem-damaged', `${problem.detail}.`)
    return null
  }
  if (view.uuid !== origin.identity.uuid) {
    told(
      'overlay-other-base',
      `the filesystem with its changes has the UUID ${view.uuid ?? 'none'}, that of the image is ${origin.identity.uuid ?? 'none'}.`,
    )
    return null
  }
  const { usedBytes, totalBytes, needsRecovery } = view.filesystem
  overlay.filesystem = view.filesystem
  rooms.push({ id: 'system', title: 'Files of the system', usedBytes, totalBytes, note: filesNote })
  if (view.damage !== null) told('overlay-filesystem-damaged', `${view.damage}.`)
  if (usedBytes >= totalBytes * fullFilesystemShare)
    told('overlay-filesystem-full', `${decimalSize(totalBytes - usedBytes)} of ${decimalSize(totalBytes)} are free.`)
  if (needsRecovery && store.valid) {
    const wanted = view.replayed ? newChunks(view.replayed, store) : 0
    if (wanted > store.freeChunks)
      told(
        'overlay-replay-no-room',
        `its journal changes ${wanted} blocks that have no copy yet, and there is room for ${store.freeChunks}.`,
      )
    else
      told(
        'overlay-filesystem-journal',
        `its journal changes ${wanted} blocks that have no copy yet; there is room for ${store.freeChunks}.`,
      )
  }
  return view.tree
}

/** It is the image under the changes that cannot be unpacked. */
function isOfImage(code: string): boolean {
  return code.startsWith('squashfs-') || code.startsWith('erofs-')
}

/** How many copies the journal's blocks, and the two superblocks that are written with them, would take of the store. */
function newChunks({ blockBytes, blocks }: NonNullable<LinuxView['replayed']>, { chunkBytes, exceptions }: SnapshotStore): number {
  const wanted = new Set<number>()
  for (const block of blocks) {
    const last = Math.floor(((block + 1) * blockBytes - 1) / chunkBytes)
    for (let chunk = Math.floor((block * blockBytes) / chunkBytes); chunk <= last; chunk += 1)
      if (exceptions.find(chunk) === null) wanted.add(chunk)
  }
  return wanted.size
}
