import { encodeName } from '../../wasm/names.ts'
import { aclNames, aclToText } from './acl.ts'
import { contentBytes, type TarEntry, type TarKind, type TarTime } from './entry.ts'
import { blockBytes, checksum, field, mostOctal, padding, putBytes, putOctal, type } from './format.ts'
import { encodeRecords, encodeTime, encodeXattrKey, type Records } from './pax.ts'

const typeOf: Record<TarKind, string> = {
  file: type.file,
  folder: type.folder,
  link: type.link,
  'hard-link': type.hardLink,
  char: type.char,
  block: type.block,
  fifo: type.fifo,
}

/** Numbers, and words of the formats themselves. */
const text = (value: number | string) => Buffer.from(String(value), 'latin1')

/** Everything of an entry up to its content. The content follows, and then `tarPadding`. */
export function tarHeader(entry: TarEntry): Uint8Array {
  const records: Records = new Map()
  const map = entry.kind === 'file' && entry.extents !== null ? sparseMap(entry) : null
  const path = encodeName(entry.kind === 'folder' ? `${entry.path}/` : entry.path)
  const stored = contentBytes(entry) + (map?.length ?? 0)
  if (map) {
    // GNU tar's format 1.0: the name and size that count stand here, and what holds the pieces has another name.
    records.set('GNU.sparse.major', text(1))
    records.set('GNU.sparse.minor', text(0))
    records.set('GNU.sparse.name', path)
    records.set('GNU.sparse.realsize', text(entry.sizeBytes))
  }
  const shown = map ? text('GNUSparseFile.0/sparse') : path
  if (shown.length > field.name[1]) records.set('path', shown)
  const target = encodeName(entry.target)
  if (target.length > field.linkName[1]) records.set('linkpath', target)
  if (entry.uid > mostOctal(field.uid)) records.set('uid', text(entry.uid))
  if (entry.gid > mostOctal(field.gid)) records.set('gid', text(entry.gid))
  if (stored > mostOctal(field.size)) records.set('size', text(stored))
  addTimes(records, entry)
  for (const [name, value] of entry.xattrs) records.set(encodeXattrKey(name), value)
  // bsdtar knows access control lists in this form alone.
  for (const [key, name] of aclNames) {
    const acl = entry.xattrs.get(name)
    const shown = acl ? aclToText(acl) : null
    if (shown !== null) records.set(key, text(shown))
  }

  const header = plainHeader(typeOf[entry.kind], shown, stored)
  putOctal(header, field.mode, entry.permissions)
  putOctal(header, field.uid, entry.uid)
  putOctal(header, field.gid, entry.gid)
  putOctal(header, field.modified, entry.modified.seconds)
  putBytes(header, field.linkName, target)
  putOctal(header, field.major, entry.major)
  putOctal(header, field.minor, entry.minor)
  const parts = records.size > 0 ? extended(encodeRecords(records)) : []
  return Buffer.concat([...parts, sealed(header), ...(map ? [map] : [])])
}

/** After the content of an entry. */
export function tarPadding(entry: TarEntry): Uint8Array {
  return new Uint8Array(padding(contentBytes(entry)))
}

/** After the last entry. */
export function tarEnd(): Uint8Array {
  return new Uint8Array(2 * blockBytes)
}

function addTimes(records: Records, { modified, accessed, changed, created }: TarEntry): void {
  const plain = modified.nanoseconds === 0 && modified.seconds >= 0 && modified.seconds <= mostOctal(field.modified)
  const times: [string, TarTime | null][] = [
    ['mtime', plain ? null : modified],
    ['atime', accessed],
    ['ctime', changed],
    ['LIBARCHIVE.creationtime', created],
  ]
  for (const [key, time] of times) if (time) records.set(key, encodeTime(time))
}

/** How many pieces, then offset and length of each, a number per line, filled up to a block. The last one ends where the file does. */
function sparseMap({ extents, sizeBytes }: TarEntry): Uint8Array {
  const pieces = [...(extents ?? [])]
  const last = pieces.at(-1)
  if (!last || last.offset + last.length < sizeBytes) pieces.push({ offset: sizeBytes, length: 0 })
  const lines = [pieces.length, ...pieces.flatMap(({ offset, length }) => [offset, length])]
  const map = text(`${lines.join('\n')}\n`)
  return Buffer.concat([map, new Uint8Array(padding(map.length))])
}

function extended(records: Uint8Array): Uint8Array[] {
  const header = plainHeader(type.pax, paxName, records.length)
  putOctal(header, field.mode, 0o644)
  return [sealed(header), records, zeros.subarray(0, padding(records.length))]
}

const paxName = text('PaxHeader')
const zeros = new Uint8Array(blockBytes)
/** What is the same in all of them. */
const empty = new Uint8Array(blockBytes)
for (const number of [field.mode, field.uid, field.gid, field.modified, field.major, field.minor]) putOctal(empty, number, 0)
putBytes(empty, field.magic, text('ustar\x0000'))

function plainHeader(kind: string, name: Uint8Array, size: number): Uint8Array {
  const header = Buffer.allocUnsafe(blockBytes)
  header.set(empty)
  putBytes(header, field.name, name)
  putOctal(header, field.size, size)
  header[field.type[0]] = kind.charCodeAt(0)
  return header
}

/** Six digits, a zero byte and a space. */
function sealed(header: Uint8Array): Uint8Array {
  const [offset, length] = field.checksum
  const sum = checksum(header)
  putOctal(header, [offset, length - 1], sum)
  header[offset + length - 1] = 0x20
  return header
}
