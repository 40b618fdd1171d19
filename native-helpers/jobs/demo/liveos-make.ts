import { randomBytes } from 'node:crypto'
import type { BlockDevice } from '../../block/device.ts'
import { makeFat } from '../../volumes/making/fat.ts'
import { makeMbr } from '../../volumes/making/make-mbr.ts'
import { memoryFile } from '../../volumes/making/memory-file.ts'
import type { NewEntry, WritableDevice } from '../../volumes/making/new-entry.ts'
import { makeSnapshotStore, setStoreValid } from '../../volumes/snapshot-make.ts'
import { makeSquashfs } from '../../volumes/squashfs/write.ts'
import { rootInode } from '../../wasm/ext-files.ts'
import { ExtWriter } from '../../wasm/ext-writer.ts'
import { type ChangedChunks, changedChunks } from './changed-chunks.ts'
import { part } from './lampone-make.ts'
import { ownFiles, rootFiles, startFiles } from './liveos-files.ts'
import { makeExt } from './make-ext.ts'
import { cutPowerAfter } from './power-cut.ts'

const MiB = 1024 * 1024
export const liveCardBytes = 1_907 * MiB
const partitionStart = 4 * MiB
const nestedBytes = 768 * MiB
/** The maker of squashfs wants to know how much room there is. */
const mostImageBytes = 64 * MiB
const homeBytes = 64 * MiB
/** What metadata a long recording still takes when it is closed. */
const reserveChunks = 64

export interface NewLiveStick {
  /** Without: an image with a filesystem of its own, and a store of changed blocks. "flat": as since 2025, with an image for the changes. */
  form?: 'store' | 'flat'
  overlayMiB: number
  /** How much of the store is used: up to 1, which is to the last place. */
  usedShare?: number
  /** The power failed while a letter was saved: all that leads to it stands in the journal only. */
  powerCut?: boolean
  /** Linux has given the store up. */
  invalid?: boolean
  label?: string
  /** Another one than the changes were named after. */
  renamedTo?: string
}

/** A stick as livecd-iso-to-disk makes it on FAT. */
export async function makeLiveStick(card: WritableDevice, options: NewLiveStick): Promise<void> {
  const { form = 'store', overlayMiB, label = 'LIVE', renamedTo } = options
  const volumeId = randomBytes(4).readUInt32LE()
  const uuid = volumeId
    .toString(16)
    .toUpperCase()
    .padStart(8, '0')
    .replace(/^(....)/, '$1-')
  const entries: NewEntry[] = startFiles(uuid, `UUID=${uuid}`)
  const add = (path: string, content: BlockDevice) => entries.push({ kind: 'file', path, content })
  if (form === 'flat') {
    add('LiveOS/squashfs.img', await packed(rootFiles()))
    add(`LiveOS/overlay-${label}-${uuid}`, overlayImage(overlayMiB * MiB))
  } else {
    const nested = memoryFile()
    nested.setSize(nestedBytes)
    makeExt(nested, { label: 'Anaconda', entries: rootFiles(), options: ['-m', '1'] })
    add('LiveOS/squashfs.img', await packed([{ kind: 'file', path: 'LiveOS/rootfs.img', content: nested }]))
    add(`LiveOS/overlay-${label}-${uuid}`, snapshotStore(nested, options))
    add('LiveOS/home.img', homeImage())
  }
  makeMbr(card, {
    diskSignature: randomBytes(4).readUInt32LE(),
    partitions: [{ type: 0x0c, startSector: partitionStart / 512, sectors: (card.size - partitionStart) / 512, active: true }],
  })
  const partition = part(card, { start: partitionStart, size: card.size - partitionStart })
  makeFat(partition, { label: renamedTo ?? label, bits: 32, volumeId, entries })
}

async function packed(entries: readonly NewEntry[]): Promise<BlockDevice> {
  const image = memoryFile()
  image.setSize(mostImageBytes)
  image.setSize(await makeSquashfs(image, { entries, compressor: 'zstd' }))
  return image
}

