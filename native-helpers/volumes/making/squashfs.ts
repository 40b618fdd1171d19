import { deflateSync } from 'node:zlib'
import { entryTree, isFile, modeOf, type NewNode, walkNodes } from './entry-tree.ts'
import { contentLength, contentParts, isZeros, type NewEntry, type NewFile, type WritableDevice } from './new-entry.ts'
import { type MetadataPlace, MetadataTable } from './squashfs-metadata.ts'
import { Structure } from './structure.ts'

export interface NewSquashfs {
  entries: readonly NewEntry[]
  blockBytes?: number
  /** When the image was made, and of entries without a time of their own. */
  madeSeconds?: number
}

/** fs/squashfs/squashfs_fs.h */
const superBytes = 96
const magic = 0x73717368
const compressorGzip = 1
const flags = { noFragments: 0x10, noXattrs: 0x200 }
const plainBlock = 1 << 24
const none32 = 0xffff_ffff
const none64 = 0xffff_ffff_ffff_ffffn
const types = { folder: 1, file: 2, link: 3, largeFolder: 8, largeFile: 9 }
const mostEntriesOfHeader = 256
const padBytes = 4096
const idsPerBlock = 2048

interface Stored {
  start: number
  /** Of each block, packed; 0 for one of zeros. */
  lengths: number[]
}

interface Numbered {
  number: number
  place: MetadataPlace
  type: number
}

/**
 * Packs entries into a squashfs 4.0 image by gzip, on a device from its start. Simple and not the smallest: no fragments, no xattrs, equal files are kept
 * twice. Blocks of zeros take no room. Answers the bytes used; the image ends at the next multiple of 4096.
 */
export function makeSquashfs(device: WritableDevice, options: NewSquashfs): number {
  const { entries, blockBytes = 131_072, madeSeconds = Math.floor(Date.now() / 1000) } = options
  const root = entryTree(entries)
  const nodes = Array.from(walkNodes(root))
  const numbers = new Map(nodes.map(({ node }, index) => [node, index + 1]))
  const stored = new Map<NewNode, Stored>()
  let end = superBytes
  for (const { node } of nodes) {
    if (!isFile(node.entry)) continue
    const { file, bytes } = writeBlocks(device, node.entry, end, blockBytes)
    stored.set(node, file)
    end += bytes
  }
  const inodes = new MetadataTable()
  const folders = new MetadataTable()
  const ids: number[] = []
  const idOf = (id: number): number => {
    if (!ids.includes(id)) ids.push(id)
    return ids.indexOf(id)
  }
  const head = (node: NewNode, type: number, length: number): Structure => {
    const { entry } = node
    const record = new Structure(length).u16(0, type).u16(2, modeOf(entry))
    record.u16(4, idOf(entry.ownerId ?? 0)).u16(6, idOf(entry.groupId ?? 0))
    return record.u32(8, entry.modifiedSeconds ?? madeSeconds).u32(12, numbers.get(node) ?? 0)
  }
  const put = (bytes: Uint8Array, number: number, type: number): Numbered => {
    const { place } = inodes
    inodes.add(bytes)
    return { number, place, type }
  }

  /** Inodes of a folder's entries lie before its list, and its list before its own inode. */
  const write = (node: NewNode, parent: NewNode): Numbered => {
    const number = numbers.get(node) ?? 0
    const { entry } = node
    if (entry.kind === 'file') {
      const { start, lengths } = stored.get(node) ?? { start: 0, lengths: [] }
      return put(fileInode(head, node, entry, start, lengths), number, types.file)
    }
    if (entry.kind === 'link') {
      const target = Buffer.from(entry.target)
      const record = head(node, types.link, 24 + target.length)
        .u32(16, 1)
        .u32(20, target.length)
        .put(24, target)
      return put(record.bytes, number, types.link)
    }
    const children = node.children.map((child) => ({ name: child.name, at: write(child, node) }))
    const { place } = folders
    const list = folderList(children)
    folders.add(list)
    const links = 2 + node.children.filter((child) => child.entry.kind === 'folder').length
    const above = parent === node ? nodes.length + 1 : (numbers.get(parent) ?? 0)
    return put(folderInode(head, node, { place, listBytes: list.length + 3, links, above }), number, types.folder)
  }
  const rootAt = write(root, root)

  const append = (bytes: Uint8Array): number => {
    const start = end
    device.writeSync(bytes, start)
    end += bytes.length
    return start
  }
  const inodeTable = append(inodes.finish())
  const folderTable = append(folders.finish())
  const idTable = appendIds(ids, append)
  const superblock = new Structure(superBytes).u32(0, magic).u32(4, nodes.length).u32(8, madeSeconds).u32(12, blockBytes)
  superblock
    .u16(20, compressorGzip)
    .u16(22, Math.log2(blockBytes))
    .u16(24, flags.noFragments | flags.noXattrs)
    .u16(26, ids.length)
  superblock
    .u16(28, 4)
    .u64(32, rootAt.place.block * 65536 + rootAt.place.offset)
    .u64(40, end)
    .u64(48, idTable)
    .u64(56, none64)
  superblock.u64(64, inodeTable).u64(72, folderTable).u64(80, none64).u64(88, none64)
  device.writeSync(superblock.bytes, 0)
  const padding = (padBytes - (end % padBytes)) % padBytes
  if (padding > 0) device.writeSync(new Uint8Array(padding), end)
  return end
}

