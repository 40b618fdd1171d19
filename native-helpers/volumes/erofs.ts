import type { BlockDevice } from '../block/device.ts'
import { type Extent, extentsDevice } from '../block/extents.ts'
import { LivecardError } from '../errors.ts'
import { erofsCompressedFile, erofsExtents } from './erofs-file.ts'
import { ErofsIndex } from './erofs-index.ts'
import { type ErofsInode, extendedBytes, inodeSlotBytes, parseErofsInode } from './erofs-inode.ts'
import { type ErofsFacts, erofsIncompat, readErofsFacts } from './erofs-superblock.ts'
import { readFields, u16, u64 } from './fields.ts'
import { pieceOf, pieceUpTo } from './piece.ts'
import { type Parsed, type Problem, parsed, unusable } from './problem.ts'
import type { TreeNode, VolumeTree } from './tree.ts'

/** struct erofs_dirent, fs/erofs/erofs_fs.h: names follow behind all entries of a block. */
const entryFields = { node: u64(0), nameOffset: u16(8) }
const entryBytes = 12
const maxDirectoryBytes = 64 * 1024 * 1024
const maxLinkBytes = 65536
const pageBytes = 4096
const maxPages = 256

export interface ErofsTree extends VolumeTree {
  facts: ErofsFacts
}

interface Volume {
  device: BlockDevice
  facts: ErofsFacts
  /** Metadata by the page. */
  read(offset: number, length: number): DataView | null
  /** The file that holds the ends of others; null where there is none, or where it cannot be read. */
  packed(): BlockDevice | null
}

export function openErofs(device: BlockDevice): Parsed<ErofsTree> {
  const { value: facts, problem } = readErofsFacts(device)
  if (!facts) return { value: null, problem }
  const unknown = facts.problems.find(({ code }) => code === 'erofs-features')
  if (unknown) return { value: null, problem: unknown }
  let packed: { file: BlockDevice | null } | null = null
  const volume: Volume = {
    device,
    facts,
    read: pagedReader(device),
    packed() {
      packed ??= { file: packedFile(volume) }
      return packed.file
    },
  }
  const root = inodeOf(volume, facts.rootNode)
  if (root?.kind !== 'directory') return unusable('erofs-root', 'its root is no directory')
  return parsed({ root: node(volume, '', facts.rootNode, root), foldsCase: false, facts })
}

/** It has no ends in itself. */
function packedFile(volume: Volume): BlockDevice | null {
  const inode = volume.facts.packedNode === null ? null : inodeOf(volume, volume.facts.packedNode)
  return inode?.kind === 'file' ? contentOf({ ...volume, packed: () => null }, inode).value : null
}

function pagedReader(device: BlockDevice): Volume['read'] {
  const pages = new Map<number, Uint8Array>()
  return (offset, length) => {
    const index = Math.floor(offset / pageBytes)
    const within = offset - index * pageBytes
    if (within + length > pageBytes) {
      const bytes = pieceOf(device, offset, length)
      return bytes && new DataView(bytes.buffer)
    }
    const page = pages.get(index) ?? pieceUpTo(device, index * pageBytes, pageBytes)
    if (!page || within + length > page.length) return null
    if (!pages.has(index)) {
      if (pages.size >= maxPages) pages.delete(pages.keys().next().value ?? 0)
      pages.set(index, page)
    }
    return new DataView(page.buffer, within, length)
  }
}

function inodeOf(volume: Volume, number: number): ErofsInode | null {
  const offset = volume.facts.metaStart + number * inodeSlotBytes
  if (!Number.isSafeInteger(offset)) return null
  const view = volume.read(offset, extendedBytes) ?? volume.read(offset, inodeSlotBytes)
  return view && parseErofsInode(new Uint8Array(view.buffer, view.byteOffset, view.byteLength), offset)
}

