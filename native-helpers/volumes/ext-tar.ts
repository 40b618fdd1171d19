/** A folder of an ext volume as a tar archive, and back, with everything that a Linux system keeps of its files. */
import { LivecardError } from '../errors.ts'
import type { ExtFiles } from '../wasm/ext-files.ts'
import type { Attributes, FileKind } from '../wasm/ext-types.ts'
import type { ExtWriter } from '../wasm/ext-writer.ts'
import { ExtUnpacker } from './ext-unpack.ts'
import type { TarEntry, TarKind } from './tar/entry.ts'
import { readTar } from './tar/reader.ts'
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
  const unpacker = new ExtUnpacker(writer, top)
  for (const read of readTar(chunks)) {
    for (const record of read.ignored) leave(count, `${read.entry.path}: ${record}`)
    unpacker.add(read)
    count.entries += 1
    count.bytes = unpacker.bytes
    progress?.(count)
  }
  unpacker.finish()
  return count
}

function foldersLoop(path: string): LivecardError {
  return new LivecardError('data', 'ext-damaged', {
    message: `The folders of the volume lead back into themselves (at ${path.slice(0, 200)}).`,
    meaning: 'The archive is not complete.',
    next: 'Repair the volume first.',
  })
}
