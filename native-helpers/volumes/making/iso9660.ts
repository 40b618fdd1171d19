import { entryTree, isFile, type NewNode } from './entry-tree.ts'
import { cannotMake } from './errors.ts'
import { folderSectors, isoSectorBytes, type PlacedNode, pathTable, rootRecord } from './iso9660-records.ts'
import { contentLength, contentParts, type NewEntry, type WritableDevice } from './new-entry.ts'
import { Structure } from './structure.ts'

export interface NewIso {
  /** At most 32 characters; those that strict readers want are not insisted on, as the systems here do not either. */
  volumeId: string
  entries: readonly NewEntry[]
  /** Creation and modification: the volume's UUID is made of its digits. Two volumes of one card need different ones. */
  date: Date
  /** 32 as xorriso writes an image that it has changed: descriptors at sectors 16 and 48, and 32 unused sectors counted. */
  sessionSector?: 0 | 32
  /** Where everything but the descriptors begins: behind them without, and elsewhere where another volume is to stay whole until they are written. */
  contentSector?: number
  /** Called where all that was written so far has to be safe before the descriptors, which make it count. */
  settle?: () => void
}

/** Descriptors lie from the 16th sector of the session on, the tables of folders behind them. */
const descriptorSector = 16
/** Of a volume that begins with its device. */
export const firstContentSector = 18
const partBytes = 1024 * 1024
const mostFolders = 65535
const longestName = 255
const longestVolumeId = 32

/**
 * Writes an ISO 9660 volume with Rock Ridge onto the start of a device; every file lies in one piece. What lies before the session stays as it is, but for
 * the descriptors. Answers its length in bytes. Throws "iso-make-…" for what an ISO volume cannot hold.
 */
export function makeIso9660(device: WritableDevice, options: NewIso): number {
  const { volumeId, entries, date, sessionSector = 0, settle } = options
  if (Buffer.byteLength(volumeId, 'latin1') > longestVolumeId)
    throw cannotMake('iso-make-name', `The volume id "${volumeId}" is longer than ${longestVolumeId} characters.`)
  const root = placed(entryTree(entries), null, '\0')
  const folders = byLevel(root)
  if (folders.length > mostFolders)
    throw cannotMake('iso-make-folders', `An ISO volume cannot have more than ${mostFolders} folders.`)
  const files = folders.flatMap(({ children }) => children).filter(({ node }) => isFile(node.entry))
  // Before anything is placed: how long a folder is depends on how many extents its files have.
  for (const file of files) file.lengthBytes = isFile(file.node.entry) ? contentLength(file.node.entry) : 0
  const tableBytes = pathTable(folders, 'little').length
  const tableSectors = Math.ceil(tableBytes / isoSectorBytes)
  const table = options.contentSector ?? sessionSector + firstContentSector
  let next = table + 2 * tableSectors
  for (const folder of folders) {
    const { bytes, lengthBytes } = folderSectors(folder, date)
    folder.lengthBytes = lengthBytes
    folder.sector = next
    next += bytes.length / isoSectorBytes
  }
  for (const file of files) {
    file.sector = next
    next += Math.ceil(file.lengthBytes / isoSectorBytes)
  }
  const roomBytes = device.limitBytes ?? device.size
  if (next * isoSectorBytes > roomBytes)
    throw cannotMake('iso-make-room', `The ISO volume needs ${next * isoSectorBytes} bytes, and there is room for ${roomBytes}.`)

  for (const folder of folders) device.writeSync(folderSectors(folder, date).bytes, folder.sector * isoSectorBytes)
  for (const file of files) writeFile(device, file)
  const tables = [pathTable(folders, 'little'), pathTable(folders, 'big')]
  for (const [index, bytes] of tables.entries())
    device.writeSync(inWholeSectors(bytes), (table + index * tableSectors) * isoSectorBytes)
  const end = new Structure(isoSectorBytes).u8(0, 255).text(1, 5, 'CD001').u8(6, 1).bytes
  settle?.()
  // The descriptors of the session itself come last: until then, what was there before is found.
  for (const start of sessionSector === 0 ? [0] : [sessionSector, 0]) {
    // The first one counts what lies before the session, the one of the session does not.
    const blocks = next - start
    const descriptor = primaryDescriptor({ volumeId, date, blocks, tableBytes, table, tableSectors, root })
    device.writeSync(end, (start + descriptorSector + 1) * isoSectorBytes)
    device.writeSync(descriptor, (start + descriptorSector) * isoSectorBytes)
  }
  device.flushSync()
  return next * isoSectorBytes
}

