import { entryTree, isFile, isLink, modeOf, type NewNode } from './entry-tree.ts'
import { contentLength, contentParts, type NewEntry, type WritableDevice } from './new-entry.ts'
import { attributesOf, rootAttributes, type Susp } from './rock-ridge.ts'
import { Structure } from './structure.ts'

export interface NewIso {
  /** At most 32 characters; those that strict readers want are not insisted on, as the systems here do not either. */
  volumeId: string
  entries: readonly NewEntry[]
  /** Creation and modification: the volume's UUID is made of its digits. Two volumes of one card need different ones. */
  date: Date
  /** 32 as xorriso writes an image that it has changed: descriptors at sectors 16 and 48, and 32 unused sectors counted. */
  sessionSector?: 0 | 32
}

/** ECMA-119: sectors of 2048 bytes, descriptors from the 16th of the session on. */
const sectorBytes = 2048
const descriptorSector = 16
const tableSector = 18
const firstFolderSector = 20
const partBytes = 1024 * 1024
const deepest = 8

interface PlacedNode {
  node: NewNode
  parent: PlacedNode | null
  /** As ECMA-119 has it: "FILESYST.SQU;1". */
  id: string
  sector: number
  lengthBytes: number
  children: PlacedNode[]
}

/** Writes an ISO 9660 volume with Rock Ridge onto the start of a device; every file lies in one piece. Answers its length in bytes. */
export function makeIso9660(device: WritableDevice, { volumeId, entries, date, sessionSector = 0 }: NewIso): number {
  const root = placed(entryTree(entries), null, '\0')
  const folders = byLevel(root)
  const tableBytes = folders.reduce((sum, { id }) => sum + 8 + id.length + (id.length & 1), 0)
  if (tableBytes > sectorBytes) throw new RangeError('there are more folders than this maker of ISO volumes puts into its table')
  let next = sessionSector + firstFolderSector
  for (const folder of folders) {
    folder.lengthBytes = folderBytes(folder, date).length
    folder.sector = next
    next += folder.lengthBytes / sectorBytes
  }
  const files = folders.flatMap(({ children }) => children).filter(({ node }) => isFile(node.entry))
  for (const file of files) {
    file.lengthBytes = isFile(file.node.entry) ? contentLength(file.node.entry) : 0
    if (file.lengthBytes >= 2 ** 32) throw new RangeError(`"${file.node.entry.path}" is larger than one extent of an ISO volume`)
    file.sector = next
    next += Math.ceil(file.lengthBytes / sectorBytes)
  }
  for (const folder of folders) device.writeSync(folderBytes(folder, date), folder.sector * sectorBytes)
  for (const { node, sector } of files) {
    if (!isFile(node.entry)) continue
    for (const { offset, bytes } of contentParts(node.entry, partBytes)) device.writeSync(bytes, sector * sectorBytes + offset)
  }
  const table = sessionSector + tableSector
  device.writeSync(pathTable(folders, 'little'), table * sectorBytes)
  device.writeSync(pathTable(folders, 'big'), (table + 1) * sectorBytes)
  const end = new Structure(sectorBytes).u8(0, 255).text(1, 5, 'CD001').u8(6, 1).bytes
  for (const start of new Set([0, sessionSector])) {
    // The first one counts what lies before the session, the one of the session does not.
    const descriptor = primaryDescriptor({ volumeId, date, blocks: next - start, tableBytes, table, root })
    device.writeSync(descriptor, (start + descriptorSector) * sectorBytes)
    device.writeSync(end, (start + descriptorSector + 1) * sectorBytes)
  }
  return next * sectorBytes
}

function placed(node: NewNode, parent: PlacedNode | null, id: string, depth = 1): PlacedNode {
  if (depth > deepest) throw new RangeError('folders of an ISO volume lie at most eight deep')
  const own: PlacedNode = { node, parent, id, sector: 0, lengthBytes: 0, children: [] }
  const taken = new Set<string>()
  own.children = node.children.map((child) => placed(child, own, isoName(child, taken), depth + 1))
  own.children.sort((a, b) => (a.id < b.id ? -1 : 1))
  return own
}

/** A name of level 1, once in its folder: capitals, eight characters and three. */
function isoName({ name, entry }: NewNode, taken: Set<string>): string {
  const clean = (text: string) => text.toUpperCase().replace(/[^A-Z0-9_]/g, '_')
  const dot = entry.kind === 'folder' ? -1 : name.lastIndexOf('.')
  const base = clean(dot > 0 ? name.slice(0, dot) : name) || '_'
  const ending = dot > 0 ? clean(name.slice(dot + 1)).slice(0, 3) : ''
  for (let number = 0; ; number += 1) {
    const tail = number === 0 ? '' : String(number)
    const short = base.slice(0, 8 - tail.length) + tail
    const id = entry.kind === 'folder' ? short : `${short}.${ending};1`
    if (taken.has(id)) continue
    taken.add(id)
    return id
  }
}

