import type { BlockDevice } from '../block/device.ts'
import {
  descriptorBlock,
  descriptorsPerBlock,
  type ExtGroup,
  groupFirstBlock,
  groupHasSuperblock,
  parseExtGroup,
} from './ext-groups.ts'
import { type ExtInode, mapBytes, mapOffset, parseExtInode } from './ext-inode.ts'
import { type ExtSuperblock, extCompat, extIncompat, extSuperblockOffset } from './ext-superblock.ts'
import { pieceUpTo } from './piece.ts'
import { type Parsed, type Problem, parsed, unusable } from './problem.ts'
import { Lru } from './squashfs/lru.ts'

export const extRootInode = 2

const cacheBytes = 4 * 1024 * 1024
const minPageBytes = 4096
const pagesAhead = 8
const keptInodes = 4096
const maxProblems = 100

/** What everything that reads an ext volume stands on: its blocks, a few of them kept, and its inodes. */
export class ExtVolume {
  readonly device: BlockDevice
  readonly sb: ExtSuperblock
  /** What was found so far that is wrong with the volume as a whole. */
  readonly problems: Problem[]
  readonly #pageBytes: number
  readonly #pages = new Lru<Uint8Array>(cacheBytes)
  #followingPage = -1
  /** Each in the place that its number leads to, until another one comes there. */
  readonly #inodes: ({ number: number; inode: Parsed<ExtInode> } | undefined)[] = new Array(keptInodes)
  readonly #groups = new Map<number, ExtGroup | null>()
  /** The group of the superblock that is read by; its descriptors are asked first then. */
  readonly #copyGroup: number

  constructor(device: BlockDevice, sb: ExtSuperblock, copyGroup: number, problems: Problem[]) {
    this.device = device
    this.sb = sb
    this.problems = problems
    this.#pageBytes = Math.max(minPageBytes, sb.blockBytes)
    this.#copyGroup = copyGroup
  }

