import { decodeName } from '../../wasm/names.ts'
import { aclFromText, aclNames, isPlainAcl, permissionsOfAcl } from './acl.ts'
import type { TarEntry, TarExtent, TarKind } from './entry.ts'
import { badArchive, blockBytes, checksum, field, padding, takeBytes, takeNumber, type } from './format.ts'
import { decodeRecords, decodeTime, decodeXattrKey, type Records, xattrPrefix } from './pax.ts'

const kindOf: Record<string, TarKind> = {
  [type.file]: 'file',
  '\0': 'file',
  [type.contiguous]: 'file',
  [type.hardLink]: 'hard-link',
  [type.link]: 'link',
  [type.char]: 'char',
  [type.block]: 'block',
  [type.folder]: 'folder',
  [type.fifo]: 'fifo',
}

/** Extended headers and long names are kept in memory whole. */
const mostExtendedBytes = 16 * 1024 * 1024
const mostExtents = 1_000_000

export interface ReadEntry {
  entry: TarEntry
  /** As it stands there, with the slashes and dots that `entry.path` is without. */
  writtenPath: string
  /** Records that have a meaning which is not carried over: access control lists as text, for one. */
  ignored: string[]
  /** The content's pieces at their offsets, once, before the next entry is asked for. What is not taken is passed over. */
  content(): Generator<{ offset: number; bytes: Uint8Array }>
}

/** The entries of an archive, in order, from its bytes as they come. Throws `tar-damaged`, also for an archive that is cut off, or that goes on behind its end. */
export function* readTar(chunks: Iterable<Uint8Array>): Generator<ReadEntry> {
  const input = new Input(chunks)
  const global: Records = new Map()
  let records: Records = new Map(global)
  for (;;) {
    const header = input.block()
    if (header === null) throw badArchive('it is cut off before its end')
    if (isEmpty(header)) return input.onlyZeros()
    if (takeNumber(header, field.checksum) !== checksum(header)) throw badArchive('the checksum of a header is wrong')
    const kind = String.fromCharCode(header[field.type[0]] ?? 0)
    const size = takeNumber(header, field.size)
    if (size < 0) throw badArchive('a size is negative')
    if (kind === type.pax || kind === type.paxGlobal || kind === type.gnuLongName || kind === type.gnuLongLink) {
      if (size > mostExtendedBytes) throw badArchive('an extended header is too long')
      const bytes = input.view(size)
      if (kind === type.pax) decodeRecords(bytes, records)
      else if (kind === type.paxGlobal) {
        decodeRecords(bytes, global)
        decodeRecords(bytes, records)
      } else records.set(kind === type.gnuLongName ? 'path' : 'linkpath', new Uint8Array(withoutZero(bytes)))
      input.skip(padding(size))
      continue
    }
    if (kind === type.gnuSparse) throw badArchive('it has holes in the old form of GNU tar; pack it again with --format=posix')
    yield* oneEntry(input, header, kind, records)
    records = new Map(global)
  }
}

function* oneEntry(input: Input, header: Uint8Array, kind: string, records: Records): Generator<ReadEntry> {
  const { entry, writtenPath } = entryOf(header, kind, records)
  let stored = records.has('size') ? decimal(records, 'size') : takeNumber(header, field.size)
  if (entry.kind !== 'file') {
    // Some write the size of what a hard link leads to, without content.
    input.skip(entry.kind === 'hard-link' ? 0 : stored + padding(stored))
    yield { entry, writtenPath, ignored: ignoredOf(records), *content() {} }
    return
  }
  const behind = padding(stored)
  if (entry.extents === null && records.has('GNU.sparse.major')) {
    const { extents, bytes } = readSparseMap(input)
    entry.extents = extents
    stored -= bytes
  }
  const pieces = entry.extents ?? [{ offset: 0, length: entry.sizeBytes }]
  if (pieces.reduce((sum, { length }) => sum + length, 0) !== stored)
    throw badArchive('the pieces of a file do not make up its content')
  const last = pieces.at(-1)
  if (last && last.offset + last.length > entry.sizeBytes) throw badArchive('the map of a file leads beyond its end')
  let left = stored
  yield {
    entry,
    writtenPath,
    ignored: ignoredOf(records),
    *content() {
      for (const { offset, length } of pieces) {
        for (let done = 0; done < length; ) {
          const bytes = input.some(length - done)
          left -= bytes.length
          yield { offset: offset + done, bytes }
          done += bytes.length
        }
      }
    },
  }
  input.skip(left + behind)
}