/** Folders in the order of the path table: level by level, each level by the place of its parent and then by name. */
function byLevel(root: PlacedNode): PlacedNode[] {
  const folders = [root]
  for (const folder of folders) folders.push(...folder.children.filter(({ node }) => node.entry.kind === 'folder'))
  return folders
}

/** The records of a folder, none across the end of a sector. */
function folderBytes(folder: PlacedNode, date: Date): Uint8Array {
  const parent = folder.parent ?? folder
  const records = [
    record(folder, '\0', date, folder.parent ? attributesOf(facts(folder, date)) : rootAttributes(facts(folder, date))),
    record(parent, '\x01', date, attributesOf(facts(parent, date))),
    ...folder.children.map((child) => record(child, child.id, date, attributesOf(facts(child, date), child.node.name))),
  ]
  const sectors: Uint8Array[][] = [[]]
  let used = 0
  for (const bytes of records) {
    if (used + bytes.length > sectorBytes) {
      sectors.push([])
      used = 0
    }
    sectors.at(-1)?.push(bytes)
    used += bytes.length
  }
  return Buffer.concat(
    sectors.map((parts) => {
      const together = Buffer.concat(parts)
      return Buffer.concat([together, new Uint8Array(sectorBytes - together.length)])
    }),
  )
}

function facts({ node, children }: PlacedNode, date: Date): Susp {
  const { entry } = node
  return {
    kind: entry.kind,
    mode: modeOf(entry),
    ownerId: entry.ownerId ?? 0,
    groupId: entry.groupId ?? 0,
    links: entry.kind === 'folder' ? 2 + children.filter((child) => child.node.entry.kind === 'folder').length : 1,
    modified: entry.modifiedSeconds === undefined ? date : new Date(entry.modifiedSeconds * 1000),
    target: isLink(entry) ? entry.target : null,
  }
}

/** ECMA-119, 9.1, with the system use field of SUSP behind the name. */
function record(placedNode: PlacedNode, id: string, date: Date, susp: Uint8Array): Uint8Array {
  const head = 33 + id.length + (id.length & 1 ? 0 : 1)
  const length = head + susp.length + (susp.length & 1)
  if (length > 255)
    throw new RangeError(`the name "${placedNode.node.name}" or where it leads is too long for this maker of ISO volumes`)
  const isFolder = placedNode.node.entry.kind === 'folder'
  const bytes = new Structure(length).u8(0, length).both32(2, placedNode.sector).both32(10, placedNode.lengthBytes)
  bytes
    .put(18, recordTime(date))
    .u8(25, isFolder ? 2 : 0)
    .both16(28, 1)
    .u8(32, id.length)
    .text(33, id.length, id)
  return bytes.put(head, susp).bytes
}

export function recordTime(date: Date): Uint8Array {
  return Uint8Array.of(
    date.getUTCFullYear() - 1900,
    date.getUTCMonth() + 1,
    date.getUTCDate(),
    date.getUTCHours(),
    date.getUTCMinutes(),
    date.getUTCSeconds(),
    0,
  )
}

function pathTable(folders: readonly PlacedNode[], order: 'little' | 'big'): Uint8Array {
  const table = new Uint8Array(sectorBytes)
  const view = new DataView(table.buffer)
  let at = 0
  for (const folder of folders) {
    const { id, sector, parent } = folder
    view.setUint8(at, id.length)
    view.setUint32(at + 2, sector, order === 'little')
    view.setUint16(at + 6, parent ? folders.indexOf(parent) + 1 : 1, order === 'little')
    table.set(Buffer.from(id, 'latin1'), at + 8)
    at += 8 + id.length + (id.length & 1)
  }
  return table
}

interface Descriptor {
  volumeId: string
  date: Date
  blocks: number
  tableBytes: number
  table: number
  root: PlacedNode
}

/** ECMA-119, 8.4. */
function primaryDescriptor({ volumeId, date, blocks, tableBytes, table, root }: Descriptor): Uint8Array {
  const bytes = new Structure(sectorBytes)
    .u8(0, 1)
    .text(1, 5, 'CD001')
    .u8(6, 1)
    .text(8, 32, 'LINUX', 0x20)
    .text(40, 32, volumeId, 0x20)
  bytes.both32(80, blocks).both16(120, 1).both16(124, 1).both16(128, sectorBytes).both32(132, tableBytes)
  bytes.u32(140, table).big32(148, table + 1)
  bytes.put(156, record(root, '\0', date, new Uint8Array())).text(190, 623, '', 0x20)
  bytes.put(813, descriptorTime(date)).put(830, descriptorTime(date))
  return bytes.put(847, unsetTime()).put(864, unsetTime()).u8(881, 1).bytes
}

/** ECMA-119, 8.4.26.1: sixteen digits, down to hundredths of a second, and the offset from GMT. */
function descriptorTime(date: Date): Uint8Array {
  const digits = date.toISOString().replace(/\D/g, '').slice(0, 16)
  return Buffer.concat([Buffer.from(digits, 'latin1'), Uint8Array.of(0)])
}

function unsetTime(): Uint8Array {
  return Buffer.concat([Buffer.from('0'.repeat(16), 'latin1'), Uint8Array.of(0)])
}