function overlayImage(sizeBytes: number): BlockDevice {
  const image = memoryFile()
  image.setSize(sizeBytes)
  const upper = ownFiles().map(
    ({ path, content }): NewEntry => ({
      kind: 'file',
      path: `overlayfs/home/liveuser/${path}`,
      content: Buffer.from(content),
      ownerId: 1000,
      groupId: 1000,
    }),
  )
  makeExt(image, {
    label: 'OVERLAY',
    entries: [{ kind: 'folder', path: 'ovlwork/work', mode: 0o000 }, ...upper],
    options: ['-m', '0'],
  })
  return image
}

function homeImage(): BlockDevice {
  const home = memoryFile()
  home.setSize(homeBytes)
  const files = ownFiles().map(
    ({ path, content }): NewEntry => ({
      kind: 'file',
      path: `liveuser/${path}`,
      content: Buffer.from(content),
      ownerId: 1000,
      groupId: 1000,
    }),
  )
  makeExt(home, { label: 'HOME', entries: files })
  return home
}

/** What a running system has changed of its root, in a store as full as is asked for. */
function snapshotStore(
  nested: BlockDevice,
  { overlayMiB, usedShare = 0.2, powerCut = false, invalid = false }: NewLiveStick,
): BlockDevice {
  const device = memoryFile()
  device.setSize(overlayMiB * MiB)
  const store = makeSnapshotStore(device)
  const wanted = Math.floor(store.freeChunks * usedShare)
  const changed = changedChunks(nested)
  const writer = new ExtWriter(changed)
  try {
    saveOwnFiles(writer)
    record(writer, changed, wanted - reserveChunks)
  } finally {
    writer.close()
  }
  if (powerCut) cutPowerAfter(changed, saveLastLetter)
  for (const { chunk, bytes } of changed.chunks()) store.append(chunk, bytes)
  // Files that were deleted again: their blocks are free in the filesystem, and never again in the store.
  for (let chunk = nested.size / store.chunkBytes - 1, left = wanted - changed.count; left > 0 && chunk > 0; chunk -= 1) {
    if (changed.has(chunk)) continue
    store.append(chunk, new Uint8Array(store.chunkBytes))
    left -= 1
  }
  store.commit()
  if (invalid) setStoreValid(device, false)
  return device
}

const user = { uid: 1000, gid: 1000 }

function saveOwnFiles(writer: ExtWriter): void {
  const documents = folderIn(writer, writer.find('home/liveuser'), 'Documents')
  for (const { path, content } of ownFiles()) saveFile(writer, documents, path, Buffer.from(content))
  saveFile(writer, writer.find('etc'), 'machine-id', Buffer.from(`${randomBytes(16).toString('hex')}\n`))
}

function folderIn(writer: ExtWriter, parent: number, name: string): number {
  const folder = writer.makeFolder(parent, name)
  writer.setAttributes(folder, { permissions: 0o755, ...user })
  return folder
}

function saveFile(writer: ExtWriter, parent: number, name: string, content: Uint8Array): number {
  const inode = writer.makeFile(parent, name, { kind: 'file' })
  writer.write(inode, 0, content)
  writer.setAttributes(inode, { permissions: 0o644, ...user })
  return inode
}

/** A recording of silence, which is long and takes no room on the disk of the computer. */
function record(writer: ExtWriter, changed: ChangedChunks, untilChunks: number): void {
  const videos = folderIn(writer, writer.find('home/liveuser'), 'Videos')
  const inode = writer.makeFile(videos, 'recording.webm', { kind: 'file' })
  const silence = new Uint8Array(MiB)
  for (let offset = 0; ; offset += silence.length) {
    writer.flush()
    const missing = (untilChunks - changed.count) * 4096
    if (missing <= 0) break
    writer.write(inode, offset, silence.subarray(0, Math.min(silence.length, missing)))
  }
  writer.setAttributes(inode, { permissions: 0o644, ...user })
}

function saveLastLetter(writer: ExtWriter): number[] {
  const desk = folderIn(writer, rootInode, 'desk')
  return [saveFile(writer, desk, 'last-letter.txt', Buffer.from('This was saved when the power failed.\n'.repeat(500)))]
}
