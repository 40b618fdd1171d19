import { createHash, type Hash } from 'node:crypto'
import type { BlockDevice } from '../../block/device.ts'
import type { UnreadList } from '../../systems/archive/manifest.ts'
import { problemOf } from '../../systems/card.ts'
import type { TarEntry, TarExtent } from '../../volumes/tar/entry.ts'
import { padding } from '../../volumes/tar/format.ts'
import { tarHeader } from '../../volumes/tar/writer.ts'
import type { BackupItem } from './items.ts'

/** Where members go, one after the other. */
export interface ArchiveSink {
  put(bytes: Uint8Array): void
  room(most: number): Uint8Array
}

export interface Packed {
  doneFiles: number
  doneBytes: number
  unread: UnreadList
}

const pieceBytes = 1024 * 1024
/** Around a bad place, what can be read is found in steps of these. */
const stepBytes = 4096
const zeros = Buffer.alloc(padding(1) + 1)

/**
 * A member with its content. Between its pieces there is a pause, in which whoever asks for the next may wait for the disk, or give up. Returns the sum of a
 * file's whole content; null for what is no file, or could not be read whole: the places are zeros then, and told of.
 */
export function* packItem(item: BackupItem, sink: ArchiveSink, packed: Packed): Generator<void, string | null> {
  const { path } = item
  const problems: string[] = []
  const entry = entryOf(item, problems)
  const unread: UnreadList[number] = { path, why: '', ranges: [] }
  const content = entry.kind === 'file' ? openContent(item, problems) : null
  sink.put(tarHeader(entry))
  let sum: string | null = null
  if (entry.kind === 'file') {
    const hash = createHash('sha256')
    yield* packContent(entry, content, { sink, hash, packed, unread })
    if (content && unread.ranges.length === 0) sum = hash.digest('hex')
  }
  if (item.kind !== 'folder') packed.doneFiles += 1
  const [range] = unread.ranges
  if (range && content)
    problems.push(`${range.lengthBytes} bytes at ${range.offset} cannot be read${unread.ranges.length > 1 ? ', and more' : ''}`)
  if (problems.length > 0) packed.unread.push({ ...unread, why: problems.join('; ') })
  return sum
}

function entryOf(item: BackupItem, problems: string[]): TarEntry {
  const { node, path, kind, link, sizeBytes, modified } = item
  const times = node.times?.() ?? null
  const { value: xattrs, problem } = (link === null && node.xattrs?.()) || { value: new Map<string, Uint8Array>(), problem: null }
  if (problem) problems.push(problem.detail)
  return {
    kind: link === null ? kind : 'hard-link',
    path,
    target: link ?? (kind === 'link' ? (node.target ?? '') : ''),
    permissions: node.mode ?? (kind === 'folder' ? 0o755 : 0o644),
    uid: node.ownerId ?? 0,
    gid: node.groupId ?? 0,
    sizeBytes: link === null ? sizeBytes : 0,
    extents: link === null && kind === 'file' ? filledOf(item) : null,
    modified,
    accessed: times?.accessed ?? null,
    changed: times?.changed ?? null,
    // No kernel takes it back, and GNU tar warns of every member that has it.
    created: null,
    major: node.rdev?.major ?? 0,
    minor: node.rdev?.minor ?? 0,
    xattrs: xattrs ?? new Map(),
  }
}

/** The pieces of a file with holes; null for one without. */
function filledOf({ node, sizeBytes, contentBytes }: BackupItem): TarExtent[] | null {
  if (sizeBytes === contentBytes) return null
  const filled: TarExtent[] = []
  let offset = 0
  for (const { start, lengthBytes } of node.extents().value ?? []) {
    const last = filled.at(-1)
    if (start !== null && last && last.offset + last.length === offset) last.length += lengthBytes
    else if (start !== null) filled.push({ offset, length: lengthBytes })
    offset += lengthBytes
  }
  return filled
}

function openContent({ node }: BackupItem, problems: string[]): BlockDevice | null {
  const { value: device, problem } = node.open()
  if (problem) problems.push(problem.detail)
  return device
}

interface Packing {
  sink: ArchiveSink
  hash: Hash
  packed: Packed
  unread: UnreadList[number]
}

function* packContent(entry: TarEntry, content: BlockDevice | null, packing: Packing): Generator<void> {
  const { sink, hash, packed } = packing
  let at = 0
  let stored = 0
  for (const { offset, length } of entry.extents ?? [{ offset: 0, length: entry.sizeBytes }]) {
    yield* hashZeros(hash, offset - at)
    for (let done = 0; done < length; ) {
      const piece = sink.room(Math.min(pieceBytes, length - done))
      fill(piece, offset + done, content, packing)
      hash.update(piece)
      done += piece.length
      packed.doneBytes += piece.length
      if (done < length || piece.length === pieceBytes) yield
    }
    at = offset + length
    stored += length
  }
  yield* hashZeros(hash, entry.sizeBytes - at)
  sink.put(zeros.subarray(0, padding(stored)))
}

const hole = Buffer.alloc(pieceBytes)

function* hashZeros(hash: Hash, lengthBytes: number): Generator<void> {
  for (let left = lengthBytes; left > 0; left -= pieceBytes) {
    hash.update(left < pieceBytes ? hole.subarray(0, left) : hole)
    if (left > pieceBytes) yield
  }
}

/** Reads what can be read; around a bad place step by step, with zeros for what cannot. A card that is gone is thrown on. */
function fill(piece: Uint8Array, offset: number, content: BlockDevice | null, { unread }: Packing): void {
  if (content && isRead(content, piece, offset)) return
  for (let at = 0; at < piece.length; at += stepBytes) {
    const step = piece.subarray(at, at + stepBytes)
    if (!content || !isRead(content, step, offset + at)) addUnread(unread, step.fill(0), offset + at)
  }
}

function isRead(content: BlockDevice, into: Uint8Array, offset: number): boolean {
  try {
    content.readSync(into, offset)
    return true
  } catch (thrown) {
    problemOf(thrown)
    return false
  }
}

function addUnread({ ranges }: UnreadList[number], { length }: Uint8Array, offset: number): void {
  const last = ranges.at(-1)
  if (last && last.offset + last.lengthBytes === offset) last.lengthBytes += length
  else ranges.push({ offset, lengthBytes: length })
}

/** A file of our own making. */
export function ownEntry(path: string, sizeBytes: number, seconds: number): TarEntry {
  return {
    ...{ kind: 'file', path, target: '', permissions: 0o600, uid: 0, gid: 0, sizeBytes, extents: null },
    ...{ modified: { seconds, nanoseconds: 0 }, accessed: null, changed: null, created: null },
    ...{ major: 0, minor: 0, xattrs: new Map<string, Uint8Array>() },
  }
}
