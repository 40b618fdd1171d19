import { modeOf, type NewNode } from './entry-tree.ts'
import { cannotMake } from './errors.ts'
import { attributesOf, continuation, continuationBytes, rootAttributes, type Susp } from './rock-ridge.ts'
import { Structure } from './structure.ts'

/** ECMA-119: sectors of 2048 bytes, in which a record lies whole. */
export const isoSectorBytes = 2048
const headBytes = 33
const mostRecordBytes = 255
const flags = { folder: 2, continues: 0x80 }
/** A file has one extent for each of these; the last whole sector before 4 GiB. */
const mostExtentBytes = 2 ** 32 - isoSectorBytes

export interface PlacedNode {
  node: NewNode
  parent: PlacedNode | null
  /** As ECMA-119 has it: "FILESYST.SQU;1". */
  id: string
  sector: number
  lengthBytes: number
  children: PlacedNode[]
}

export interface FolderSectors {
  /** Records, and behind them what did not fit into them; whole sectors. */
  bytes: Uint8Array
  /** Of the records only, which is how long the folder is said to be. */
  lengthBytes: number
}

interface Record {
  /** With room for the continuation at the end where there is one. */
  bytes: Uint8Array
  /** Fields that did not fit. */
  rest: Uint8Array
}

/** What a folder holds, for when it lies at its sector. */
export function folderSectors(folder: PlacedNode, date: Date): FolderSectors {
  const parent = folder.parent ?? folder
  const own = factsOf(folder, date)
  const records = [
    record(folder, { id: '\0', date, fields: folder.parent ? attributesOf(own) : rootAttributes(own) }),
    record(parent, { id: '\x01', date, fields: attributesOf(factsOf(parent, date)) }),
    ...folder.children.flatMap((child) => childRecords(child, date)),
  ]
  const sectors = inSectors(records.map(({ bytes }) => bytes))
  const areas = records.filter(({ rest }) => rest.length > 0)
  const areaSectors = inSectors(areas.map(({ rest }) => rest))
  // Both are in the order of the records, so that the place of each area is found by counting.
  let at = 0
  for (const [index, parts] of areaSectors.entries()) {
    let offset = 0
    for (const part of parts) {
      const { bytes } = areas[at] ?? { bytes: new Uint8Array() }
      const area = continuation(folder.sector + sectors.length + index, offset, part.length)
      bytes.set(area, bytes.length - continuationBytes)
      offset += part.length
      at += 1
    }
  }
  return {
    bytes: Buffer.concat([...sectors, ...areaSectors].map(filled)),
    lengthBytes: sectors.length * isoSectorBytes,
  }
}

/** None across the end of a sector. */
function inSectors(parts: readonly Uint8Array[]): Uint8Array[][] {
  const sectors: Uint8Array[][] = []
  let used = isoSectorBytes
  for (const part of parts) {
    if (used + part.length > isoSectorBytes) {
      sectors.push([])
      used = 0
    }
    sectors.at(-1)?.push(part)
    used += part.length
  }
  return sectors
}

function filled(parts: readonly Uint8Array[]): Uint8Array {
  const together = Buffer.concat(parts)
  return Buffer.concat([together, new Uint8Array(isoSectorBytes - together.length)])
}

function factsOf({ node, children }: PlacedNode, date: Date): Susp {
  const { entry } = node
  return {
    kind: entry.kind,
    mode: modeOf(entry),
    ownerId: entry.ownerId ?? 0,
    groupId: entry.groupId ?? 0,
    links: entry.kind === 'folder' ? 2 + children.filter((child) => child.node.entry.kind === 'folder').length : 1,
    modified: entry.modifiedSeconds === undefined ? date : new Date(entry.modifiedSeconds * 1000),
    target: entry.kind === 'link' ? entry.target : null,
  }
}

