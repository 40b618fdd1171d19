import type { Extent } from '../block/extents.ts'
import { type ExtInode, extInodeFlags, mapBytes, mapOffset } from './ext-inode.ts'
import { findInodeXattr } from './ext-inode-xattrs.ts'
import type { ExtVolume } from './ext-tree-volume.ts'
import { readFields, readNumber, u16, u32 } from './fields.ts'
import type { Problem } from './problem.ts'

/** Where a file's bytes lie, from its start to its size or to what is damaged. */
export interface ExtMapping {
  extents: Extent[]
  problem: Problem | null
}

/** struct ext4_extent_header, ext4_extent and ext4_extent_idx, fs/ext4/ext4_extents.h */
const headerFields = { magic: u16(0), entries: u16(2), max: u16(4), depth: u16(6) }
const leafFields = { block: u32(0), length: u16(4), startHigh: u16(6), startLow: u32(8) }
const indexFields = { block: u32(0), childLow: u32(4), childHigh: u16(8) }
const extentMagic = 0xf30a
const entryBytes = 12
const maxDepth = 5
/** Above it, room that is kept but was not written: the length comes on top. */
const maxInitialised = 32768

const directBlocks = 12

/** What bounds the memory and the time for a map that leads a reader around. */
const maxRuns = 500_000
const maxMapBlocks = 150_000

class Damage extends Error {
  readonly problem: Problem
  constructor(problem: Problem) {
    super(problem.detail)
    this.problem = problem
  }
}

export function extMap(volume: ExtVolume, inode: ExtInode): ExtMapping {
  if (inode.flags & extInodeFlags.inlineData) return { extents: inlineExtents(volume, inode), problem: null }
  const runs = new Runs(volume, inode)
  try {
    if (inode.flags & extInodeFlags.extents) readExtents(runs, volume.map(inode), null)
    else readBlockMap(runs, volume.map(inode))
    runs.finish()
    return { extents: runs.extents, problem: null }
  } catch (thrown) {
    if (thrown instanceof Damage) return { extents: runs.extents, problem: thrown.problem }
    throw thrown
  }
}

/** The runs of blocks of one file, told in ascending order. */
class Runs {
  readonly extents: Extent[] = []
  readonly blockCount: number
  /** Everything before it has been told. */
  next = 0
  readonly #volume: ExtVolume
  readonly #inode: ExtInode
  readonly #mapBlocks = new Set<number>()

  constructor(volume: ExtVolume, inode: ExtInode) {
    this.#volume = volume
    this.#inode = inode
    this.blockCount = Math.ceil(inode.sizeBytes / volume.sb.blockBytes)
  }

  damaged(detail: string): Damage {
    return new Damage({ code: 'ext-map', detail: `the map of inode ${this.#inode.number} ${detail}` })
  }