function writeFile(device: WritableDevice, { node, sector, lengthBytes }: PlacedNode): void {
  if (!isFile(node.entry)) return
  const start = sector * isoSectorBytes
  for (const { offset, bytes } of contentParts(node.entry, partBytes)) device.writeSync(bytes, start + offset)
  const padding = (isoSectorBytes - (lengthBytes % isoSectorBytes)) % isoSectorBytes
  if (padding > 0) device.writeSync(new Uint8Array(padding), start + lengthBytes)
}

function inWholeSectors(bytes: Uint8Array): Uint8Array {
  const whole = new Uint8Array(Math.ceil(bytes.length / isoSectorBytes) * isoSectorBytes)
  whole.set(bytes)
  return whole
}

/** ECMA-119 wants folders at most eight deep; Rock Ridge systems do not mind, and xorriso does not keep to it either. */
function placed(node: NewNode, parent: PlacedNode | null, id: string): PlacedNode {
  if (Buffer.byteLength(node.name) > longestName)
    throw cannotMake('iso-make-name', `The name "${node.name}" is longer than ${longestName} bytes.`)
  const own: PlacedNode = { node, parent, id, sector: 0, lengthBytes: 0, children: [] }
  const taken = new Set<string>()
  const nextNumbers = new Map<string, number>()
  own.children = node.children.map((child) => placed(child, own, isoName(child, taken, nextNumbers)))
  // All letters of a name are above the point and the end, so that this is the order of ECMA-119, 9.3.
  own.children.sort((a, b) => (a.id < b.id ? -1 : 1))
  return own
}

/** A name of level 1, once in its folder: capitals, eight characters and three. `nextNumbers` remembers where the last search for a free one ended. */
function isoName({ name, entry }: NewNode, taken: Set<string>, nextNumbers: Map<string, number>): string {
  const clean = (text: string) => text.toUpperCase().replace(/[^A-Z0-9_]/g, '_')
  const dot = entry.kind === 'folder' ? -1 : name.lastIndexOf('.')
  const base = clean(dot > 0 ? name.slice(0, dot) : name) || '_'
  const ending = dot > 0 ? clean(name.slice(dot + 1)).slice(0, 3) : ''
  const key = `${base.slice(0, 8)}.${ending}`
  for (let number = nextNumbers.get(key) ?? 0; ; number += 1) {
    const tail = number === 0 ? '' : String(number)
    const short = base.slice(0, 8 - tail.length) + tail
    const id = entry.kind === 'folder' ? short : `${short}.${ending};1`
    if (taken.has(id)) continue
    taken.add(id)
    nextNumbers.set(key, number + 1)
    return id
  }
}

/** Folders in the order of the path table: level by level, each level by the place of its parent and then by name. */
function byLevel(root: PlacedNode): PlacedNode[] {
  const folders = [root]
  for (const folder of folders) folders.push(...folder.children.filter(({ node }) => node.entry.kind === 'folder'))
  return folders
}

interface Descriptor {
  volumeId: string
  date: Date
  blocks: number
  tableBytes: number
  table: number
  tableSectors: number
  root: PlacedNode
}

/** ECMA-119, 8.4. */
function primaryDescriptor({ volumeId, date, blocks, tableBytes, table, tableSectors, root }: Descriptor): Uint8Array {
  const bytes = new Structure(isoSectorBytes)
    .u8(0, 1)
    .text(1, 5, 'CD001')
    .u8(6, 1)
    .text(8, 32, 'LINUX', 0x20)
    .text(40, longestVolumeId, volumeId, 0x20)
  bytes.both32(80, blocks).both16(120, 1).both16(124, 1).both16(128, isoSectorBytes).both32(132, tableBytes)
  bytes.u32(140, table).big32(148, table + tableSectors)
  bytes.put(156, rootRecord(root, date)).text(190, 623, '', 0x20)
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
