import { randomBytes } from 'node:crypto'
import { entryTree, isFile, isLink, type NewNode } from './entry-tree.ts'
import { attribute, directoryEntries, entryBytes, ShortNames, shortEntry } from './fat-names.ts'
import { contentLength, contentParts, type NewEntry, type WritableDevice } from './new-entry.ts'
import { Structure } from './structure.ts'

export interface NewFat {
  /** At most eleven characters; none without. */
  label?: string
  entries?: readonly NewEntry[]
  /** By the size of the device without, as mkfs.fat(8) does: 16 up to 512 MiB, then 32. */
  bits?: 12 | 16 | 32
  sectorsPerCluster?: number
  /** Random without. */
  volumeId?: number
  /** Since 1970: of entries that name no time; now without. */
  madeSeconds?: number
}

const sectorBytes = 512
const fatCount = 2
const rootEntries = 512
const partBytes = 1024 * 1024
/** Cluster counts decide what a FAT is. */
const mostClusters = { 12: 4084, 16: 65524, 32: 0x0ffffff5 }
const fewestClusters = { 12: 1, 16: 4085, 32: 65525 }
const endMark = { 12: 0xfff, 16: 0xffff, 32: 0x0fffffff }
const mediaFixed = 0xf8

interface Layout {
  bits: 12 | 16 | 32
  sectors: number
  reserved: number
  fatSectors: number
  rootSectors: number
  sectorsPerCluster: number
  clusterBytes: number
  clusters: number
  dataStart: number
}

interface Placed {
  first: number
  clusters: number
}

/** Formats a device as FAT and puts the entries into it; every file lies in one piece. Links are refused, as FAT has none. */
export function makeFat(device: WritableDevice, options: NewFat = {}): void {
  const {
    label = '',
    entries = [],
    volumeId = randomBytes(4).readUInt32LE(),
    madeSeconds = Math.floor(Date.now() / 1000),
  } = options
  if (label.length > 11) throw new RangeError(`the label "${label}" is longer than eleven characters`)
  const layout = layoutFor(device.size, options)
  const root = entryTree(entries)
  const plan = new FatPlan(layout, label, madeSeconds)
  plan.place(root)
  if (plan.next - 2 > layout.clusters) throw new RangeError('the entries do not fit into the FAT volume')
  plan.write(device, root)
  const table = plan.table()
  for (let copy = 0; copy < fatCount; copy += 1) device.writeSync(table, (layout.reserved + copy * layout.fatSectors) * sectorBytes)
  const boot = bootSector(layout, label, volumeId)
  device.writeSync(boot, 0)
  if (layout.bits === 32) {
    const info = infoSector(layout.clusters - (plan.next - 2), plan.next)
    device.writeSync(info, sectorBytes)
    device.writeSync(boot, 6 * sectorBytes)
    device.writeSync(info, 7 * sectorBytes)
  }
}

class FatPlan {
  readonly #layout: Layout
  readonly #label: string
  readonly #places = new Map<NewNode, Placed>()
  readonly #madeSeconds: number
  /** The first cluster that is free. */
  next = 2

  constructor(layout: Layout, label: string, madeSeconds: number) {
    this.#layout = layout
    this.#label = label
    this.#madeSeconds = madeSeconds
  }

  /** Gives every file and folder its clusters. */
  place(node: NewNode, isRoot = true): void {
    const { entry, children } = node
    if (isLink(entry)) throw new RangeError(`FAT has no links, so "${entry.path}" cannot be one`)
    if (isRoot && this.#layout.bits !== 32) this.#places.set(node, { first: 0, clusters: 0 })
    else {
      const length = isFile(entry) ? contentLength(entry) : Math.max(1, this.#folder(node, 0).length)
      if (length >= 2 ** 32) throw new RangeError(`"${entry.path}" is larger than a file in FAT can be`)
      const clusters = Math.ceil(length / this.#layout.clusterBytes)
      this.#places.set(node, { first: clusters === 0 ? 0 : this.next, clusters })
      this.next += clusters
    }
    for (const child of children) this.place(child, false)
  }

  write(device: WritableDevice, node: NewNode, parentCluster: number | null = null): void {
    const { first, clusters } = this.#placeOf(node)
    const offset = first === 0 ? this.#rootStart() : this.#offsetOf(first)
    if (isFile(node.entry)) {
      for (const part of contentParts(node.entry, partBytes)) device.writeSync(part.bytes, offset + part.offset)
      return
    }
    const bytes = this.#folder(node, parentCluster)
    const room = first === 0 ? this.#layout.rootSectors * sectorBytes : clusters * this.#layout.clusterBytes
    if (bytes.length > room) throw new RangeError('there are more entries than the root folder of this FAT can hold')
    device.writeSync(Buffer.concat([bytes, new Uint8Array(room - bytes.length)]), offset)
    // The parent of a folder in the root is called 0, also where the root has a cluster.
    for (const child of node.children) this.write(device, child, parentCluster === null ? 0 : first)
  }

  /** One copy of the table, with both marks of a volume that was unmounted. */
  table(): Uint8Array {
    const { bits, fatSectors } = this.#layout
    const bytes = new Uint8Array(fatSectors * sectorBytes)
    const set = (cluster: number, value: number) => {
      if (bits === 32) new DataView(bytes.buffer).setUint32(cluster * 4, value, true)
      else if (bits === 16) new DataView(bytes.buffer).setUint16(cluster * 2, value, true)
      else {
        const at = (cluster * 3) >> 1
        const both = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8)
        const mixed = cluster & 1 ? (both & 0x000f) | (value << 4) : (both & 0xf000) | value
        bytes[at] = mixed & 0xff
        bytes[at + 1] = mixed >> 8
      }
    }
    set(0, endMark[bits] - 0xff + mediaFixed)
    set(1, endMark[bits])
    for (const { first, clusters } of this.#places.values()) {
      for (let at = 0; at < clusters; at += 1) set(first + at, at === clusters - 1 ? endMark[bits] : first + at + 1)
    }
    return bytes
  }

  #placeOf(node: NewNode): Placed {
    return this.#places.get(node) ?? { first: 0, clusters: 0 }
  }

  #rootStart(): number {
    return (this.#layout.reserved + fatCount * this.#layout.fatSectors) * sectorBytes
  }

  #offsetOf(cluster: number): number {
    return this.#layout.dataStart + (cluster - 2) * this.#layout.clusterBytes
  }

