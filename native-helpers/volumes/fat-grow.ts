import type { BlockDevice } from '../block/device.ts'
import { type Extent, extentsDevice } from '../block/extents.ts'
import { fatEntries, fatEntryBytes } from './fat-names.ts'
import { type FatTree, openFat } from './fat-tree.ts'
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

export interface GrownFile {
  /** All of the file, as it lies afterwards. */
  extents: Extent[]
  /** Of its clusters, those that were free before. */
  added: Extent[]
}

/**
 * Makes a file longer in place. The new clusters follow the last one where they can; what they hold stays as it is. `settle` is called where everything
 * written so far has to be safe before the rest: first the new chain, of which nobody knows yet, then the link to it, then the length. A cut in
 * between leaves clusters that belong to nothing, or a chain longer than its file, both of which harm nobody.
 * Problems: `fat-full` (with the bytes that are missing), `fat-file-limit`, `fat-no-file`, and whatever makes the volume unsafe to write to.
 */
export function growFatFile(volume: BlockDevice, path: string, sizeBytes: number, settle: () => void): Parsed<GrownFile> {
  const { value: tree, problem } = openFat(volume)
  if (!tree) return { value: null, problem }
  if (!volume.writeSync) throw new TypeError('the volume was opened for reading only')
  if (sizeBytes > fatFileLimitBytes) return unusable('fat-file-limit', 'a file on FAT cannot be longer than 4 GiB')
  if (!tree.volume.mirrored)
    return unusable('fat-not-mirrored', 'only one copy of its table is in use, which is not written to here')
  const { value: file, problem: missing } = findEntry(volume, tree, path)
  if (!file) return { value: null, problem: missing }
  const { value: old, problem: broken } = file.node.extents()
  if (!old) return { value: null, problem: broken }
  if (sizeBytes < file.node.sizeBytes) return unusable('fat-shrink', 'files are only made longer here')
  const grow = new Growth(volume as Writable, tree)
  const clusters = old.flatMap(({ start, lengthBytes }) => grow.clustersOf(start ?? 0, lengthBytes))
  const wanted = Math.ceil(sizeBytes / tree.volume.clusterBytes) - clusters.length
  const { value: added, problem: full } = grow.take(wanted, clusters.at(-1) ?? 1)
  if (!added) return { value: null, problem: full }

  grow.chain(added)
  grow.count(added)
  settle()
  const [first] = added
  const last = clusters.at(-1)
  if (first !== undefined && last !== undefined) grow.set(last, first)
  if (first !== undefined && last === undefined) file.setFirst(first)
  settle()
  file.setSize(sizeBytes)
  settle()
  const { value: reopened } = openFat(volume)
  const { value: after } = reopened ? findEntry(volume, reopened, path) : { value: null }
  const extents = after?.node.extents().value
  if (!extents) return unusable('fat-damaged', 'the file cannot be found again')
  return parsed({
    extents,
    added: added.map((cluster) => ({ start: grow.startOf(cluster), lengthBytes: tree.volume.clusterBytes })),
  })
}

type Writable = BlockDevice & { writeSync(bytes: Uint8Array, offset: number): void }

interface Entry {
  node: TreeNode
  setSize(sizeBytes: number): void
  setFirst(cluster: number): void
}

function findEntry(volume: BlockDevice, tree: FatTree, path: string): Parsed<Entry> {
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
  })
}

/** The entries of a directory as a device; the root of FAT12 and FAT16 lies before the clusters. */
function directoryOf(volume: BlockDevice, { volume: fat, root }: FatTree, folder: TreeNode): Parsed<BlockDevice> {
  if (folder.id === root.id && fat.rootCluster === 0) {
    const start = (fat.reservedSectors + fat.fatCount * fat.fatSectors) * fat.sectorBytes
    const lengthBytes = Math.floor((fat.dataStart - start) / fatEntryBytes) * fatEntryBytes
    return parsed(extentsDevice(volume, [{ start, lengthBytes }]))
  }
  const { value, problem } = folder.extents()
  return value ? parsed(extentsDevice(volume, value)) : { value: null, problem }
}

/** The tables of a volume while clusters are taken from them. */
class Growth {
  private readonly volume: Writable
  private readonly tree: FatTree
  private readonly table: Buffer

  constructor(volume: Writable, tree: FatTree) {
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

  /** From the end, so that each entry leads to one that stands. */
  chain(clusters: readonly number[]): void {
    for (let at = clusters.length - 1; at >= 0; at -= 1) {
      this.set(clusters[at] ?? 0, clusters[at + 1] ?? endMark[this.tree.volume.entryBits])
    }
  }

  /** FAT32 keeps a hint of what is free; a wrong one is what a check would find. */
  count(added: readonly number[]): void {
    const { entryBits, sectorBytes } = this.tree.volume
    if (entryBits !== 32 || added.length === 0) return
    const boot = pieceOf(this.volume, 0, sectorBytes)
    const sector = boot ? Buffer.from(boot).readUInt16LE(fsInfo.sectorAt) : 0
    if (sector === 0 || sector === 0xffff) return
    const info = Buffer.alloc(512)
    this.volume.readSync(info, sector * sectorBytes)
    if (info.readUInt32LE(0) !== fsInfo.leadSignature || info.readUInt32LE(fsInfo.signatureAt) !== fsInfo.signature) return
    const free = info.readUInt32LE(fsInfo.freeAt)
    if (free !== 0xffffffff && free >= added.length) info.writeUInt32LE(free - added.length, fsInfo.freeAt)
    info.writeUInt32LE(Math.max(...added.slice(-1)), fsInfo.nextAt)
    this.volume.writeSync(info, sector * sectorBytes)
  }
}

function twelve(pair: number, cluster: number, value: number): number {
  return cluster & 1 ? (pair & 0x000f) | (value << 4) : (pair & 0xf000) | value
}