type Head = (node: NewNode, type: number, length: number) => Structure

function fileInode(head: Head, node: NewNode, entry: NewFile, start: number, lengths: readonly number[]): Uint8Array {
  const size = contentLength(entry)
  const large = size > none32 || start > none32
  const blocksAt = large ? 56 : 32
  const record = head(node, large ? types.largeFile : types.file, blocksAt + lengths.length * 4)
  if (large) record.u64(16, start).u64(24, size).u64(32, 0).u32(40, 1).u32(44, none32).u32(48, 0).u32(52, none32)
  else record.u32(16, start).u32(20, none32).u32(24, 0).u32(28, size)
  for (const [index, length] of lengths.entries()) record.u32(blocksAt + index * 4, length)
  return record.bytes
}

interface FolderFacts {
  place: MetadataPlace
  /** Three more than what is stored, for the two dots that are not. */
  listBytes: number
  links: number
  above: number
}

function folderInode(head: Head, node: NewNode, { place, listBytes, links, above }: FolderFacts): Uint8Array {
  if (listBytes <= 0xffff) {
    const record = head(node, types.folder, 32).u32(16, place.block).u32(20, links).u16(24, listBytes)
    return record.u16(26, place.offset).u32(28, above).bytes
  }
  const record = head(node, types.largeFolder, 40).u32(16, links).u32(20, listBytes).u32(24, place.block).u32(28, above)
  return record.u16(32, 0).u16(34, place.offset).u32(36, none32).bytes
}

/** Entries whose inodes lie in the same block, and whose numbers are near, share a header. */
function folderList(children: readonly { name: string; at: Numbered }[]): Uint8Array {
  const parts: Uint8Array[] = []
  for (let first = 0; first < children.length; ) {
    const base = children[first]?.at
    let end = first
    const belongs = (at: Numbered | undefined) =>
      base &&
      at &&
      at.place.block === base.place.block &&
      Math.abs(at.number - base.number) < 0x7fff &&
      end - first < mostEntriesOfHeader
    while (belongs(children[end]?.at)) end += 1
    parts.push(
      new Structure(12)
        .u32(0, end - first - 1)
        .u32(4, base?.place.block ?? 0)
        .u32(8, base?.number ?? 0).bytes,
    )
    for (const { name, at } of children.slice(first, end)) {
      const bytes = Buffer.from(name)
      const delta = (at.number - (base?.number ?? 0)) & 0xffff
      const entry = new Structure(8 + bytes.length)
        .u16(0, at.place.offset)
        .u16(2, delta)
        .u16(4, at.type)
        .u16(6, bytes.length - 1)
      parts.push(entry.put(8, bytes).bytes)
    }
    first = end
  }
  return Buffer.concat(parts)
}

function writeBlocks(device: WritableDevice, entry: NewFile, start: number, blockBytes: number): { file: Stored; bytes: number } {
  const lengths: number[] = []
  let written = 0
  for (const { bytes } of contentParts(entry, blockBytes)) {
    if (isZeros(bytes)) {
      lengths.push(0)
      continue
    }
    const packed = deflateSync(bytes)
    const smaller = packed.length < bytes.length
    const content = smaller ? packed : bytes
    device.writeSync(content, start + written)
    lengths.push(content.length | (smaller ? 0 : plainBlock))
    written += content.length
  }
  return { file: { start: written === 0 ? 0 : start, lengths }, bytes: written }
}

/** The blocks of the table, and then where each of them begins. */
function appendIds(ids: readonly number[], append: (bytes: Uint8Array) => number): number {
  const starts: number[] = []
  for (let first = 0; first < ids.length; first += idsPerBlock) {
    const block = ids.slice(first, first + idsPerBlock)
    const record = new Structure(block.length * 4)
    for (const [index, id] of block.entries()) record.u32(index * 4, id)
    const table = new MetadataTable()
    table.add(record.bytes)
    starts.push(append(table.finish()))
  }
  const pointers = new Structure(starts.length * 8)
  for (const [index, start] of starts.entries()) pointers.u64(index * 8, start)
  return append(pointers.bytes)
}
