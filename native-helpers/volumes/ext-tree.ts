import type { BlockDevice } from '../block/device.ts'
import { type Extent, extentsDevice } from '../block/extents.ts'
import { decodeName, encodeName } from '../wasm/names.ts'
import { type ExtFacts, extFactsBy } from './ext-facts.ts'
import { type ExtInode, extInodeFlags, mapBytes } from './ext-inode.ts'
import { allBits, extIncompat } from './ext-superblock.ts'
import { readDirectory } from './ext-tree-directory.ts'
import { extMap } from './ext-tree-map.ts'
import { findExtSuperblock } from './ext-tree-superblock.ts'
import { ExtVolume, extRootInode } from './ext-tree-volume.ts'
import { extXattrs } from './ext-xattrs.ts'
import { type Parsed, type Problem, parsed, unusable } from './problem.ts'
import type { DeviceNumber, NodeKind, NodeTimes, TreeNode, VolumeTree } from './tree.ts'

export interface ExtOpened {
  tree: VolumeTree
  facts: ExtFacts
  /** The files as the filesystem numbers them; also those that no directory names, as its journal. */
  volume: ExtVolume
  /** What is wrong with the volume as a whole; grows while it is read. */
  problems: Problem[]
}

/**
 * The files of an ext2, ext3 or ext4 volume as they lie there: what waits in a journal is not seen (see `replayedInMemory`).
 * Nothing is read before it is asked for but the superblock and the group descriptors.
 */
export function openExt(device: BlockDevice): Parsed<ExtOpened> {
  const { value: found, problem } = findExtSuperblock(device)
  if (!found) return { value: null, problem }
  const { sb } = found
  if (sb.incompat & ~allBits(extIncompat)) return unusable('ext-features', 'it has features that are not known here')
  const facts = extFactsBy(device, sb, found.bytes)
  const problems = [...(found.problem ? [found.problem] : []), ...facts.problems]
  const volume = new ExtVolume(device, sb, found.group, problems)
  const { value: root, problem: unread } = volume.inode(extRootInode)
  if (!root) return { value: null, problem: unread }
  if (root.kind !== 'directory') return unusable('ext-root', 'its root is no directory')
  return parsed({ tree: { root: new ExtNode(volume, extRootInode, '', 0), foldsCase: false }, facts, volume, problems })
}

/** EXT4_FT_*, fs/ext4/ext4.h */
const kindsOfEntries: (NodeKind | null)[] = [
  null,
  'file',
  'directory',
  'character-device',
  'block-device',
  'fifo',
  'socket',
  'symlink',
]
const maxTargetBytes = 4096

/**
 * A name in a directory. Its inode is read when the first thing of it is asked for, and again when it was pushed out of the cache:
 * a list of many names stays small.
 */
export class ExtNode implements TreeNode {
  readonly name: string
  readonly id: number
  readonly #volume: ExtVolume
  readonly #entryType: number

  constructor(volume: ExtVolume, inode: number, name: string, entryType: number) {
    this.#volume = volume
    this.#entryType = entryType
    this.name = name
    this.id = inode
  }

  /** All that is known of it. */
  inode(): Parsed<ExtInode> {
    return this.#volume.inode(this.id)
  }

