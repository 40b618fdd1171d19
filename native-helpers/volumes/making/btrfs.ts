import { randomBytes } from 'node:crypto'
import { crc32c } from '../crc.ts'
import { type BtrfsItem, type Chunk, chunkContent, deviceContent, btrfsItems as items, key } from './btrfs-items.ts'
import { cannotMake } from './errors.ts'
import type { WritableDevice } from './new-entry.ts'
import { Structure } from './structure.ts'

export interface NewBtrfs {
  label?: string
  /** Random without. */
  fsid?: Uint8Array
  /** Of the root folder; now without. */
  madeSeconds?: number
}

const KiB = 1024
const MiB = 1024 * KiB
export const btrfsNodeBytes = 16 * KiB
const headerBytes = 101
const itemHeadBytes = 25
/** The transaction that all of it was written in. */
const generation = 1
const superOffsets = [64 * KiB, 64 * MiB]
const superBytes = 4096
/** MIXED_BACKREF, EXTENDED_IREF, SKINNY_METADATA, NO_HOLES: what mkfs.btrfs sets on its own since 5.15. */
const incompatible = 0x1 | 0x40 | 0x100 | 0x200
const minBytes = 32 * MiB

/** BTRFS_*_TREE_OBJECTID, include/uapi/linux/btrfs_tree.h */
const trees = { root: 1n, extent: 2n, chunk: 3n, device: 4n, files: 5n, sums: 7n, dataReloc: 2n ** 64n - 9n }
type TreeName = keyof typeof trees
/** Without copies, each where it is by its address too. Address 0 to 1 MiB is never used. */
const chunks: readonly Chunk[] = [
  { start: 1 * MiB, length: 4 * MiB, kind: 'system' },
  { start: 5 * MiB, length: 8 * MiB, kind: 'metadata' },
  { start: 13 * MiB, length: 8 * MiB, kind: 'data' },
]
const places: Record<TreeName, number> = {
  chunk: 1 * MiB,
  root: 5 * MiB,
  extent: 5 * MiB + btrfsNodeBytes,
  device: 5 * MiB + 2 * btrfsNodeBytes,
  files: 5 * MiB + 3 * btrfsNodeBytes,
  sums: 5 * MiB + 4 * btrfsNodeBytes,
  dataReloc: 5 * MiB + 5 * btrfsNodeBytes,
}

interface Identity {
  fsid: Uint8Array
  chunkTree: Uint8Array
  device: Uint8Array
}

/** An empty btrfs on one device, without copies of its metadata: seven tree blocks and the superblocks. */
export function makeBtrfs(device: WritableDevice, options: NewBtrfs = {}): void {
  const { label = '', madeSeconds = Math.floor(Date.now() / 1000) } = options
  if (device.size < minBytes) throw cannotMake('btrfs-make-size', `A volume of ${device.size} bytes is too small for btrfs.`)
  const totalBytes = device.size - (device.size % 4096)
  const ids: Identity = { fsid: options.fsid ?? newUuid(), chunkTree: newUuid(), device: newUuid() }
  const deviceItem = deviceContent({
    totalBytes,
    usedBytes: chunks.reduce((sum, { length }) => sum + length, 0),
    uuid: ids.device,
    fsid: ids.fsid,
  })
  const contents: Record<TreeName, BtrfsItem[]> = {
    chunk: [items.device(deviceItem), ...chunks.map((chunk) => items.chunk(chunk, ids.device))],
    root: rootItems(madeSeconds),
    extent: extentItems(),
    device: chunks.map((chunk) => items.deviceExtent(chunk, ids.chunkTree)),
    files: items.rootFolder(madeSeconds, generation),
    sums: [],
    dataReloc: items.rootFolder(madeSeconds, generation),
  }
  for (const name of Object.keys(contents) as TreeName[]) device.writeSync(leaf(name, contents[name], ids), places[name])
  for (const offset of superOffsets) {
    if (offset + superBytes <= totalBytes) device.writeSync(superblock(offset, { totalBytes, label, ids, deviceItem }), offset)
  }
  device.flushSync()
}

