import type { TarEntry, TarExtent } from '../../volumes/tar/entry.ts'
import { isWhiteout, type TreeNode } from '../../volumes/tree.ts'
import type { ArchiveMember } from '../archive/contents.ts'
import { type BackupMember, deletionMark } from '../backup.ts'
import { cannotConvert } from './convert-errors.ts'

const pieceBytes = 1024 * 1024
const marked = 'trusted.overlay.'
const kinds: Partial<Record<TreeNode['kind'], TarEntry['kind']>> = {
  file: 'file',
  directory: 'folder',
  symlink: 'link',
  'character-device': 'char',
  'block-device': 'block',
  fifo: 'fifo',
}

/**
 * What differs, as entries that an overlayfs finds in its upper folder. Sockets are left out, which their programs make anew. Throws `convert-impossible` where
 * something cannot be read, and where a file is what overlayfs takes for one of its own marks.
 */
export function* upperMembers(members: Iterable<BackupMember>): Generator<ArchiveMember> {
  const first = new Map<number, string>()
  const markId = deletionMark('').id
  for (const { path, ...member } of members) {
    if (member.node === null) throw cannotConvert(`"${path}" cannot be read whole: ${'why' in member ? member.why : ''}`)
    const { node } = member
    const kind = kinds[node.kind]
    if (!kind) continue
    if (isWhiteout(node) && node.id !== markId) throw ownMarks(path)
    const link = kind === 'folder' || (node.links ?? 1) < 2 ? undefined : first.get(node.id)
    if (link === undefined && kind !== 'folder' && (node.links ?? 1) > 1) first.set(node.id, path)
    yield memberOf(path, node, link === undefined ? kind : 'hard-link', link ?? node.target ?? '')
  }
}

function memberOf(path: string, node: TreeNode, kind: TarEntry['kind'], target: string): ArchiveMember {
  const { value: xattrs, problem } = node.xattrs?.() ?? { value: new Map<string, Uint8Array>(), problem: null }
  if (!xattrs) throw cannotConvert(`the attributes of "${path}" cannot be read: ${problem?.detail}`)
  for (const name of xattrs.keys()) if (name.startsWith(marked)) throw ownMarks(path)
  const times = node.times?.() ?? null
  const entry: TarEntry = {
    ...{ kind, path, target, xattrs },
    permissions: node.mode ?? 0o755,
    uid: node.ownerId ?? 0,
    gid: node.groupId ?? 0,
    sizeBytes: kind === 'file' ? node.sizeBytes : 0,
    extents: kind === 'file' ? filledOf(node) : null,
    modified: { seconds: node.modifiedSeconds ?? 0, nanoseconds: node.modifiedNanoseconds ?? 0 },
    accessed: times?.accessed ?? null,
    changed: times?.changed ?? null,
    created: null,
    major: node.rdev?.major ?? 0,
    minor: node.rdev?.minor ?? 0,
  }
  return { entry, ignored: [], content: () => contentOf(entry, node) }
}

/** Holes take no room in the other form either. What does not lie in blocks of its own has none. */
function filledOf(node: TreeNode): TarExtent[] {
  const { value: extents } = node.extents()
  const filled: TarExtent[] = []
  let offset = 0
  for (const { start, lengthBytes } of extents ?? [{ start: 0, lengthBytes: node.sizeBytes }]) {
    const length = Math.min(lengthBytes, node.sizeBytes - offset)
    const last = filled.at(-1)
    if (start !== null && last && last.offset + last.length === offset) last.length += length
    else if (start !== null && length > 0) filled.push({ offset, length })
    offset += lengthBytes
  }
  return filled
}

function* contentOf({ path, extents }: TarEntry, node: TreeNode): Generator<{ offset: number; bytes: Uint8Array }> {
  for (const { offset, length } of extents ?? []) {
    const { value: device, problem } = node.open()
    if (!device) throw cannotConvert(`"${path}" cannot be read: ${problem.detail}`)
    for (let done = 0; done < length; done += pieceBytes) {
      const bytes = new Uint8Array(Math.min(pieceBytes, length - done))
      device.readSync(bytes, offset + done)
      yield { offset: offset + done, bytes }
    }
  }
}

function ownMarks(path: string) {
  return cannotConvert(
    `"${path}" belongs to the layers of a container, of which the system's own overlay would take the marks for its own`,
  )
}
