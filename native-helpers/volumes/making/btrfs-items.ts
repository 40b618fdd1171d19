import { randomBytes } from 'node:crypto'
import { crc32c } from '../crc.ts'
import { Structure } from './structure.ts'

/** Items of btrfs trees, as include/uapi/linux/btrfs_tree.h describes them. */
export interface BtrfsKey {
  object: bigint
  type: number
  offset: bigint
}

export interface BtrfsItem {
  key: BtrfsKey
  content: Uint8Array
}

export interface Chunk {
  /** The address, which is the place on the device too. */
  start: number
  length: number
  kind: 'data' | 'system' | 'metadata'
}

/** BTRFS_*_KEY */
const types = {
  inode: 1,
  inodeReference: 12,
  folderEntry: 84,
  root: 132,
  treeBlock: 169,
  treeBlockReference: 176,
  blockGroup: 192,
  deviceExtent: 204,
  device: 216,
  chunk: 228,
}
const objects = { deviceItems: 1n, extentTree: 2, chunkTree: 3, rootTreeFolder: 6n, firstChunk: 256n, rootFolder: 256n }
const chunkKinds = { data: 1, system: 2, metadata: 4 }
const folderMode = 0o040755
const folderKind = 2
const deviceId = 1
/** Tells the kernel that the inode in a root item was set up (BTRFS_INODE_ROOT_ITEM_INIT). */
const rootInodeReady = 0x8000_0000
const none = 2n ** 64n - 1n

export function key({ object, type, offset }: BtrfsKey): Uint8Array {
  return new Structure(17).u64(0, object).u8(8, type).u64(9, offset).bytes
}

/** struct btrfs_dev_item */
export function deviceContent(of: { totalBytes: number; usedBytes: number; uuid: Uint8Array; fsid: Uint8Array }): Uint8Array {
  const item = new Structure(98).u64(0, deviceId).u64(8, of.totalBytes).u64(16, of.usedBytes)
  return item.u32(24, 4096).u32(28, 4096).u32(32, 4096).put(66, of.uuid).put(82, of.fsid).bytes
}

/** struct btrfs_chunk with one btrfs_stripe */
export function chunkContent({ start, length, kind }: Chunk, device: Uint8Array): Uint8Array {
  const item = new Structure(80).u64(0, length).u64(8, objects.extentTree).u64(16, 65_536).u64(24, chunkKinds[kind])
  item.u32(32, 65_536).u32(36, 65_536).u32(40, 4096).u16(44, 1).u16(46, 1)
  return item.u64(48, deviceId).u64(56, start).put(64, device).bytes
}

/** struct btrfs_inode_item of a folder */
function folderInode(seconds: number, generation: number): Structure {
  const inode = new Structure(160).u64(0, generation).u64(24, 16_384).u32(40, 1).u32(52, folderMode)
  for (const time of [112, 124, 136, 148]) inode.u64(time, seconds)
  return inode
}

/** struct btrfs_inode_ref */
function reference(name: string): Uint8Array {
  return new Structure(10 + name.length).u16(8, name.length).text(10, name.length, name).bytes
}

const item = (object: bigint, type: number, offset: bigint | number, content: Uint8Array): BtrfsItem => ({
  key: { object, type, offset: BigInt(offset) },
  content,
})

const defaultName = 'default'

export const btrfsItems = {
  device: (content: Uint8Array): BtrfsItem => item(objects.deviceItems, types.device, deviceId, content),
  chunk: (chunk: Chunk, device: Uint8Array): BtrfsItem =>
    item(objects.firstChunk, types.chunk, chunk.start, chunkContent(chunk, device)),
  /** struct btrfs_dev_extent */
  deviceExtent({ start, length }: Chunk, chunkTree: Uint8Array): BtrfsItem {
    const content = new Structure(48).u64(0, objects.chunkTree).u64(8, objects.firstChunk).u64(16, start).u64(24, length)
    return item(BigInt(deviceId), types.deviceExtent, start, content.put(32, chunkTree).bytes)
  },
  /** struct btrfs_block_group_item */
  blockGroup({ start, length, kind }: Chunk, usedBytes: number): BtrfsItem {
    const content = new Structure(24).u64(0, usedBytes).u64(8, objects.firstChunk).u64(16, chunkKinds[kind])
    return item(BigInt(start), types.blockGroup, length, content.bytes)
  },
  /** struct btrfs_extent_item with an inline reference: a block of a tree, whose level is the key's offset. */
  treeBlock(place: number, tree: bigint, generation: number): BtrfsItem {
    const content = new Structure(33).u64(0, 1).u64(8, generation).u64(16, 2).u8(24, types.treeBlockReference).u64(25, tree)
    return item(BigInt(place), types.treeBlock, 0, content.bytes)
  },
  /** struct btrfs_root_item. Trees of files have a folder to begin with and a UUID. */
  root(tree: bigint, of: { place: number; folder: number; generation: number; nodeBytes: number; seconds: number }): BtrfsItem {
    const inode = new Structure(160)
      .u64(0, 1)
      .u64(16, 3)
      .u64(24, of.nodeBytes)
      .u32(40, 1)
      .u32(52, folderMode)
      .u64(64, rootInodeReady)
    const content = new Structure(439).put(0, inode.bytes).u64(160, of.generation).u64(168, of.folder).u64(176, of.place)
    content.u64(192, of.nodeBytes).u32(216, 1).u64(239, of.generation)
    if (of.folder !== 0) content.put(247, randomBytes(16)).u64(327, of.seconds).u64(339, of.seconds)
    return item(tree, types.root, 0, content.bytes)
  },
  /** The tree of trees names the one that is mounted, by a folder of its own. */
  defaultReference: (tree: bigint): BtrfsItem => item(tree, types.inodeReference, objects.rootTreeFolder, reference(defaultName)),
  treeFolder(tree: bigint, seconds: number, generation: number): BtrfsItem[] {
    const folder = objects.rootTreeFolder
    const name = Buffer.from(defaultName, 'latin1')
    const entry = new Structure(30 + name.length).put(0, key({ object: tree, type: types.root, offset: none }))
    entry.u16(27, name.length).u8(29, folderKind).put(30, name)
    return [
      item(folder, types.inode, 0, folderInode(seconds, generation).bytes),
      item(folder, types.inodeReference, folder, reference('..')),
      // btrfs_name_hash: crc32c begun with ~1.
      item(folder, types.folderEntry, crc32c(0xfffffffe, name), entry.bytes),
    ]
  },
  rootFolder: (seconds: number, generation: number): BtrfsItem[] => [
    item(objects.rootFolder, types.inode, 0, folderInode(seconds, generation).bytes),
    item(objects.rootFolder, types.inodeReference, objects.rootFolder, reference('..')),
  ],
}
