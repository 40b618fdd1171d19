import type { FatVolume } from './fat-boot.ts'
import type { Problem } from './problem.ts'
import type { FreeSink, Reading } from './reading.ts'

/** One request; a multiple of every entry size's bytes, FAT12 excepted, whose whole table (4086 entries) fits. */
const chunkBytes = 65536
/** Runs that are shorter are not worth a jump of the card's write, and are not remembered. */
const minRunBytes = 65536
/** Bounds the memory for a table that alternates; what comes after counts as used. */
const maxRuns = 131072

/** Values of an entry, shown for FAT32; narrower ones are widened to these. The upper four bits of FAT32 are reserved. */
const entryMask = 0x0fffffff
const firstSpecial = 0x0ffffff7
const firstEndMark = 0x0ffffff8
const cleanFlag = { 16: 0x8000, 32: 0x0800_0000 }
const noErrorFlag = { 16: 0x4000, 32: 0x0400_0000 }

/** Clusters, as numbered in the table. */
interface Run {
  start: number
  /** Exclusive. */
  end: number
}

/** Why the table of a volume is not to be relied on, or null. */
export function fatAllocationProblem(fat: FatVolume, volumeBytes: number): Problem | null {
  const because = (detail: string): Problem => ({ code: 'fat-not-mapped', detail })
  if (!fat.mirrored) return because('its tables are not kept equal')
  if (fat.dirty) return because('it was not unmounted cleanly')
  if (fat.totalBytes > volumeBytes) return because('it is larger than its partition')
  return null
}

/**
 * Reads every copy of the table and tells which clusters all of them call free. The reserved sectors, the tables, a FAT12 or FAT16 root
 * directory and bad clusters are never told of. Ask `fatAllocationProblem` first.
 */
export function* readFatAllocation(fat: FatVolume, free: FreeSink): Reading<Problem | null> {
  let common: Run[] | null = null
  for (let copy = 0; copy < fat.fatCount; copy += 1) {
    const scan = new TableScan(fat)
    const start = (fat.reservedSectors + copy * fat.fatSectors) * fat.sectorBytes
    const length = Math.ceil(((fat.clusterCount + 2) * fat.entryBits) / 8)
    for (let at = 0; at < length; at += chunkBytes) {
      const bytes = yield { start: start + at, length: Math.min(chunkBytes, length - at) }
      if (!bytes) return { code: 'fat-unread', detail: 'its table cannot be read' }
      const problem = scan.take(bytes)
      if (problem) return problem
    }
    const runs = scan.finish()
    common = common ? intersection(common, runs) : runs
  }
  for (const run of common ?? []) {
    free(fat.dataStart + (run.start - 2) * fat.clusterBytes, fat.dataStart + (run.end - 2) * fat.clusterBytes)
  }
  return null
}

/** Goes through one copy of the table, entry by entry, in pieces. */
class TableScan {
  readonly #fat: FatVolume
  readonly #runs: Run[] = []
  readonly #minRunClusters: number
  #cluster = 0
  #freeFrom = -1

  constructor(fat: FatVolume) {
    this.#fat = fat
    this.#minRunClusters = Math.ceil(minRunBytes / fat.clusterBytes)
  }

  take(bytes: Uint8Array): Problem | null {
    const { entryBits, clusterCount, rootCluster } = this.#fat
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const end = Math.min(clusterCount + 2, this.#cluster + Math.floor((bytes.length * 8) / entryBits))
    for (let at = 0; this.#cluster < end; at += 1, this.#cluster += 1) {
      const entry =
        entryBits === 32 ? view.getUint32(at * 4, true) & entryMask : entryBits === 16 ? wide16(view, at) : wide12(view, at)
      if (entry === 0 && this.#cluster >= 2 && this.#cluster !== rootCluster) {
        if (this.#freeFrom < 0) this.#freeFrom = this.#cluster
        continue
      }
      if (this.#freeFrom >= 0) this.#endRun()
      const problem = this.#entryProblem(entry)
      if (problem) return problem
    }
    return null
  }

  finish(): Run[] {
    if (this.#freeFrom >= 0) this.#endRun()
    return this.#runs
  }

  #endRun(): void {
    const run = { start: this.#freeFrom, end: this.#cluster }
    this.#freeFrom = -1
    if (run.end - run.start >= this.#minRunClusters && this.#runs.length < maxRuns) this.#runs.push(run)
  }

  /** Entry 0 repeats the media byte, entry 1 has the flags of an orderly unmount; others point into the table or end a chain. */
  #entryProblem(entry: number): Problem | null {
    const { entryBits, clusterCount, media } = this.#fat
    const damaged = { code: 'fat-damaged', detail: `entry ${this.#cluster} of its table is wrong` }
    if (this.#cluster === 0) return (entry & 0xff) === media ? null : damaged
    if (this.#cluster === 1) {
      if (entryBits === 12 || (entry & cleanFlag[entryBits] && entry & noErrorFlag[entryBits])) return null
      return { code: 'fat-not-mapped', detail: 'it was not unmounted cleanly' }
    }
    return (entry >= 2 && entry < clusterCount + 2) || entry >= firstSpecial ? null : damaged
  }
}

function wide16(view: DataView, index: number): number {
  const entry = view.getUint16(index * 2, true)
  return entry >= (firstEndMark & 0xffff) - 1 ? entry | 0x0fff0000 : entry
}

/** Two entries share three bytes; the last one's upper half may be missing where the table ends on it. */
function wide12(view: DataView, index: number): number {
  const at = (index * 3) >> 1
  const pair = view.getUint8(at) | ((at + 1 < view.byteLength ? view.getUint8(at + 1) : 0) << 8)
  const entry = index & 1 ? pair >> 4 : pair & 0xfff
  return entry >= (firstEndMark & 0xfff) - 1 ? entry | 0x0ffff000 : entry
}

function intersection(a: readonly Run[], b: readonly Run[]): Run[] {
  const both: Run[] = []
  let indexB = 0
  for (const run of a) {
    while ((b[indexB]?.end ?? Number.POSITIVE_INFINITY) <= run.start) indexB += 1
    for (let at = indexB; ; at += 1) {
      const other = b[at]
      if (!other || other.start >= run.end) break
      both.push({ start: Math.max(run.start, other.start), end: Math.min(run.end, other.end) })
    }
  }
  return both
}