  /** What stands in a folder. `parentCluster` is null for the root, which has a label instead of the two dots. */
  #folder(node: NewNode, parentCluster: number | null): Uint8Array {
    const names = new ShortNames()
    const parts: Uint8Array[] = []
    const modified = node.entry.modifiedSeconds ?? this.#madeSeconds
    const own = { attributes: attribute.folder, sizeBytes: 0, modifiedSeconds: modified }
    if (node.entry.path !== '') {
      parts.push(
        shortEntry('.', { ...own, cluster: this.#placeOf(node).first }),
        shortEntry('..', { ...own, cluster: parentCluster ?? 0 }),
      )
    } else if (this.#label !== '') {
      parts.push(shortEntry(this.#label, { ...own, attributes: attribute.label, cluster: 0 }))
    }
    for (const child of node.children) {
      const { short, needsLong } = names.next(child.name)
      parts.push(
        ...directoryEntries(child.name, short, needsLong, {
          attributes: child.entry.kind === 'folder' ? attribute.folder : attribute.file,
          cluster: this.#placeOf(child).first,
          sizeBytes: isFile(child.entry) ? contentLength(child.entry) : 0,
          modifiedSeconds: child.entry.modifiedSeconds ?? this.#madeSeconds,
        }),
      )
    }
    return Buffer.concat(parts)
  }
}

function layoutFor(sizeBytes: number, { bits: wanted, sectorsPerCluster: wantedCluster }: NewFat): Layout {
  const sectors = Math.floor(sizeBytes / sectorBytes)
  const bits = wanted ?? (sectors <= 8192 ? 12 : sectors <= 1_048_576 ? 16 : 32)
  const reserved = bits === 32 ? 32 : 1
  const rootSectors = bits === 32 ? 0 : (rootEntries * entryBytes) / sectorBytes
  for (let perCluster = wantedCluster ?? (bits === 32 ? usualCluster(sectors) : 1); perCluster <= 128; perCluster *= 2) {
    // The table takes room from the clusters that it counts: one round too few, one too many, and it settles.
    let fatSectors = 1
    let clusters = 0
    for (let round = 0; round < 8; round += 1) {
      clusters = Math.floor((sectors - reserved - rootSectors - fatCount * fatSectors) / perCluster)
      fatSectors = Math.max(fatSectors, Math.ceil(((clusters + 2) * bits) / 8 / sectorBytes))
    }
    if (clusters > mostClusters[bits] && wantedCluster === undefined) continue
    if (clusters > mostClusters[bits] || clusters < fewestClusters[bits]) break
    const dataStart = (reserved + rootSectors + fatCount * fatSectors) * sectorBytes
    const clusterBytes = perCluster * sectorBytes
    return { bits, sectors, reserved, fatSectors, rootSectors, sectorsPerCluster: perCluster, clusterBytes, clusters, dataStart }
  }
  throw new RangeError(`${sizeBytes} bytes cannot be a FAT${bits}`)
}

/** As Microsoft's and mkfs.fat's tables for FAT32. */
function usualCluster(sectors: number): number {
  const mebibytes = sectors / 2048
  if (mebibytes <= 260) return 1
  if (mebibytes <= 8192) return 8
  if (mebibytes <= 16384) return 16
  return mebibytes <= 32768 ? 32 : 64
}

function bootSector(layout: Layout, label: string, volumeId: number): Uint8Array {
  const { bits, sectors, reserved, fatSectors, sectorsPerCluster } = layout
  const small = sectors < 65536 && bits !== 32
  const boot = new Structure(sectorBytes).put(0, Uint8Array.of(0xeb, bits === 32 ? 0x58 : 0x3c, 0x90)).text(3, 8, 'LIVECARD', 0x20)
  boot.u16(11, sectorBytes).u8(13, sectorsPerCluster).u16(14, reserved).u8(16, fatCount)
  boot
    .u16(17, bits === 32 ? 0 : rootEntries)
    .u16(19, small ? sectors : 0)
    .u8(21, mediaFixed)
    .u16(22, bits === 32 ? 0 : fatSectors)
  boot
    .u16(24, 63)
    .u16(26, 255)
    .u32(32, small ? 0 : sectors)
    .u16(510, 0xaa55)
  const tail = bits === 32 ? 64 : 36
  if (bits === 32) boot.u32(36, fatSectors).u32(44, 2).u16(48, 1).u16(50, 6)
  boot
    .u8(tail, 0x80)
    .u8(tail + 2, 0x29)
    .u32(tail + 3, volumeId)
  return boot.text(tail + 7, 11, label || 'NO NAME', 0x20).text(tail + 18, 8, `FAT${bits}`, 0x20).bytes
}

function infoSector(free: number, next: number): Uint8Array {
  return new Structure(sectorBytes).u32(0, 0x41615252).u32(484, 0x61417272).u32(488, free).u32(492, next).u32(508, 0xaa550000).bytes
}
