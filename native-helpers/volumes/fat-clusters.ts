import type { BlockDevice } from '../block/device.ts'
import { type Extent, extentsDevice } from '../block/extents.ts'
import { fatEntries, fatEntryBytes } from './fat-names.ts'
import type { FatTree } from './fat-tree.ts'
import { pieceOf } from './piece.ts'
import { type Parsed, parsed, unusable } from './problem.ts'
import { childNamed, type TreeNode } from './tree.ts'

/** One byte less than 4 GiB by the 32 bits of an entry; whole sectors, as every tool leaves them. */
export const fatFileLimitBytes = 2 ** 32 - 512

/** FSInfo: Microsoft, "FAT: General Overview of On-Disk Format", 1.03. */
const fsInfo = { sectorAt: 48, leadSignature: 0x41615252, signature: 0x61417272, signatureAt: 484, freeAt: 488, nextAt: 492 }
const entryAt = { clusterHigh: 20, clusterLow: 26, size: 28 }
const endMark = { 12: 0xfff, 16: 0xffff, 32: 0x0fffffff }
const entryMask32 = 0x0fffffff

export type WritableVolume = BlockDevice & { writeSync(bytes: Uint8Array, offset: number): void }

/** The entry of a file in its folder, which can be changed where it stands. */
export interface FatFileEntry {
  node: TreeNode
  setSize(sizeBytes: number): void
  setFirst(cluster: number): void
  /** First cluster and length at once, in one sector. */
  exchange(first: number, sizeBytes: number): void
}

/** Problems: `fat-no-file`, and what keeps its folders from being read. */
export function findFatEntry(volume: BlockDevice, tree: FatTree, path: string): Parsed<FatFileEntry> {
  const parts = path.split('/').filter((part) => part !== '')
  const name = parts.pop()
  if (name === undefined) return unusable('fat-no-file', 'no file is named')
  let folder = tree.root
  for (const part of parts) {
    const next = childNamed(tree, folder, part)
    if (next?.kind !== 'directory') return unusable('fat-no-file', `there is no folder "${part}"`)
    folder = next
  }
  const node = childNamed(tree, folder, name)
  if (node?.kind !== 'file') return unusable('fat-no-file', `there is no file "${path}"`)
  const { value: directory, problem } = directoryOf(volume, tree, folder)
  if (!directory) return { value: null, problem }
  const bytes = new Uint8Array(directory.size)
  directory.readSync(bytes, 0)
  const entry = [...fatEntries(bytes)].find((one) => one.name === node.name)
  if (!entry) return unusable('fat-no-file', `there is no file "${path}"`)
  const put = (at: number, value: number, width: 2 | 4) => {
    const field = Buffer.alloc(width)
    field.writeUIntLE(value, 0, width)
    directory.writeSync?.(field, entry.offset + at)
  }
  return parsed({
    node,
    setSize: (sizeBytes) => put(entryAt.size, sizeBytes, 4),
    setFirst(cluster) {
      put(entryAt.clusterHigh, Math.floor(cluster / 0x10000), 2)
      put(entryAt.clusterLow, cluster % 0x10000, 2)
    },
    exchange(first, sizeBytes) {
      const bytes = new Uint8Array(fatEntryBytes)
      directory.readSync(bytes, entry.offset)
      const fields = Buffer.from(bytes.buffer)
      fields.writeUInt16LE(Math.floor(first / 0x10000), entryAt.clusterHigh)
      fields.writeUInt16LE(first % 0x10000, entryAt.clusterLow)
      fields.writeUInt32LE(sizeBytes, entryAt.size)
      directory.writeSync?.(bytes, entry.offset)
    },
  })
}

/** The entries of a directory as a device; the root of FAT12 and FAT16 lies before the clusters. */
export function directoryOf(volume: BlockDevice, { volume: fat, root }: FatTree, folder: TreeNode): Parsed<BlockDevice> {
  if (folder.id === root.id && fat.rootCluster === 0) {
    const start = (fat.reservedSectors + fat.fatCount * fat.fatSectors) * fat.sectorBytes
    const lengthBytes = Math.floor((fat.dataStart - start) / fatEntryBytes) * fatEntryBytes
    return parsed(extentsDevice(volume, [{ start, lengthBytes }]))
  }
  const { value, problem } = folder.extents()
  return value ? parsed(extentsDevice(volume, value)) : { value: null, problem }
}

/** The tables of a volume while clusters are taken from them, and given back. */
export class FatClusters {
  private readonly volume: WritableVolume
  private readonly tree: FatTree
  private readonly table: Buffer

  constructor(volume: WritableVolume, tree: FatTree) {
    this.volume = volume
    this.tree = tree
    const { reservedSectors, sectorBytes, entryBits, clusterCount } = tree.volume
    this.table = Buffer.alloc(Math.ceil(((clusterCount + 2) * entryBits) / 8) + 1)
    volume.readSync(this.table.subarray(0, this.table.length - 1), reservedSectors * sectorBytes)
  }

  startOf(cluster: number): number {
    const { dataStart, clusterBytes } = this.tree.volume
    return dataStart + (cluster - 2) * clusterBytes
  }

