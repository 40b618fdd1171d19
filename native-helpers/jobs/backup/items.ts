import type { BackupEntry } from '../../contract-backup.ts'
import type { ArchiveFile } from '../../systems/archive/manifest.ts'
import type { Backup } from '../../systems/backup.ts'
import type { NodeTime, TreeNode } from '../../volumes/tree.ts'
import { isWhiteout } from '../../volumes/tree.ts'
import { tooManyFiles } from './errors.ts'

/** A member of the archive to be. */
export interface BackupItem {
  /** In the archive: "rw/etc/fstab". */
  path: string
  node: TreeNode
  kind: ArchiveFile['kind']
  /** Equal for all names of one file; null for a file with one name. */
  linkId: number | null
  sizeBytes: number
  /** Without holes. */
  contentBytes: number
  modified: NodeTime
  changed: NodeTime | null
  /** As the choice that was made last has it: the path of an earlier one, of which this is a further name. */
  link: string | null
  /** As that too. Null: it is in this archive. Else the sum of its content by the earlier one, which holds it as it is. */
  unchanged: { sha256: string | null } | null
}

/** What is not in the archive, or not as it should be. */
export interface BackupGap {
  path: string
  why: string
  /** Nothing is lost by it: a socket, which its program makes anew. */
  isHarmless: boolean
}

export interface PartItems {
  part: Backup
  items: BackupItem[]
  gaps: BackupGap[]
}

/** Bounds the memory: each takes some hundred bytes. */
const mostItems = 1_000_000

const kinds: Partial<Record<TreeNode['kind'], ArchiveFile['kind']>> = {
  file: 'file',
  directory: 'folder',
  symlink: 'link',
  'character-device': 'char',
  'block-device': 'block',
  fifo: 'fifo',
}

/** Everything of a part, without any content. `tick` is called now and then, and may throw. */
export function itemsOf(part: Backup, tick: () => void): PartItems {
  const items: BackupItem[] = []
  const gaps: BackupGap[] = []
  for (const member of part.members()) {
    const path = member.path === '' ? part.what : `${part.what}/${member.path}`
    if (member.node === null) {
      gaps.push({ path, why: member.why, isHarmless: false })
      continue
    }
    const { node } = member
    const kind = kinds[node.kind]
    if (!kind) gaps.push({ path, why: `it is a ${node.kind}`, isHarmless: true })
    else if (kind === 'link' && node.target === null) gaps.push({ path, why: 'where it leads cannot be read', isHarmless: false })
    else items.push(itemOf(path, node, kind))
    if (items.length > mostItems) throw tooManyFiles(mostItems)
    if (items.length % 1024 === 0) tick()
  }
  return { part, items, gaps }
}

function itemOf(path: string, node: TreeNode, kind: ArchiveFile['kind']): BackupItem {
  const { sizeBytes } = node
  return {
    path,
    node,
    kind,
    linkId: kind !== 'folder' && (node.links ?? 1) > 1 ? node.id : null,
    sizeBytes: kind === 'file' ? sizeBytes : 0,
    contentBytes: kind === 'file' && sizeBytes > 0 ? contentOf(node) : 0,
    modified: { seconds: node.modifiedSeconds ?? 0, nanoseconds: node.modifiedNanoseconds ?? 0 },
    changed: node.times?.()?.changed ?? null,
    link: null,
    unchanged: null,
  }
}

function contentOf(node: TreeNode): number {
  const { value: extents } = node.extents()
  if (!extents) return node.sizeBytes
  return extents.reduce((sum, { start, lengthBytes }) => (start === null ? sum : sum + lengthBytes), 0)
}

/** What is in one folder of a part, each with what comes to it in all; folders first, by name. */
export function entriesIn({ items }: PartItems, folder: string): BackupEntry[] {
  const prefix = `${folder}/`
  const entries = new Map<string, BackupEntry>()
  const counted = new Set<number>()
  for (const item of items) {
    if (!item.path.startsWith(prefix)) continue
    const slash = item.path.indexOf('/', prefix.length)
    const name = item.path.slice(prefix.length, slash < 0 ? undefined : slash)
    const known = entries.get(name)
    const entry = known ?? { name, path: prefix + name, kind: 'folder', sizeBytes: 0, files: 0, modifiedAt: 0 }
    if (!known) entries.set(name, entry)
    if (slash < 0) {
      entry.kind = kindOf(item)
      entry.modifiedAt = item.modified.seconds * 1000 + Math.floor(item.modified.nanoseconds / 1e6)
    }
    if (item.kind === 'folder') continue
    entry.files += 1
    if (item.linkId !== null && counted.has(item.linkId)) continue
    if (item.linkId !== null) counted.add(item.linkId)
    entry.sizeBytes += item.contentBytes
  }
  return [...entries.values()].sort(
    (a, b) => Number(b.kind === 'folder') - Number(a.kind === 'folder') || (a.name < b.name ? -1 : 1),
  )
}

/** As the interfaces show it. */
export function kindOf({ kind, node }: BackupItem): BackupEntry['kind'] {
  if (kind === 'folder' || kind === 'file') return kind
  return isWhiteout(node) ? 'deleted' : 'other'
}
