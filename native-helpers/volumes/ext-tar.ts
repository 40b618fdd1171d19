/** A folder of an ext volume as a tar archive, and back, with everything that a Linux system keeps of its files. */
import { LivecardError } from '../errors.ts'
import type { ExtFiles } from '../wasm/ext-files.ts'
import type { Attributes, FileKind } from '../wasm/ext-types.ts'
import type { ExtWriter } from '../wasm/ext-writer.ts'
import type { TarEntry, TarKind, TarTime } from './tar/entry.ts'
import { type ReadEntry, readTar } from './tar/reader.ts'
import { tarEnd, tarHeader, tarPadding } from './tar/writer.ts'

export interface TarCount {
  entries: number
  /** Of content, without holes. */
  bytes: number
  /** What an archive cannot hold (sockets), or holds and was not carried over; the first hundred. */
  left: string[]
}

const leftAtMost = 100
/** Deeper than the kernel's longest path leads; a volume that goes deeper is damaged. */
const deepest = 2048

function leave(count: TarCount, what: string): void {
  if (count.left.length < leftAtMost) count.left.push(what)
}

/** The bytes of the archive as they come; each piece is valid until the next. `count` is brought up to date on the way. */
export function* packTar(
  files: ExtFiles,
  top: number,
  count: TarCount = { entries: 0, bytes: 0, left: [] },
): Generator<Uint8Array> {
  const names = new Map<number, string>()
  yield* packOne({ files, count, names, folders: new Set() }, top, '.', 0)
  yield tarEnd()
}

interface Packing {
  files: ExtFiles
  count: TarCount
  /** The first path of every file that has several. */
  names: Map<number, string>
  /** On the way from the top: a folder in itself is damage. */
  folders: Set<number>
}

const tarKinds: Partial<Record<FileKind, TarKind>> = {
  file: 'file',
  folder: 'folder',
  link: 'link',
  char: 'char',
  block: 'block',
  fifo: 'fifo',
}

function* packOne(packing: Packing, inode: number, path: string, depth: number): Generator<Uint8Array> {
  const { files, count, names, folders } = packing
  const attributes = files.attributes(inode)
  const kind = tarKinds[attributes.kind]
  if (!kind) return leave(count, `${path}: ${attributes.kind}`)
  const earlier = names.get(inode)
  const entry = entryOf(files, inode, attributes, earlier === undefined ? kind : 'hard-link', path, earlier)
  count.entries += 1
  yield tarHeader(entry)
  if (earlier !== undefined) return
  if (kind !== 'folder' && attributes.links > 1) names.set(inode, path)
  if (kind === 'file') {
    for (const { bytes } of files.content(inode, attributes)) {
      count.bytes += bytes.length
      yield bytes
    }
    yield tarPadding(entry)
  }
  if (kind !== 'folder') return
  if (folders.has(inode) || depth > deepest) throw foldersLoop(path)
  folders.add(inode)
  for (const { name, inode: below } of files.list(inode)) yield* packOne(packing, below, `${path}/${name}`, depth + 1)
  folders.delete(inode)
}

function entryOf(files: ExtFiles, inode: number, attributes: Attributes, kind: TarKind, path: string, earlier?: string): TarEntry {
  const { sizeBytes, created } = attributes
  const runs = kind === 'file' ? files.runs(inode, attributes) : null
  const filled = runs?.reduce((sum, { length }) => sum + length, 0)
  return {
    kind,
    path,
    target: earlier ?? (kind === 'link' ? files.linkTarget(inode) : ''),
    permissions: attributes.permissions,
    uid: attributes.uid,
    gid: attributes.gid,
    sizeBytes: kind === 'file' ? sizeBytes : 0,
    extents: runs && filled !== sizeBytes ? runs : null,
    modified: attributes.modified,
    accessed: attributes.accessed,
    changed: attributes.changed,
    created: created.seconds === 0 && created.nanoseconds === 0 ? null : created,
    major: attributes.major,
    minor: attributes.minor,
    xattrs: kind === 'hard-link' ? new Map() : files.xattrs(inode),
  }
}

export interface UnpackOptions {
  /** Called after each entry. */
  progress?(count: TarCount): void
}