function node(volume: Volume, name: string, number: number, inode: ErofsInode): TreeNode {
  const { kind, sizeBytes } = inode
  return {
    name,
    kind,
    sizeBytes: kind === 'file' || kind === 'directory' ? sizeBytes : 0,
    mode: inode.mode,
    ownerId: inode.ownerId,
    groupId: inode.groupId,
    modifiedSeconds: inode.modifiedSeconds ?? volume.facts.buildSeconds,
    target: kind === 'symlink' ? linkText(volume, inode) : null,
    id: number,
    list: () => (kind === 'directory' ? listDirectory(volume, inode) : { entries: [], problem: null }),
    extents: (): Parsed<Extent[]> =>
      kind === 'file'
        ? erofsExtents(volume.device, inode, volume.facts.blockBytes)
        : unusable('erofs-no-file', `"${name}" is no file`),
    open: () => (kind === 'file' ? contentOf(volume, inode) : unusable('erofs-no-file', `"${name}" is no file`)),
  }
}

function contentOf({ device, facts, read, packed }: Volume, inode: ErofsInode): Parsed<BlockDevice> {
  const { sizeBytes } = inode
  if (inode.layout === 'compressed-full' || inode.layout === 'compressed-compact') {
    const index = ErofsIndex.open(inode, facts.blockBytes, read)
    const zeroPadding = (facts.incompat & erofsIncompat.zeroPadding) !== 0
    if (!index) return unusable('erofs-index', 'a compressed file is damaged, or compressed in a way that is not known here')
    return parsed(erofsCompressedFile(device, index, { sizeBytes, blockBytes: facts.blockBytes, zeroPadding, packed }))
  }
  const { value, problem } = erofsExtents(device, inode, facts.blockBytes)
  return value ? parsed(extentsDevice(device, value)) : { value: null, problem }
}

function wholeContent(volume: Volume, inode: ErofsInode, maxBytes: number): Uint8Array | null {
  const { value: content } = inode.sizeBytes <= maxBytes ? contentOf(volume, inode) : { value: null }
  if (!content) return null
  const bytes = new Uint8Array(content.size)
  try {
    content.readSync(bytes, 0)
  } catch (thrown) {
    if (thrown instanceof LivecardError && thrown.code === 'erofs-damaged') return null
    throw thrown
  }
  return bytes
}

function linkText(volume: Volume, inode: ErofsInode): string | null {
  const bytes = wholeContent(volume, inode, maxLinkBytes)
  return bytes && Buffer.from(bytes).toString('utf8')
}

function listDirectory(volume: Volume, inode: ErofsInode): { entries: TreeNode[]; problem: Problem | null } {
  const bytes = wholeContent(volume, inode, maxDirectoryBytes)
  const damaged: Problem = { code: 'erofs-directory', detail: 'the directory is damaged' }
  if (!bytes) return { entries: [], problem: damaged }
  const entries: TreeNode[] = []
  for (let at = 0; at < bytes.length; at += volume.facts.blockBytes) {
    const block = bytes.subarray(at, at + volume.facts.blockBytes)
    const namesStart = readFields(entryFields, block).nameOffset
    if (namesStart < entryBytes || namesStart % entryBytes !== 0 || namesStart > block.length) return { entries, problem: damaged }
    for (let offset = 0; offset < namesStart; offset += entryBytes) {
      const { node: number, nameOffset } = readFields(entryFields, block.subarray(offset))
      const isLast = offset + entryBytes === namesStart
      const end = isLast ? block.length : readFields(entryFields, block.subarray(offset + entryBytes)).nameOffset
      if (nameOffset < namesStart || end < nameOffset || end > block.length) return { entries, problem: damaged }
      const stored = block.subarray(nameOffset, end)
      const zero = isLast ? stored.indexOf(0) : -1
      const name = Buffer.from(zero < 0 ? stored : stored.subarray(0, zero)).toString('utf8')
      if (name === '.' || name === '..') continue
      const child = inodeOf(volume, number)
      if (!child || name === '' || name.includes('/')) return { entries, problem: damaged }
      entries.push(node(volume, name, number, child))
    }
  }
  return { entries, problem: null }
}
