import { recordTime } from './iso9660-records.ts'
import type { NewEntry } from './new-entry.ts'
import { Structure } from './structure.ts'

/** What Rock Ridge says of an entry (IEEE P1282, RRIP 1.10, over SUSP). */
export interface Susp {
  kind: NewEntry['kind']
  mode: number
  ownerId: number
  groupId: number
  links: number
  modified: Date
  target: string | null
}

const typeBits: Record<NewEntry['kind'], number> = { folder: 0o040000, file: 0o100000, link: 0o120000 }
const timeModified = 2
/** A field says its length in one byte; of that, four bytes are its head, and one its flags. */
const mostContentBytes = 250
const continues = 1
/** Of a component of a link. */
const componentFlags = { continues: 1, current: 2, parent: 4, root: 8 }

/** Fields of an entry, one by one: rights, time, name and where it leads. */
export function attributesOf(facts: Susp, name: string | null = null): Uint8Array[] {
  const { kind, mode, ownerId, groupId, links, modified, target } = facts
  const rights = new Structure(36).text(0, 2, 'PX').u8(2, 36).u8(3, 1)
  rights
    .both32(4, typeBits[kind] | mode)
    .both32(12, links)
    .both32(20, ownerId)
    .both32(28, groupId)
  const times = new Structure(12).text(0, 2, 'TF').u8(2, 12).u8(3, 1).u8(4, timeModified).put(5, recordTime(modified))
  return [
    rights.bytes,
    times.bytes,
    ...(name === null ? [] : nameFields(Buffer.from(name))),
    ...(target === null ? [] : linkFields(components(target))),
  ]
}

/** The first record of the root also says that there is Rock Ridge at all. */
export function rootAttributes(facts: Susp): Uint8Array[] {
  const start = new Structure(7).text(0, 2, 'SP').u8(2, 7).u8(3, 1).u8(4, 0xbe).u8(5, 0xef).bytes
  const id = 'RRIP_1991A'
  const extension = new Structure(8 + id.length)
    .text(0, 2, 'ER')
    .u8(2, 8 + id.length)
    .u8(3, 1)
    .u8(4, id.length)
    .u8(7, 1)
  return [start, ...attributesOf(facts), extension.text(8, id.length, id).bytes]
}

/** Says where the fields go on; in sectors of the volume. */
export const continuationBytes = 28

export function continuation(sector: number, offset: number, lengthBytes: number): Uint8Array {
  return new Structure(continuationBytes)
    .text(0, 2, 'CE')
    .u8(2, continuationBytes)
    .u8(3, 1)
    .both32(4, sector)
    .both32(12, offset)
    .both32(20, lengthBytes).bytes
}

function field(signature: string, flags: number, content: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(signature, 'latin1'), Uint8Array.of(5 + content.length, 1, flags), content])
}

function nameFields(name: Uint8Array): Uint8Array[] {
  const fields: Uint8Array[] = []
  for (let at = 0; at < name.length; at += mostContentBytes) {
    const part = name.subarray(at, at + mostContentBytes)
    fields.push(field('NM', at + part.length < name.length ? continues : 0, part))
  }
  return fields
}

/** As many components in each field as fit. */
function linkFields(parts: readonly Uint8Array[]): Uint8Array[] {
  const groups: Uint8Array[][] = [[]]
  let used = 0
  for (const part of parts) {
    if (used + part.length > mostContentBytes) {
      groups.push([])
      used = 0
    }
    groups.at(-1)?.push(part)
    used += part.length
  }
  return groups.map((group, index) => field('SL', index < groups.length - 1 ? continues : 0, Buffer.concat(group)))
}

/** Each part of a path with its flags and its length; one that is too long for a field goes on in the next. */
function components(target: string): Uint8Array[] {
  const root = target.startsWith('/') ? [Uint8Array.of(componentFlags.root, 0)] : []
  const parts = target.split('/').filter((part) => part !== '')
  return [...root, ...parts.flatMap(component)]
}

function component(part: string): Uint8Array[] {
  if (part === '.') return [Uint8Array.of(componentFlags.current, 0)]
  if (part === '..') return [Uint8Array.of(componentFlags.parent, 0)]
  const bytes = Buffer.from(part)
  const mostBytes = mostContentBytes - 2
  const pieces: Uint8Array[] = []
  for (let at = 0; at < bytes.length; at += mostBytes) {
    const piece = bytes.subarray(at, at + mostBytes)
    const flags = at + piece.length < bytes.length ? componentFlags.continues : 0
    pieces.push(Buffer.concat([Uint8Array.of(flags, piece.length), piece]))
  }
  return pieces
}