function rootItems(seconds: number): BtrfsItem[] {
  const root = (name: TreeName, folder = 0): BtrfsItem =>
    items.root(trees[name], { place: places[name], folder, generation, nodeBytes: btrfsNodeBytes, seconds })
  return [
    root('extent'),
    root('device'),
    items.defaultReference(trees.files),
    root('files', 256),
    ...items.treeFolder(trees.files, seconds, generation),
    root('sums'),
    root('dataReloc', 256),
  ]
}

/** Every tree block, and in front of those of a block group the group itself, in the order of keys. */
function extentItems(): BtrfsItem[] {
  const blocks = (Object.keys(places) as TreeName[]).map((name) => items.treeBlock(places[name], trees[name], generation))
  const groups = chunks.map((chunk) => {
    const used = Object.values(places).filter((place) => place >= chunk.start && place < chunk.start + chunk.length).length
    return items.blockGroup(chunk, used * btrfsNodeBytes)
  })
  return [...blocks, ...groups].sort(byKey)
}

function byKey(a: BtrfsItem, b: BtrfsItem): number {
  const order = [a.key.object - b.key.object, BigInt(a.key.type - b.key.type), a.key.offset - b.key.offset]
  const first = order.find((difference) => difference !== 0n) ?? 0n
  return first < 0n ? -1 : first > 0n ? 1 : 0
}

/** struct btrfs_header, then the items in the order of their keys, and from the end backwards what they hold. */
function leaf(name: TreeName, content: readonly BtrfsItem[], ids: Identity): Uint8Array {
  const node = new Structure(btrfsNodeBytes)
  node
    .put(32, ids.fsid)
    .u64(48, places[name])
    .u64(56, 1n | (1n << 56n))
    .put(64, ids.chunkTree)
  node.u64(80, generation).u64(88, trees[name]).u32(96, content.length)
  let end = btrfsNodeBytes - headerBytes
  for (const [index, item] of content.entries()) {
    end -= item.content.length
    const at = headerBytes + index * itemHeadBytes
    node
      .put(at, key(item.key))
      .u32(at + 17, end)
      .u32(at + 21, item.content.length)
    node.put(headerBytes + end, item.content)
  }
  return summed(node)
}

interface Super {
  totalBytes: number
  label: string
  ids: Identity
  deviceItem: Uint8Array
}

/** struct btrfs_super_block; the system chunk stands in it too, to find the chunk tree by. */
function superblock(offset: number, { totalBytes, label, ids, deviceItem }: Super): Uint8Array {
  const [system] = chunks
  if (!system) throw new TypeError('there is a system chunk')
  const array = Buffer.concat([key(items.chunk(system, ids.device).key), chunkContent(system, ids.device)])
  const block = new Structure(superBytes).put(32, ids.fsid).u64(48, offset).u64(56, 1).text(64, 8, '_BHRfS_M')
  block.u64(72, generation).u64(80, places.root).u64(88, places.chunk)
  block
    .u64(112, totalBytes)
    .u64(120, Object.keys(places).length * btrfsNodeBytes)
    .u64(128, 6)
    .u64(136, 1)
  block.u32(144, 4096).u32(148, btrfsNodeBytes).u32(152, btrfsNodeBytes).u32(156, 4096)
  block.u32(160, array.length).u64(164, generation).u64(188, incompatible)
  block.put(201, deviceItem).put(299, Buffer.from(label, 'utf8').subarray(0, 255)).put(811, array)
  return summed(block)
}

function summed(structure: Structure): Uint8Array {
  return structure.u32(0, (crc32c(0xffffffff, structure.bytes.subarray(32)) ^ 0xffffffff) >>> 0).bytes
}

/** A random UUID, RFC 9562, version 4. */
function newUuid(): Uint8Array {
  const bytes = randomBytes(16)
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  return bytes
}