/** Fills a folder of a volume from an archive. What stands in the way is replaced; folders that are there are kept and take the archive's attributes. */
export function unpackTar(
  writer: ExtWriter,
  top: number,
  chunks: Iterable<Uint8Array>,
  { progress }: UnpackOptions = {},
): TarCount {
  const count: TarCount = { entries: 0, bytes: 0, left: [] }
  // A folder's times change with what is put into it, so they are set when all is there.
  const folders: [inode: number, entry: TarEntry][] = []
  const places = new Map<string, number>([['', top]])
  for (const read of readTar(chunks)) {
    const { entry } = read
    for (const record of read.ignored) leave(count, `${entry.path}: ${record}`)
    const inode = unpackOne(writer, places, read, count)
    if (entry.kind === 'folder') folders.push([inode, entry])
    else if (entry.kind !== 'hard-link') applyAttributes(writer, inode, entry)
    count.entries += 1
    progress?.(count)
  }
  for (const [inode, entry] of folders.reverse()) applyAttributes(writer, inode, entry)
  return count
}

function unpackOne(writer: ExtWriter, places: Map<string, number>, { entry, content }: ReadEntry, count: TarCount): number {
  const parts = entry.path === '' ? [] : entry.path.split('/')
  if (parts.includes('..')) throw leadsOut(entry.path)
  const name = parts.pop()
  const top = places.get('') ?? 0
  if (name === undefined) {
    if (entry.kind !== 'folder') throw leadsOut(entry.path)
    return top
  }
  const parent = folderOf(writer, places, parts)
  const there = writer.lookup(parent, name)
  if (there !== null) {
    if (entry.kind === 'folder' && writer.attributes(there).kind === 'folder') {
      places.set(entry.path, there)
      return there
    }
    // Also what was noted of folders below it.
    writer.removeTree(parent, name)
    for (const path of places.keys()) if (path === entry.path || path.startsWith(`${entry.path}/`)) places.delete(path)
  }
  switch (entry.kind) {
    case 'folder': {
      const inode = writer.makeFolder(parent, name)
      places.set(entry.path, inode)
      return inode
    }
    case 'link':
      return writer.makeLink(parent, name, entry.target)
    case 'hard-link': {
      const inode = existing(writer, places, entry.target)
      writer.hardLink(parent, name, inode)
      return inode
    }
    case 'file': {
      const inode = writer.makeFile(parent, name, { kind: 'file' })
      for (const { offset, bytes } of content()) {
        writer.write(inode, offset, bytes)
        count.bytes += bytes.length
      }
      if (entry.extents !== null) writer.setSize(inode, entry.sizeBytes)
      return inode
    }
    default:
      return writer.makeFile(parent, name, { kind: entry.kind, major: entry.major, minor: entry.minor })
  }
}

/** Made where an archive does not name it. No link is followed on the way: an archive cannot write outside the folder that it is unpacked into. */
function folderOf(writer: ExtWriter, places: Map<string, number>, parts: readonly string[]): number {
  const path = parts.join('/')
  const known = places.get(path)
  if (known !== undefined) return known
  const name = parts.at(-1) ?? ''
  const parent = folderOf(writer, places, parts.slice(0, -1))
  const there = writer.lookup(parent, name)
  if (there !== null && writer.attributes(there).kind !== 'folder') throw leadsOut(path)
  const inode = there ?? writer.makeFolder(parent, name)
  places.set(path, inode)
  return inode
}

function existing(writer: ExtWriter, places: Map<string, number>, path: string): number {
  const parts = path.split('/')
  const name = parts.pop() ?? ''
  if (parts.includes('..')) throw leadsOut(path)
  const inode = writer.lookup(folderOf(writer, places, parts), name)
  if (inode === null) throw leadsOut(path)
  return inode
}

function applyAttributes(writer: ExtWriter, inode: number, entry: TarEntry): void {
  for (const [name, value] of entry.xattrs) writer.setXattr(inode, name, value)
  const { permissions, uid, gid, modified, accessed, changed, created } = entry
  const given = { accessed, changed, created } as Record<string, TarTime | null>
  const times = Object.fromEntries(Object.entries(given).filter(([, time]) => time !== null))
  writer.setAttributes(inode, { permissions, uid, gid, modified, accessed: modified, ...times })
}

function leadsOut(path: string): LivecardError {
  return new LivecardError('data', 'tar-leads-out', {
    message: `The archive names ${path || 'its top'}, which leads out of it, or to nothing.`,
    meaning: 'It was not unpacked further. What came before is there.',
    next: 'Do not trust this archive; take one that Livecard or GNU tar has made.',
  })
}

function foldersLoop(path: string): LivecardError {
  return new LivecardError('data', 'ext-damaged', {
    message: `The folders of the volume lead back into themselves (at ${path.slice(0, 200)}).`,
    meaning: 'The archive is not complete.',
    next: 'Repair the volume first.',
  })
}
