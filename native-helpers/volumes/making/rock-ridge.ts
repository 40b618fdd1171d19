import { recordTime } from './iso9660.ts'
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

/** Fields of an entry: rights, time, name and where it leads. */
export function attributesOf(facts: Susp, name: string | null = null): Uint8Array {
  const { kind, mode, ownerId, groupId, links, modified, target } = facts
  const rights = new Structure(36).text(0, 2, 'PX').u8(2, 36).u8(3, 1)
  rights
    .both32(4, typeBits[kind] | mode)
    .both32(12, links)
    .both32(20, ownerId)
    .both32(28, groupId)
  const times = new Structure(12).text(0, 2, 'TF').u8(2, 12).u8(3, 1).u8(4, timeModified).put(5, recordTime(modified))
  const parts = [rights.bytes, times.bytes]
  if (name !== null) parts.push(field('NM', Buffer.concat([Uint8Array.of(0), Buffer.from(name)])))
  if (target !== null) parts.push(field('SL', Buffer.concat([Uint8Array.of(0), ...components(target)])))
  return Buffer.concat(parts)
}

/** The first record of the root also says that there is Rock Ridge at all. */
export function rootAttributes(facts: Susp): Uint8Array {
  const start = new Structure(7).text(0, 2, 'SP').u8(2, 7).u8(3, 1).u8(4, 0xbe).u8(5, 0xef).bytes
  const id = 'RRIP_1991A'
  const extension = new Structure(8 + id.length)
    .text(0, 2, 'ER')
    .u8(2, 8 + id.length)
    .u8(3, 1)
    .u8(4, id.length)
    .u8(7, 1)
  return Buffer.concat([start, attributesOf(facts), extension.text(8, id.length, id).bytes])
}

function field(signature: string, content: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(signature, 'latin1'), Uint8Array.of(4 + content.length, 1), content])
}

/** Each part of a path with its flags: 2 for ".", 4 for "..", 8 for the root. */
function components(target: string): Uint8Array[] {
  const root = target.startsWith('/') ? [Uint8Array.of(8, 0)] : []
  const parts = target.split('/').filter((part) => part !== '')
  return [
    ...root,
    ...parts.map((part) => {
      if (part === '.') return Uint8Array.of(2, 0)
      if (part === '..') return Uint8Array.of(4, 0)
      const bytes = Buffer.from(part)
      return Buffer.concat([Uint8Array.of(0, bytes.length), bytes])
    }),
  ]
}
