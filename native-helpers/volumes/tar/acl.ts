/** include/uapi/linux/posix_acl_xattr.h: a version, then per entry its kind, permissions and whom it is for, little-endian. */
const version = 2
const entryBytes = 8
const nobody = 0xffffffff
const kinds = {
  user: { unnamed: 0x01, named: 0x02 },
  group: { unnamed: 0x04, named: 0x08 },
  mask: { unnamed: 0x10, named: 0x10 },
  other: { unnamed: 0x20, named: 0x20 },
} as const
type Word = keyof typeof kinds
const mostEntries = 4096

/**
 * An access control list as GNU tar and bsdtar write it (acl(5), long text form: "user::rw-,user:name:r--:1000,group::r--,mask::r--,other::---"), in the form of
 * getxattr(2). Null where it names somebody by a name alone, whose number only the system knows that it comes from, and where it is none.
 */
export function aclFromText(text: Uint8Array | undefined): Uint8Array | null {
  if (!text) return null
  const lines = Buffer.from(text)
    .toString('utf8')
    .split(/[,\n]/)
    .map((line) => line.replace(/#.*/, '').trim())
    .filter((line) => line !== '')
  if (lines.length === 0 || lines.length > mostEntries) return null
  const entries = lines.map(entryOf)
  const bytes = Buffer.alloc(4 + entries.length * entryBytes)
  bytes.writeUInt32LE(version, 0)
  const sorted = entries.flatMap((entry) => entry ?? []).sort((a, b) => a.kind - b.kind || a.id - b.id)
  if (sorted.length < entries.length) return null
  for (const [index, { kind, permissions, id }] of sorted.entries()) {
    const at = 4 + index * entryBytes
    bytes.writeUInt16LE(kind, at)
    bytes.writeUInt16LE(permissions, at + 2)
    bytes.writeUInt32LE(id, at + 4)
  }
  return new Uint8Array(bytes)
}

/** A list with nobody in it but whom the permissions name says no more than these; the kernel keeps none then. */
export function isPlainAcl(acl: Uint8Array): boolean {
  return acl.length === 4 + 3 * entryBytes
}

/** The nine bits of permissions that a file with this list has: what the group may is what the mask says, where there is one (acl(5)). */
export function permissionsOfAcl(acl: Uint8Array): number {
  const view = new DataView(acl.buffer, acl.byteOffset, acl.byteLength)
  const found = new Map<number, number>()
  for (let at = 4; at + entryBytes <= acl.length; at += entryBytes)
    found.set(view.getUint16(at, true), view.getUint16(at + 2, true) & 7)
  const of = (word: Word) => found.get(kinds[word].unnamed)
  return ((of('user') ?? 0) << 6) | ((of('mask') ?? of('group') ?? 0) << 3) | (of('other') ?? 0)
}

function entryOf(line: string): { kind: number; permissions: number; id: number } | null {
  const [word = '', name = '', rights = '', number = ''] = line.split(':').map((part) => part.trim())
  const kind = word in kinds ? kinds[word as Word] : null
  const letters = /^([r-])([w-])([x-])$/.exec(rights)
  if (!kind || !letters) return null
  const permissions = (letters[1] === 'r' ? 4 : 0) | (letters[2] === 'w' ? 2 : 0) | (letters[3] === 'x' ? 1 : 0)
  if (name === '' || word === 'mask' || word === 'other') return { kind: kind.unnamed, permissions, id: nobody }
  const id = Number(number === '' ? name : number)
  return Number.isInteger(id) && id >= 0 && id < nobody ? { kind: kind.named, permissions, id } : null
}

/** The other way, with numbers for everybody, as `tar --numeric-owner` writes it. Null for what is no list. */
export function aclToText(value: Uint8Array): string | null {
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength)
  if (value.length < 4 || (value.length - 4) % entryBytes !== 0 || view.getUint32(0, true) !== version) return null
  const lines: string[] = []
  for (let at = 4; at < value.length; at += entryBytes) {
    const kind = view.getUint16(at, true)
    const known = Object.entries(kinds).find(([, { named, unnamed }]) => kind === named || kind === unnamed)
    if (!known) return null
    const [word, { named, unnamed }] = known
    const rights = ['r', 'w', 'x'].map((letter, index) => (view.getUint16(at + 2, true) & (4 >> index) ? letter : '-'))
    lines.push(`${word}:${kind === named && named !== unnamed ? view.getUint32(at + 4, true) : ''}:${rights.join('')}`)
  }
  return lines.join(',')
}

/** The records that hold such text, and the attributes that they stand for. */
export const aclNames = [
  ['SCHILY.acl.access', 'system.posix_acl_access'],
  ['SCHILY.acl.default', 'system.posix_acl_default'],
] as const