  /** `start` null for what reads as zeros. What lies behind the file's end is left out. */
  add(block: number, start: number | null, count: number): void {
    if (block < this.next) throw this.damaged('runs back over itself')
    if (start !== null && !this.#volume.holdsBlocks(start, count)) throw this.damaged('leads out of the volume')
    const end = Math.min(block + count, this.blockCount)
    if (block >= end) return
    if (block > this.next) this.#append(null, block - this.next)
    this.#append(start, end - block)
  }

  #append(startBlock: number | null, count: number): void {
    const { blockBytes } = this.#volume.sb
    const lengthBytes = Math.min(count * blockBytes, this.#inode.sizeBytes - this.next * blockBytes)
    const start = startBlock === null ? null : startBlock * blockBytes
    const last = this.extents.at(-1)
    const joins = last && (start === null || last.start === null ? start === last.start : last.start + last.lengthBytes === start)
    if (last && joins) last.lengthBytes += lengthBytes
    else if (this.extents.length >= maxRuns) throw this.damaged('is in more pieces than are looked at')
    else this.extents.push({ start, lengthBytes })
    this.next += count
  }

  get numbersPerBlock(): number {
    return this.#volume.sb.blockBytes / 4
  }

  finish(): void {
    if (this.next < this.blockCount) this.#append(null, this.blockCount - this.next)
  }

  /** A block of the map itself, each only once. */
  mapBlock(number: number): Uint8Array {
    if (this.#mapBlocks.has(number)) throw this.damaged('leads back to itself')
    if (this.#mapBlocks.size >= maxMapBlocks) throw this.damaged('is larger than is looked at')
    this.#mapBlocks.add(number)
    const bytes = this.#volume.block(number)
    if (!bytes) throw this.damaged('leads out of the volume')
    return bytes
  }
}

function readExtents(runs: Runs, node: Uint8Array, expectedDepth: number | null): void {
  const view = new DataView(node.buffer, node.byteOffset, node.byteLength)
  const { magic, entries, max, depth } = readFields(headerFields, node)
  if (magic !== extentMagic || entries > max || (entries + 1) * entryBytes > node.length) throw runs.damaged('is damaged')
  if (depth > maxDepth || (expectedDepth !== null && depth !== expectedDepth)) throw runs.damaged('has an impossible depth')
  for (let index = 1; index <= entries; index += 1) {
    const at = index * entryBytes
    if (depth === 0) {
      const block = readNumber(view, leafFields.block, at)
      const length = readNumber(view, leafFields.length, at)
      const start = readNumber(view, leafFields.startLow, at) + readNumber(view, leafFields.startHigh, at) * 0x1_0000_0000
      const written = length <= maxInitialised
      const count = written ? length : length - maxInitialised
      if (count === 0) throw runs.damaged('has an empty run')
      runs.add(block, written ? start : null, count)
    } else {
      const block = readNumber(view, indexFields.block, at)
      const child = readNumber(view, indexFields.childLow, at) + readNumber(view, indexFields.childHigh, at) * 0x1_0000_0000
      if (block >= runs.blockCount) return
      if (block < runs.next) throw runs.damaged('runs back over itself')
      readExtents(runs, runs.mapBlock(child), depth - 1)
    }
  }
}

/** Twelve numbers of blocks, then blocks of numbers one, two and three levels deep (fs/ext4/indirect.c). 0 is a hole. */
function readBlockMap(runs: Runs, map: Uint8Array): void {
  const numbers = numbersOf(map)
  let block = 0
  for (let index = 0; index < directBlocks; index += 1, block += 1) addBlock(runs, block, numbers[index] ?? 0)
  for (const [level, number] of [...numbers.subarray(directBlocks)].entries()) block = readIndirect(runs, number, level + 1, block)
}

function readIndirect(runs: Runs, number: number, level: number, first: number): number {
  const perBlock = runs.numbersPerBlock
  const covered = perBlock ** level
  if (number === 0 || first >= runs.blockCount) return first + covered
  const numbers = numbersOf(runs.mapBlock(number))
  let block = first
  for (let index = 0; index < numbers.length && block < runs.blockCount; index += 1) {
    const below = numbers[index] ?? 0
    if (level > 1) block = readIndirect(runs, below, level - 1, block)
    else {
      addBlock(runs, block, below)
      block += 1
    }
  }
  return first + covered
}

function addBlock(runs: Runs, block: number, number: number): void {
  if (number !== 0) runs.add(block, number, 1)
}

function numbersOf(bytes: Uint8Array): Uint32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const numbers = new Uint32Array(bytes.length / 4)
  for (let index = 0; index < numbers.length; index += 1) numbers[index] = view.getUint32(index * 4, true)
  return numbers
}

/** The start in place of the map, the rest in the attribute system.data (fs/ext4/inline.c). */
function inlineExtents(volume: ExtVolume, inode: ExtInode): Extent[] {
  const { sizeBytes, offset } = inode
  const extents: Extent[] = []
  const add = (start: number | null, lengthBytes: number) => {
    if (lengthBytes > 0) extents.push({ start, lengthBytes })
  }
  const head = Math.min(mapBytes, sizeBytes)
  add(offset + mapOffset, head)
  const rest = findInodeXattr(volume, inode, 'system.data')
  const tail = Math.min(rest?.lengthBytes ?? 0, sizeBytes - head)
  add(rest && offset + rest.start, tail)
  add(null, sizeBytes - head - tail)
  return extents
}