  /** Bytes through the cache, only to be read; null where they leave the device. Nothing asked for is larger than a block. */
  bytes(offset: number, length: number): Uint8Array | null {
    if (!Number.isSafeInteger(offset) || offset < 0 || offset + length > this.device.size) return null
    const index = Math.floor(offset / this.#pageBytes)
    const within = offset - index * this.#pageBytes
    const page = this.#page(index)
    if (!page) return null
    if (within + length <= page.length) return page.subarray(within, within + length)
    const rest = this.bytes((index + 1) * this.#pageBytes, within + length - this.#pageBytes)
    return rest && new Uint8Array(Buffer.concat([page.subarray(within), rest]))
  }

  #page(index: number): Uint8Array | null {
    const kept = this.#pages.get(index)
    if (kept) return kept
    // Whoever goes from one page to the next goes on.
    const count = index === this.#followingPage ? pagesAhead : 1
    const pages = pieceUpTo(this.device, index * this.#pageBytes, count * this.#pageBytes)
    if (!pages) return null
    this.#followingPage = index + count
    for (let at = pages.length - 1 - ((pages.length - 1) % this.#pageBytes); at >= 0; at -= this.#pageBytes) {
      const page = pages.subarray(at, at + this.#pageBytes)
      this.#pages.set(index + at / this.#pageBytes, page, page.length)
    }
    return pages.subarray(0, this.#pageBytes)
  }

  block(number: number): Uint8Array | null {
    return this.holdsBlocks(number, 1) ? this.bytes(number * this.sb.blockBytes, this.sb.blockBytes) : null
  }

  /** Whether a run of blocks lies in the volume, and in what there is of it. */
  holdsBlocks(first: number, count: number): boolean {
    const { firstDataBlock, blocksCount, blockBytes } = this.sb
    return first >= firstDataBlock && first + count <= blocksCount && (first + count) * blockBytes <= this.device.size
  }

  /** A file of the tree; with `reserved` also what the filesystem keeps for itself, as its journal. */
  inode(number: number, reserved = false): Parsed<ExtInode> {
    const kept = this.#inodes[number % keptInodes]
    if (kept?.number === number) return kept.inode
    const { sb } = this
    const isOfTree = number === extRootInode || number >= sb.firstInode
    if (number < 1 || number > sb.inodesCount || !(isOfTree || reserved))
      return unusable('ext-inode', `an entry leads to inode ${number}, which is none of a file`)
    const inode = this.#readInode(number)
    if (isOfTree) this.#inodes[number % keptInodes] = { number, inode }
    return inode
  }

  #readInode(number: number): Parsed<ExtInode> {
    const { sb } = this
    const index = Math.floor((number - 1) / sb.inodesPerGroup)
    const group = index < sb.groupCount ? this.#group(index) : null
    if (!group) return unusable('ext-group', `where inode ${number} lies is not known, because its group's descriptor is damaged`)
    const offset = group.inodeTable * sb.blockBytes + ((number - 1) % sb.inodesPerGroup) * sb.inodeBytes
    const bytes = this.bytes(offset, sb.inodeBytes)
    if (!bytes) return unusable('ext-outside', `inode ${number} lies behind the end of the device`)
    const inode = parseExtInode(sb, number, offset, bytes)
    return inode ? parsed(inode) : unusable('ext-inode', `inode ${number} is empty or damaged`)
  }

  /** i_block, only to be read. */
  map({ offset }: ExtInode): Uint8Array {
    return this.bytes(offset + mapOffset, mapBytes) ?? new Uint8Array(mapBytes)
  }

  #group(index: number): ExtGroup | null {
    const known = this.#groups.get(index)
    if (known !== undefined) return known
    const group = this.#copyGroup === 0 ? (this.#descriptor(index, 0) ?? this.#fromCopies(index)) : this.#fromCopies(index)
    this.#groups.set(index, group)
    return group
  }

  /** Where the inodes of a group lie never changes, so that an old copy is as good. */
  #fromCopies(index: number): ExtGroup | null {
    for (const copy of new Set([this.#copyGroup, ...backupGroups(this.sb), 0])) {
      const group = this.#descriptor(index, copy)
      if (!group) continue
      if (copy !== this.#copyGroup) this.note('ext-group', `the descriptor of group ${index} is damaged; a copy of it is read`)
      return group
    }
    return null
  }

  #descriptor(index: number, copy: number): ExtGroup | null {
    const { sb } = this
    const bytes = this.block(descriptorCopy(sb, Math.floor(index / descriptorsPerBlock(sb)), copy))
    const offset = (index % descriptorsPerBlock(sb)) * sb.descriptorBytes
    const group = bytes && parseExtGroup(sb, index, bytes.subarray(offset, offset + sb.descriptorBytes))
    // Where there are no checksums zeros could stand for blocks; the superblock is there.
    return group && group.inodeTable * sb.blockBytes > extSuperblockOffset ? group : null
  }

  note(code: string, detail: string): void {
    if (this.problems.length < maxProblems && !this.problems.some((known) => known.detail === detail))
      this.problems.push({ code, detail })
  }
}

/**
 * Groups that have copies of the superblock and of the descriptors: with sparse_super the powers of 3, 5 and 7, else all, and the
 * last ones would do as well.
 */
function backupGroups(sb: ExtSuperblock): number[] {
  const groups = sb.compat & extCompat.sparseSuper2 ? sb.backupGroups : [1, 3, 5, 7, 9]
  return groups.filter((group) => group > 0 && group < sb.groupCount)
}

/**
 * Where a block of descriptors lies in another group. With meta_bg the copies are in the next group of those that it describes
 * (ext2fs_descriptor_block_loc2).
 */
function descriptorCopy(sb: ExtSuperblock, place: number, copy: number): number {
  if (copy === 0) return descriptorBlock(sb, place)
  if (!(sb.incompat & extIncompat.metaBg) || place < sb.firstMetaGroup) return groupFirstBlock(sb, copy) + 1 + place
  const beside = place * descriptorsPerBlock(sb) + 1
  return groupFirstBlock(sb, beside) + (groupHasSuperblock(sb, beside) ? 1 : 0)
}