function entryOf(header: Uint8Array, type: string, records: Records): { entry: TarEntry; writtenPath: string } {
  const kind = kindOf[type]
  if (!kind) throw badArchive(`it holds something of the unknown kind ${JSON.stringify(type)}`)
  const prefix = takeBytes(header, field.prefix)
  const isUstar = Buffer.from(takeBytes(header, field.magic)).toString('latin1').startsWith('ustar')
  const short = takeBytes(header, field.name)
  const name = isUstar && prefix.length > 0 && !isGnu(header) ? Buffer.concat([prefix, Buffer.from('/'), short]) : short
  const path = decodeName(records.get('GNU.sparse.name') ?? records.get('path') ?? name)
  const time = (key: string) => {
    const value = records.get(key)
    return value ? decodeTime(value) : null
  }
  const sizeBytes = records.has('GNU.sparse.realsize')
    ? decimal(records, 'GNU.sparse.realsize')
    : records.has('GNU.sparse.size')
      ? decimal(records, 'GNU.sparse.size')
      : records.has('size')
        ? decimal(records, 'size')
        : takeNumber(header, field.size)
  const entry: TarEntry = {
    // Before ustar, a folder was a file whose name ends with a slash.
    kind: kind === 'file' && path.endsWith('/') ? 'folder' : kind,
    path: trimmed(path),
    target: kind === 'hard-link' ? trimmed(targetOf(header, records)) : targetOf(header, records),
    permissions: permissionsOf(header, records),
    uid: records.has('uid') ? decimal(records, 'uid') : takeNumber(header, field.uid),
    gid: records.has('gid') ? decimal(records, 'gid') : takeNumber(header, field.gid),
    sizeBytes: kind === 'file' ? sizeBytes : 0,
    extents: mapInHeader(records),
    modified: time('mtime') ?? { seconds: takeNumber(header, field.modified), nanoseconds: 0 },
    accessed: time('atime'),
    changed: time('ctime'),
    created: time('LIBARCHIVE.creationtime'),
    major: takeNumber(header, field.major),
    minor: takeNumber(header, field.minor),
    xattrs: xattrsOf(records),
  }
  return { entry, writtenPath: path }
}

function targetOf(header: Uint8Array, records: Records): string {
  return decodeName(records.get('linkpath') ?? takeBytes(header, field.linkName))
}

/** GNU's own headers ("ustar  ") have other things where the prefix is. */
function isGnu(header: Uint8Array): boolean {
  return header[field.magic[0] + 5] === 0x20
}

/** Without "./" and slashes around it; the top of an archive is "". */
function trimmed(path: string): string {
  return path
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/')
}

function withoutZero(bytes: Uint8Array): Uint8Array {
  const end = bytes.indexOf(0)
  return end < 0 ? bytes : bytes.subarray(0, end)
}

function decimal(records: Records, key: string): number {
  const text = Buffer.from(records.get(key) ?? []).toString('latin1')
  const value = Number(text)
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) throw badArchive(`the number ${key} is none`)
  return value
}

/** Format 1.0: the map stands before the content. */
function readSparseMap(input: Input): { extents: TarExtent[]; bytes: number } {
  let text = ''
  let bytes = 0
  let wanted = 1
  for (;;) {
    const block = input.block()
    if (block === null) throw badArchive('it ends within the map of a file')
    bytes += blockBytes
    text += Buffer.from(block).toString('latin1')
    const lines = text.split('\n')
    const count = lines.length > 1 ? Number(lines[0]) : Number.NaN
    if (lines.length > 1 && !(count >= 0 && count <= mostExtents)) throw badArchive('the map of a file is none')
    if (lines.length > 1) wanted = 1 + 2 * count
    if (lines.length > wanted) return { extents: extentsOf(lines.slice(1, wanted)), bytes }
    if (bytes > mostExtendedBytes) throw badArchive('the map of a file is too long')
  }
}