  /** By the inode; where it cannot be read, what the directory says. */
  get kind(): NodeKind {
    return this.inode().value?.kind ?? kindsOfEntries[this.#entryType] ?? 'file'
  }

  get sizeBytes(): number {
    const { value: inode } = this.inode()
    return inode && (inode.kind === 'file' || inode.kind === 'directory') ? inode.sizeBytes : 0
  }

  get mode(): number | null {
    return this.inode().value?.permissions ?? null
  }

  get ownerId(): number | null {
    return this.inode().value?.ownerId ?? null
  }

  get groupId(): number | null {
    return this.inode().value?.groupId ?? null
  }

  get modifiedSeconds(): number | null {
    return this.inode().value?.modified.seconds ?? null
  }

  get modifiedNanoseconds(): number {
    return this.inode().value?.modified.nanoseconds ?? 0
  }

  get links(): number {
    return this.inode().value?.links ?? 1
  }

  get rdev(): DeviceNumber | null {
    return this.inode().value?.rdev ?? null
  }

  get target(): string | null {
    const { value: inode } = this.inode()
    return inode?.kind === 'symlink' ? linkTarget(this.#volume, inode) : null
  }

  list(): { entries: TreeNode[]; problem: Problem | null } {
    const { value: inode, problem: unread } = this.inode()
    if (!inode) return { entries: [], problem: unread }
    if (inode.kind !== 'directory') return { entries: [], problem: null }
    const entries: TreeNode[] = []
    const problem = readDirectory(this.#volume, inode, (entry) => {
      entries.push(new ExtNode(this.#volume, entry.inode, decodeName(entry.name), entry.type))
      return false
    })
    // In a large directory names are in the order of their hashes, and the inodes would be read all over the table.
    entries.sort((a, b) => a.id - b.id)
    return { entries, problem }
  }

  child(name: string): TreeNode | null {
    const { value: inode } = this.inode()
    if (inode?.kind !== 'directory') return null
    const wanted = encodeName(name)
    let found: TreeNode | null = null
    readDirectory(this.#volume, inode, (entry) => {
      if (entry.name.length !== wanted.length || Buffer.compare(entry.name, wanted) !== 0) return false
      found = new ExtNode(this.#volume, entry.inode, name, entry.type)
      return true
    })
    return found
  }

  extents(): Parsed<Extent[]> {
    const { value: mapped, problem } = this.#mapped()
    if (!mapped) return { value: null, problem }
    if (mapped.isInline) return unusable('ext-inline', `"${this.name}" is so small that it lies in its inode`)
    return parsed(mapped.extents)
  }

  open(): Parsed<BlockDevice> {
    const { value: mapped, problem } = this.#mapped()
    if (!mapped) return { value: null, problem }
    const { device } = this.#volume
    // What is written into an inode makes its checksum wrong.
    return parsed(extentsDevice(mapped.isInline ? forReading(device) : device, mapped.extents))
  }

  #mapped(): Parsed<{ extents: Extent[]; isInline: boolean }> {
    const { value: inode, problem: unread } = this.inode()
    if (!inode) return { value: null, problem: unread }
    if (inode.kind !== 'file') return unusable('ext-no-file', `"${this.name}" is no file`)
    if (inode.flags & extInodeFlags.encrypted) return unusable('ext-encrypted', `"${this.name}" is encrypted`)
    const { extents, problem } = extMap(this.#volume, inode)
    if (problem) return { value: null, problem }
    return parsed({ extents, isInline: (inode.flags & extInodeFlags.inlineData) !== 0 })
  }

  times(): NodeTimes | null {
    return this.inode().value
  }

  xattrs(): Parsed<Map<string, Uint8Array>> {
    const { value: inode, problem } = this.inode()
    return inode ? extXattrs(this.#volume, inode) : { value: null, problem }
  }
}

function forReading(device: BlockDevice): BlockDevice {
  return { size: device.size, sectorSize: device.sectorSize, readSync: (into, offset) => device.readSync(into, offset) }
}

/** A short one stands in place of the map. Null where it cannot be read. */
function linkTarget(volume: ExtVolume, inode: ExtInode): string | null {
  const { sizeBytes, flags } = inode
  if (flags & extInodeFlags.encrypted || sizeBytes === 0 || sizeBytes >= maxTargetBytes) return null
  const isShort = sizeBytes < mapBytes && !(flags & (extInodeFlags.extents | extInodeFlags.inlineData))
  if (isShort) return decodeName(volume.map(inode).subarray(0, sizeBytes))
  const { extents, problem } = extMap(volume, inode)
  if (problem) return null
  const bytes = new Uint8Array(sizeBytes)
  extentsDevice(volume.device, extents).readSync(bytes, 0)
  return decodeName(bytes)
}
