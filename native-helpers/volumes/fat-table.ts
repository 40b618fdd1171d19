import type { BlockDevice } from '../block/device.ts'
import type { Extent } from '../block/extents.ts'
import type { FatVolume } from './fat-boot.ts'
import { pieceOf } from './piece.ts'
import { type Parsed, parsed, unusable } from './problem.ts'

/** A multiple of every entry's size, three bytes for two entries of FAT12 included. */
const pageBytes = 3 * 16384
const maxPages = 64
/** A file in more runs than these does not occur on a card; it bounds the memory. */
const maxExtents = 262_144

/** Values from which an entry ends a chain, by the bits of an entry; the one before marks a bad cluster. */
const firstEndMark = { 12: 0xff8, 16: 0xfff8, 32: 0x0ffffff8 }

export interface FatTable {
  /** The cluster that follows, null at the end of a chain. */
  next(cluster: number): Parsed<number | null>
  /** The runs of a chain that holds so many bytes; with null all of it, for directories, which do not say how long they are. */
  chain(first: number, sizeBytes: number | null, maxClusters: number): Parsed<Extent[]>
  /** Clusters that belong to nothing, or null where the table cannot be read. */
  countFree(): number | null
  /** Entry 1: not unmounted, or an error met. FAT12 keeps no such flags. */
  readonly clean: boolean
}

/** The first copy of the table, read by the page as it is needed. */
export function fatTable(device: BlockDevice, fat: FatVolume): FatTable {
  const { entryBits, clusterCount, clusterBytes, dataStart } = fat
  const tableStart = fat.reservedSectors * fat.sectorBytes
  const tableBytes = Math.ceil(((clusterCount + 2) * entryBits) / 8)
  const entriesPerPage = (pageBytes * 8) / entryBits
  const pages = new Map<number, DataView>()

  const pageAt = (index: number): DataView | null => {
    const known = pages.get(index)
    if (known) return known
    const start = index * pageBytes
    const bytes = pieceOf(device, tableStart + start, Math.min(pageBytes, tableBytes - start))
    if (!bytes) return null
    if (pages.size >= maxPages) pages.delete(pages.keys().next().value ?? 0)
    const view = new DataView(bytes.buffer)
    pages.set(index, view)
    return view
  }
  const entryAt = (cluster: number): number | null => {
    const page = pageAt(Math.floor(cluster / entriesPerPage))
    return page && entryIn(page, cluster % entriesPerPage)
  }
  const entryIn = (page: DataView, place: number): number => {
    if (entryBits === 32) return page.getUint32(place * 4, true) & 0x0fffffff
    if (entryBits === 16) return page.getUint16(place * 2, true)
    const at = (place * 3) >> 1
    const pair = page.getUint8(at) | ((at + 1 < page.byteLength ? page.getUint8(at + 1) : 0) << 8)
    return place & 1 ? pair >> 4 : pair & 0xfff
  }
  const isCluster = (value: number): boolean => value >= 2 && value < clusterCount + 2

  const next = (cluster: number): Parsed<number | null> => {
    const entry = isCluster(cluster) ? entryAt(cluster) : null
    if (entry === null) return unusable('fat-unread', `entry ${cluster} of the table cannot be read`)
    if (entry >= firstEndMark[entryBits]) return parsed(null)
    return isCluster(entry) ? parsed(entry) : unusable('fat-chain', `the chain of cluster ${cluster} leads nowhere`)
  }

  return {
    next,
    chain(first, sizeBytes, maxClusters) {
      const wanted = sizeBytes === null ? Math.min(maxClusters, clusterCount) : Math.ceil(sizeBytes / clusterBytes)
      if (wanted > Math.min(maxClusters, clusterCount)) return unusable('fat-size', 'a file is larger than its volume')
      const extents: Extent[] = []
      const starts = new Set<number>()
      let run: { start: number | null; lengthBytes: number } | null = null
      let cluster: number | null = wanted === 0 ? null : first
      let count = 0
      while (cluster !== null && count < wanted) {
        if (!isCluster(cluster)) return unusable('fat-chain', `a chain begins at cluster ${cluster}, which there is not`)
        const start = dataStart + (cluster - 2) * clusterBytes
        if (run && run.start !== null && run.start + run.lengthBytes === start) run.lengthBytes += clusterBytes
        else {
          if (starts.has(start)) return unusable('fat-loop', `the chain of cluster ${first} runs in a circle`)
          if (extents.length >= maxExtents) return unusable('fat-fragmented', 'a file lies in more pieces than are looked at')
          starts.add(start)
          run = { start, lengthBytes: clusterBytes }
          extents.push(run)
        }
        count += 1
        const step: Parsed<number | null> = next(cluster)
        // What follows behind the end of a file is of no use to it.
        if (step.problem && !(sizeBytes !== null && count === wanted)) return step
        cluster = step.value
      }
      if (sizeBytes === null)
        return cluster === null ? parsed(extents) : unusable('fat-directory-long', 'a directory is longer than may be')
      if (count < wanted) return unusable('fat-chain-short', `the chain of cluster ${first} ends before the file does`)
      if (runsOverlap(extents)) return unusable('fat-loop', `the chain of cluster ${first} runs in a circle`)
      if (run) run.lengthBytes -= count * clusterBytes - sizeBytes
      return parsed(extents)
    },
    countFree() {
      let free = 0
      // Tables have millions of entries: by the page, not by the entry.
      for (let cluster = 2; cluster < clusterCount + 2; ) {
        const page = pageAt(Math.floor(cluster / entriesPerPage))
        if (!page) return null
        const first = cluster % entriesPerPage
        const end = Math.min(entriesPerPage, first + clusterCount + 2 - cluster)
        for (let place = first; place < end; place += 1) if (entryIn(page, place) === 0) free += 1
        cluster += end - first
      }
      return free
    },
    get clean() {
      if (entryBits === 12) return true
      const entry = entryAt(1)
      const flags = entryBits === 16 ? 0xc000 : 0x0c000000
      return entry !== null && (entry & flags) === flags
    },
  }
}

/** A circle may enter a run in its middle. */
function runsOverlap(extents: readonly Extent[]): boolean {
  let reached = -1
  for (const { start, lengthBytes } of [...extents].sort((a, b) => (a.start ?? 0) - (b.start ?? 0))) {
    if ((start ?? 0) < reached) return true
    reached = (start ?? 0) + lengthBytes
  }
  return false
}
