import type { BlockDevice } from '../block/device.ts'
import { type Extent, extentsDevice } from '../block/extents.ts'
import { type FatVolume, fatBootBytes, parseFatBoot } from './fat-boot.ts'
import { type FatEntry, fatEntries, fatEntryBytes } from './fat-names.ts'
import { type FatTable, fatTable } from './fat-table.ts'
import { pieceOf } from './piece.ts'
import { type Parsed, type Problem, parsed, unusable } from './problem.ts'
import type { TreeNode, VolumeTree } from './tree.ts'

/** 65536 entries are the most that the specification allows. */
const maxDirectoryBytes = 65536 * fatEntryBytes
/** The id of a directory is its first cluster; the root of FAT12 and FAT16 has none. */
const rootId = 0

export interface FatTree extends VolumeTree {
  volume: FatVolume
  table: FatTable
  /** It was not unmounted, or an error was met while it was in use. */
  dirty: boolean
  problems: Problem[]
}

export function openFat(device: BlockDevice): Parsed<FatTree> {
  const { value: fat, problem } = parseFatBoot(pieceOf(device, 0, fatBootBytes) ?? new Uint8Array())
  if (!fat) return { value: null, problem }
  const table = fatTable(device, fat)
  const problems: Problem[] = []
  if (fat.totalBytes > device.size) {
    problems.push({ code: 'fat-cut-off', detail: `it has ${fat.totalBytes} bytes, its place only ${device.size}` })
  }
  return parsed({
    root: rootNode(device, fat, table),
    foldsCase: true,
    volume: fat,
    table,
    dirty: fat.dirty || !table.clean,
    problems,
  })
}

function rootNode(device: BlockDevice, fat: FatVolume, table: FatTable): TreeNode {
  if (fat.rootCluster !== rootId) {
    return node(device, fat, table, {
      name: '',
      isDirectory: true,
      firstCluster: fat.rootCluster,
      sizeBytes: 0,
      modifiedSeconds: null,
    })
  }
  const start = (fat.reservedSectors + fat.fatCount * fat.fatSectors) * fat.sectorBytes
  const plain = node(device, fat, table, { name: '', isDirectory: true, firstCluster: rootId, sizeBytes: 0, modifiedSeconds: null })
  return {
    ...plain,
    list() {
      const bytes = pieceOf(device, start, fat.dataStart - start)
      return bytes
        ? listed(device, fat, table, bytes)
        : { entries: [], problem: { code: 'fat-unread', detail: 'the root directory cannot be read' } }
    },
  }
}

function node(device: BlockDevice, fat: FatVolume, table: FatTable, entry: Omit<FatEntry, 'offset'>): TreeNode {
  const { name, isDirectory, firstCluster, sizeBytes } = entry
  const within = (extents: Parsed<Extent[]>): Parsed<Extent[]> =>
    extents.value?.some(({ start, lengthBytes }) => (start ?? 0) + lengthBytes > device.size)
      ? unusable('fat-outside', `"${name}" lies behind the end of its volume`)
      : extents
  const extents = () =>
    isDirectory
      ? within(table.chain(firstCluster, null, Math.ceil(maxDirectoryBytes / fat.clusterBytes)))
      : within(table.chain(firstCluster, sizeBytes, fat.clusterCount))
  return {
    name,
    kind: isDirectory ? 'directory' : 'file',
    sizeBytes: isDirectory ? 0 : sizeBytes,
    mode: null,
    ownerId: null,
    groupId: null,
    modifiedSeconds: entry.modifiedSeconds,
    target: null,
    id: firstCluster,
    extents,
    list() {
      if (!isDirectory) return { entries: [], problem: null }
      const { value, problem } = extents()
      if (!value) return { entries: [], problem }
      const content = extentsDevice(device, value)
      const bytes = new Uint8Array(Math.min(content.size, maxDirectoryBytes))
      content.readSync(bytes, 0)
      return listed(device, fat, table, bytes)
    },
    open() {
      if (isDirectory) return unusable('fat-no-file', `"${name}" is no file`)
      const { value, problem } = extents()
      return value ? parsed(extentsDevice(device, value)) : { value: null, problem }
    },
  }
}

function listed(device: BlockDevice, fat: FatVolume, table: FatTable, bytes: Uint8Array): { entries: TreeNode[]; problem: null } {
  return { entries: Array.from(fatEntries(bytes), (entry) => node(device, fat, table, entry)), problem: null }
}
