import {
  bitmapChecksumFits,
  descriptorBlock,
  descriptorBlocks,
  descriptorsPerBlock,
  type ExtGroup,
  groupBlocks,
  groupFirstBlock,
  groupHeadBlocks,
  inodeTableBlocks,
  parseExtGroup,
} from './ext-groups.ts'
import { allBits, type ExtSuperblock, extCompat, extIncompat, extRoCompat, extState } from './ext-superblock.ts'
import { MinHeap } from './min-heap.ts'
import type { Problem } from './problem.ts'
import type { FreeSink, Reading } from './reading.ts'

/** Four tebibytes of 4 KiB blocks: more than a card holds, and what keeps the memory for a lying superblock small. */
const maxGroups = 32768

/** Why the allocation maps of a volume are not to be relied on, or null. */
export function extAllocationProblem(sb: ExtSuperblock, volumeBytes: number): Problem | null {
  const because = (detail: string): Problem => ({ code: 'ext-not-mapped', detail })
  if (sb.incompat & extIncompat.recover) return because('its journal has not been replayed')
  if (sb.incompat & extIncompat.journalDevice || sb.externalJournal) return because('its journal is on another device')
  if (!(sb.state & extState.valid) || sb.state & extState.orphans) return because('it was not unmounted cleanly')
  if (sb.state & extState.error || sb.errorCount > 0) return because('it has recorded errors')
  const unknown = (word: number, table: Record<string, number>) => (word & ~allBits(table)) !== 0
  if (unknown(sb.compat, extCompat) || unknown(sb.incompat, extIncompat) || unknown(sb.roCompat, extRoCompat)) {
    return because('it has features that are not known here')
  }
  if (sb.blocksCount * sb.blockBytes > volumeBytes) return because('it is larger than its partition')
  if (sb.groupCount > maxGroups) return because('it has more groups than are looked at')
  return null
}

/** Clusters of a group. */
interface Run {
  start: number
  /** Exclusive. */
  end: number
}

/** A block of group descriptors, by its place among them, or the bitmap of a group. */
type Wanted = { descriptors: number; group: null } | { descriptors: null; group: ExtGroup }

/**
 * Reads the block bitmaps of a volume and tells what is free. The bitmap marks all metadata as used, so that what is told carries no byte
 * of the filesystem. A group whose bitmap cannot be had is not told of; the first thing that is wrong ends the reading with a problem.
 * Ask `extAllocationProblem` first.
 */
export function* readExtAllocation(sb: ExtSuperblock, free: FreeSink): Reading<Problem | null> {
  const damaged = (index: number, what: string): Problem => ({ code: 'ext-damaged', detail: `${what} of group ${index} is wrong` })
  const wanted = new MinHeap<Wanted>()
  /** Groups without a bitmap are believed only after the bitmap of the first group was right: the superblock may be an old one. */
  const waiting: ExtGroup[] = []
  let believed = false
  for (let index = 0; index < descriptorBlocks(sb); index += 1)
    wanted.push(descriptorBlock(sb, index), { descriptors: index, group: null })

  for (let next = wanted.pop(); next; next = wanted.pop()) {
    const block = next.group ? next.group.blockBitmap : descriptorBlock(sb, next.descriptors)
    const bytes = yield { start: block * sb.blockBytes, length: sb.blockBytes }
    if (!bytes) continue
    if (next.group) {
      const { group } = next
      if (!bitmapChecksumFits(sb, group, bytes)) return damaged(group.index, 'the checksum of the block bitmap')
      const clusters = Math.ceil(groupBlocks(sb, group.index) / sb.blocksPerCluster)
      if (!tellFree(sb, group, freeBits(bytes, clusters), free)) return damaged(group.index, 'the count of free blocks')
      believed ||= group.index === 0
      if (believed) for (const empty of waiting.splice(0)) tellFree(sb, empty, uninitialisedFreeClusters(sb, empty), free)
      continue
    }
    const first = next.descriptors * descriptorsPerBlock(sb)
    const last = Math.min(first + descriptorsPerBlock(sb), sb.groupCount)
    for (let index = first; index < last; index += 1) {
      const offset = (index - first) * sb.descriptorBytes
      const group = parseExtGroup(sb, index, bytes.subarray(offset, offset + sb.descriptorBytes))
      if (!group) return damaged(index, 'the descriptor')
      if (!group.bitmapUninitialised) wanted.push(group.blockBitmap, { descriptors: null, group })
      else if (believed) tellFree(sb, group, uninitialisedFreeClusters(sb, group), free)
      else waiting.push(group)
    }
  }
  return null
}

/**
 * Where the bitmap was never written only the group's own metadata is in use, as far as it lies in the group (ext4_init_block_bitmap,
 * fs/ext4/balloc.c). Metadata of other groups in it would make the count differ, and then nothing is told.
 */
function uninitialisedFreeClusters(sb: ExtSuperblock, group: ExtGroup): Run[] {
  const first = groupFirstBlock(sb, group.index)
  const blocks = groupBlocks(sb, group.index)
  const clusters = Math.ceil(blocks / sb.blocksPerCluster)
  const used = [
    { block: first, count: groupHeadBlocks(sb, group.index) },
    { block: group.blockBitmap, count: 1 },
    { block: group.inodeBitmap, count: 1 },
    { block: group.inodeTable, count: inodeTableBlocks(sb) },
  ]
    .filter(({ block, count }) => count > 0 && block < first + blocks && block + count > first)
    .map(({ block, count }) => ({
      start: Math.floor(Math.max(0, block - first) / sb.blocksPerCluster),
      end: Math.min(clusters, Math.ceil((block + count - first) / sb.blocksPerCluster)),
    }))
    .sort((a, b) => a.start - b.start)
  const runs: Run[] = []
  let reached = 0
  for (const { start, end } of used) {
    if (start > reached) runs.push({ start: reached, end: start })
    reached = Math.max(reached, end)
  }
  if (reached < clusters) runs.push({ start: reached, end: clusters })
  return runs
}

/** Tells the free runs of a group, or nothing and false where they are not as many clusters as the descriptor says. */
function tellFree(sb: ExtSuperblock, group: ExtGroup, runs: readonly Run[], free: FreeSink): boolean {
  const counted = runs.reduce((sum, run) => sum + run.end - run.start, 0)
  if (counted !== group.freeClusters) return false
  const base = groupFirstBlock(sb, group.index) * sb.blockBytes
  const clusterBytes = sb.blocksPerCluster * sb.blockBytes
  const volumeEnd = sb.blocksCount * sb.blockBytes
  for (const run of runs) free(base + run.start * clusterBytes, Math.min(volumeEnd, base + run.end * clusterBytes))
  return true
}

/** Runs of zero bits, the lowest bit of the first byte first. */
function freeBits(bitmap: Uint8Array, count: number): Run[] {
  const runs: Run[] = []
  let start = -1
  for (let at = 0; at < count; ) {
    const byte = bitmap[at >> 3] ?? 0xff
    const wholeByte = (at & 7) === 0 && at + 8 <= count && (byte === 0 || byte === 0xff)
    const isFree = ((byte >> (at & 7)) & 1) === 0
    if (isFree && start < 0) start = at
    if (!isFree && start >= 0) {
      runs.push({ start, end: at })
      start = -1
    }
    at += wholeByte ? 8 : 1
  }
  if (start >= 0) runs.push({ start, end: count })
  return runs
}