/** Formats 0.0 and 0.1 have the map in the extended header: "offset,length,offset,length". */
function mapInHeader(records: Records): TarExtent[] | null {
  const map = records.get('GNU.sparse.map')
  if (!map) return null
  return extentsOf(Buffer.from(map).toString('latin1').split(','))
}

function extentsOf(numbers: readonly string[]): TarExtent[] {
  const values = numbers.map((text) => (/^\d{1,15}$/.test(text) ? Number(text) : Number.NaN))
  const extents: TarExtent[] = []
  let end = 0
  for (let at = 0; at + 1 < values.length; at += 2) {
    const [offset = Number.NaN, length = Number.NaN] = [values[at], values[at + 1]]
    if (!(offset >= end) || !(length >= 0)) throw badArchive('the map of a file is out of order')
    end = offset + length
    if (length > 0) extents.push({ offset, length })
  }
  return extents
}

/** Access control lists as text, and the label of SELinux, as GNU tar and bsdtar write them beside the attributes; these count where they are there too. */
function xattrsOf(records: Records): Map<string, Uint8Array> {
  const xattrs = new Map<string, Uint8Array>()
  for (const [key, value] of records) {
    if (key.startsWith(xattrPrefix)) xattrs.set(decodeXattrKey(key), value)
  }
  for (const [key, name] of aclNames) {
    const acl = xattrs.has(name) ? null : aclFromText(records.get(key))
    if (acl && !(name === accessName && isPlainAcl(acl))) xattrs.set(name, acl)
  }
  const label = records.get(selinuxKey)
  if (label && !xattrs.has(selinuxName)) xattrs.set(selinuxName, Buffer.concat([label, new Uint8Array(1)]))
  return xattrs
}

/** bsdtar writes the permissions as they would be without the list. */
function permissionsOf(header: Uint8Array, records: Records): number {
  const mode = takeNumber(header, field.mode) & 0o7777
  const acl = aclFromText(records.get(accessKey))
  return acl ? (mode & ~0o777) | permissionsOfAcl(acl) : mode
}

const [[accessKey, accessName]] = aclNames
const selinuxKey = 'RHT.security.selinux'
const selinuxName = 'security.selinux'

function ignoredOf(records: Records): string[] {
  const lost = aclNames.filter(([key]) => records.has(key) && aclFromText(records.get(key)) === null).map(([key]) => key)
  return [...lost, ...[...records.keys()].filter((key) => key.startsWith('SCHILY.fflags') || key === 'SCHILY.acl.ace')]
}

function isEmpty(header: Uint8Array): boolean {
  for (const byte of header) if (byte !== 0) return false
  return true
}

/** Bytes from chunks of any size. */
class Input {
  readonly #chunks: Iterator<Uint8Array>
  #rest: Uint8Array = new Uint8Array(0)

  constructor(chunks: Iterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.iterator]()
  }

  #fill(): boolean {
    while (this.#rest.length === 0) {
      const next = this.#chunks.next()
      if (next.done) return false
      this.#rest = next.value
    }
    return true
  }

  /** At least one byte and at most `most`, without copying. */
  some(most: number): Uint8Array {
    if (!this.#fill()) throw badArchive('it ends within a file')
    const part = this.#rest.subarray(0, most)
    this.#rest = this.#rest.subarray(part.length)
    return part
  }

  take(length: number): Uint8Array {
    const taken = new Uint8Array(length)
    for (let done = 0; done < length; ) {
      const part = this.some(length - done)
      taken.set(part, done)
      done += part.length
    }
    return taken
  }

  /** Valid until more is asked for. */
  view(length: number): Uint8Array {
    return this.#rest.length < length ? this.take(length) : this.some(length)
  }

  /** Null at the end; valid until more is asked for. */
  block(): Uint8Array | null {
    return this.#fill() ? this.view(blockBytes) : null
  }

  onlyZeros(): void {
    while (this.#fill()) {
      if (this.#rest.some((byte) => byte !== 0)) throw badArchive('something follows its end')
      this.#rest = new Uint8Array(0)
    }
  }

  skip(length: number): void {
    for (let left = length; left > 0; ) left -= this.some(left).length
  }
}