  clustersOf(start: number, lengthBytes: number): number[] {
    const { dataStart, clusterBytes } = this.tree.volume
    const first = (start - dataStart) / clusterBytes + 2
    return Array.from({ length: Math.ceil(lengthBytes / clusterBytes) }, (_, at) => first + at)
  }

  private get(cluster: number): number {
    const { entryBits } = this.tree.volume
    if (entryBits === 32) return this.table.readUInt32LE(cluster * 4) & entryMask32
    if (entryBits === 16) return this.table.readUInt16LE(cluster * 2)
    const pair = this.table.readUInt16LE((cluster * 3) >> 1)
    return cluster & 1 ? pair >> 4 : pair & 0xfff
  }

  /** In every copy of the table. The four highest bits of FAT32 are not ours. */
  set(cluster: number, value: number): void {
    const { entryBits, reservedSectors, sectorBytes, fatCount, fatSectors } = this.tree.volume
    const at = Math.floor((cluster * entryBits) / 8)
    const width = entryBits === 32 ? 4 : 2
    const before = this.table.readUIntLE(at, width)
    const both =
      entryBits === 32 ? ((before & ~entryMask32) | value) >>> 0 : entryBits === 16 ? value : twelve(before, cluster, value)
    this.table.writeUIntLE(both, at, width)
    // The last entry of a FAT12 may end with the table.
    const bytes = this.table.subarray(at, Math.min(at + width, this.table.length - 1))
    for (let copy = 0; copy < fatCount; copy += 1) {
      this.volume.writeSync(bytes, (reservedSectors + copy * fatSectors) * sectorBytes + at)
    }
  }

  /** Free clusters: those that follow `last` first, then the lowest ones. */
  take(count: number, last: number): Parsed<number[]> {
    const { clusterCount, clusterBytes } = this.tree.volume
    const end = clusterCount + 2
    const taken: number[] = []
    for (let cluster = last + 1; taken.length < count && cluster < end && cluster >= 2 && this.get(cluster) === 0; cluster += 1)
      taken.push(cluster)
    const near = new Set(taken)
    for (let cluster = 2; taken.length < count && cluster < end; cluster += 1) {
      if (this.get(cluster) === 0 && !near.has(cluster)) taken.push(cluster)
    }
    if (taken.length >= count) return parsed(taken)
    return unusable('fat-full', `${(count - taken.length) * clusterBytes} bytes are missing`)
  }

  /** All that are free, ascending, up to so many. */
  free(most: number): number[] {
    const end = this.tree.volume.clusterCount + 2
    const free: number[] = []
    for (let cluster = 2; free.length < most && cluster < end; cluster += 1) if (this.get(cluster) === 0) free.push(cluster)
    return free
  }

  /** Where clusters lie, in their order. */
  extentsOf(clusters: readonly number[]): Extent[] {
    const { clusterBytes } = this.tree.volume
    const extents: { start: number; lengthBytes: number }[] = []
    for (const cluster of clusters) {
      const start = this.startOf(cluster)
      const last = extents.at(-1)
      if (last && last.start + last.lengthBytes === start) last.lengthBytes += clusterBytes
      else extents.push({ start, lengthBytes: clusterBytes })
    }
    return extents
  }

  /** From the first on: what is left of the chain meanwhile belongs to nothing. */
  giveBack(clusters: readonly number[]): void {
    for (const cluster of clusters) this.set(cluster, 0)
    this.note(-clusters.length, null)
  }

  /** From the end, so that each entry leads to one that stands. */
  chain(clusters: readonly number[]): void {
    for (let at = clusters.length - 1; at >= 0; at -= 1) {
      this.set(clusters[at] ?? 0, clusters[at + 1] ?? endMark[this.tree.volume.entryBits])
    }
  }

  count(added: readonly number[]): void {
    this.note(added.length, added.at(-1) ?? null)
  }

  /** FAT32 keeps a hint of what is free; a wrong one is what a check would find. */
  private note(taken: number, last: number | null): void {
    const { entryBits, sectorBytes } = this.tree.volume
    if (entryBits !== 32 || taken === 0) return
    const boot = pieceOf(this.volume, 0, sectorBytes)
    const sector = boot ? Buffer.from(boot).readUInt16LE(fsInfo.sectorAt) : 0
    if (sector === 0 || sector === 0xffff) return
    const info = Buffer.alloc(512)
    this.volume.readSync(info, sector * sectorBytes)
    if (info.readUInt32LE(0) !== fsInfo.leadSignature || info.readUInt32LE(fsInfo.signatureAt) !== fsInfo.signature) return
    const free = info.readUInt32LE(fsInfo.freeAt)
    if (free !== 0xffffffff && free >= taken) info.writeUInt32LE(free - taken, fsInfo.freeAt)
    if (last !== null) info.writeUInt32LE(last, fsInfo.nextAt)
    this.volume.writeSync(info, sector * sectorBytes)
  }
}

function twelve(pair: number, cluster: number, value: number): number {
  return cluster & 1 ? (pair & 0x000f) | (value << 4) : (pair & 0xf000) | value
}