/** One for each extent of a file, with the same names. */
function childRecords(child: PlacedNode, date: Date): Record[] {
  const { id, lengthBytes, sector, node } = child
  const fields = attributesOf(factsOf(child, date), node.name)
  const modified = node.entry.modifiedSeconds === undefined ? date : new Date(node.entry.modifiedSeconds * 1000)
  const records: Record[] = []
  for (let at = 0; at < lengthBytes || records.length === 0; at += mostExtentBytes) {
    const part = Math.min(mostExtentBytes, lengthBytes - at)
    const place = { ...child, sector: sector + at / isoSectorBytes, lengthBytes: part }
    records.push(record(place, { id, date: modified, fields, continues: at + part < lengthBytes }))
  }
  return records
}

interface RecordFacts {
  id: string
  date: Date
  fields: readonly Uint8Array[]
  continues?: boolean
}

/** ECMA-119, 9.1, with the system use field of SUSP behind the name. */
function record(placed: PlacedNode, { id, date, fields, continues = false }: RecordFacts): Record {
  const head = headBytes + id.length + (id.length & 1 ? 0 : 1)
  const all = fields.reduce((sum, { length }) => sum + length, 0)
  let kept = fields.length
  let keptBytes = all
  if (head + all > mostRecordBytes - 1) {
    for (kept = 0, keptBytes = 0; kept < fields.length; kept += 1) {
      const { length } = fields[kept] ?? { length: 0 }
      if (head + keptBytes + length + continuationBytes > mostRecordBytes - 1) break
      keptBytes += length
    }
  }
  const rest = Buffer.concat(fields.slice(kept))
  if (rest.length > isoSectorBytes)
    throw cannotMake('iso-make-link', `Where "${placed.node.entry.path}" leads is too long for an ISO volume.`)
  const used = keptBytes + (rest.length > 0 ? continuationBytes : 0)
  // A record has an even length; the continuation, which is filled in later, ends it.
  const padding = (head + used) & 1
  const bytes = isoRecord(placed, id, date, head + used + padding)
    .put(head, Buffer.concat(fields.slice(0, kept)))
    .u8(25, (placed.node.entry.kind === 'folder' ? flags.folder : 0) | (continues ? flags.continues : 0)).bytes
  return { bytes, rest }
}

function isoRecord({ sector, lengthBytes }: PlacedNode, id: string, date: Date, length: number): Structure {
  return new Structure(length)
    .u8(0, length)
    .both32(2, sector)
    .both32(10, lengthBytes)
    .put(18, recordTime(date))
    .both16(28, 1)
    .u8(32, id.length)
    .text(33, id.length, id)
}

/** The record of the root in a descriptor, which has nothing of Rock Ridge. */
export function rootRecord(root: PlacedNode, date: Date): Uint8Array {
  return isoRecord(root, '\0', date, headBytes + 1).u8(25, flags.folder).bytes
}

export function recordTime(date: Date): Uint8Array {
  return Uint8Array.of(
    Math.min(255, Math.max(0, date.getUTCFullYear() - 1900)),
    date.getUTCMonth() + 1,
    date.getUTCDate(),
    date.getUTCHours(),
    date.getUTCMinutes(),
    date.getUTCSeconds(),
    0,
  )
}

/** Where each folder lies, by which old systems found them; in either order of bytes. */
export function pathTable(folders: readonly PlacedNode[], order: 'little' | 'big'): Uint8Array {
  const numbers = new Map(folders.map((folder, index) => [folder, index + 1]))
  return Buffer.concat(
    folders.map((folder) => {
      const { id, sector, parent } = folder
      const bytes = new Uint8Array(8 + id.length + (id.length & 1))
      const view = new DataView(bytes.buffer)
      view.setUint8(0, id.length)
      view.setUint32(2, sector, order === 'little')
      view.setUint16(6, numbers.get(parent ?? folder) ?? 1, order === 'little')
      bytes.set(Buffer.from(id, 'latin1'), 8)
      return bytes
    }),
  )
}
