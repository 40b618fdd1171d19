import type { BlockDevice } from '../block/device.ts'
import type { Extent } from '../block/extents.ts'
import type { Parsed, Problem } from './problem.ts'

export type NodeKind = 'file' | 'directory' | 'symlink' | 'character-device' | 'block-device' | 'fifo' | 'socket'

/** An entry of a filesystem of any kind. Null where the filesystem has no such thing. */
export interface TreeNode {
  readonly name: string
  readonly kind: NodeKind
  readonly sizeBytes: number
  /** The twelve bits of rights. */
  readonly mode: number | null
  readonly ownerId: number | null
  readonly groupId: number | null
  /** Since 1970; FAT keeps local time, which is taken for UTC. */
  readonly modifiedSeconds: number | null
  /** What comes to the seconds, where the filesystem is that exact. */
  readonly modifiedNanoseconds?: number
  /** Where a symbolic link leads. */
  readonly target: string | null
  /** Equal only for the same directory, by which a circle is noticed. */
  readonly id: number
  /** How many names it has; where it has more than one, they have the same `id`. */
  readonly links?: number
  /** What a device file stands for; null for everything else. */
  readonly rdev?: DeviceNumber | null
  /** What a directory holds, without itself and its parent; with a problem as far as it can be read. */
  list(): { entries: TreeNode[]; problem: Problem | null }
  /** The entry of that name, where it can be found without making all others; null where there is none. */
  child?(name: string): TreeNode | null
  /** Where a file lies in its volume, in bytes; a problem where it does not lie there as it is, being compressed for one. */
  extents(): Parsed<Extent[]>
  /** A file as a device. */
  open(): Parsed<BlockDevice>
  /** When it was read, changed in any way, and made, where the filesystem notes all of that. */
  times?(): NodeTimes | null
  /** Extended attributes by their whole name, values in the form of getxattr(2). */
  xattrs?(): Parsed<Map<string, Uint8Array>>
}

/** Seconds since 1970, negative before, and nanoseconds on top. */
export interface NodeTime {
  seconds: number
  nanoseconds: number
}

export interface NodeTimes {
  accessed: NodeTime
  changed: NodeTime
  created: NodeTime | null
}

export interface DeviceNumber {
  major: number
  minor: number
}

/** How overlayfs notes in its upper directory that a file of the lower one is gone (Documentation/filesystems/overlayfs.rst). */
export function isWhiteout({ kind, rdev }: TreeNode): boolean {
  return kind === 'character-device' && rdev?.major === 0 && rdev.minor === 0
}

/** A tree of files in a volume, for reading. */
export interface VolumeTree {
  readonly root: TreeNode
  /** Names are found whatever their case. */
  readonly foldsCase: boolean
}

const fileTypeMask = 0o170000
const kinds = new Map<number, NodeKind>([
  [0o010000, 'fifo'],
  [0o020000, 'character-device'],
  [0o040000, 'directory'],
  [0o060000, 'block-device'],
  [0o100000, 'file'],
  [0o120000, 'symlink'],
  [0o140000, 'socket'],
])

/** From the mode of stat(2); null for bits that stand for nothing. */
export function kindOfMode(mode: number): NodeKind | null {
  return kinds.get(mode & fileTypeMask) ?? null
}

const maxDepth = 128
const maxLinks = 40

/**
 * The node at a path below the root ("live/vmlinuz"), symbolic links followed as long as they stay in the volume; null where there
 * is none.
 */
export function findNode(tree: VolumeTree, path: string): TreeNode | null {
  const parents: TreeNode[] = []
  let here = tree.root
  let links = 0
  const parts = path.split('/').reverse()
  for (let name = parts.pop(); name !== undefined; name = parts.pop()) {
    if (name === '' || name === '.') continue
    if (name === '..') {
      here = parents.pop() ?? tree.root
      continue
    }
    const next = here.kind === 'directory' ? childNamed(tree, here, name) : null
    if (!next || parents.length >= maxDepth) return null
    if (next.target !== null && next.kind === 'symlink') {
      links += 1
      if (links > maxLinks) return null
      if (next.target.startsWith('/')) {
        parents.length = 0
        here = tree.root
      }
      parts.push(...next.target.split('/').reverse())
      continue
    }
    parents.push(here)
    here = next
  }
  return here
}

export function childNamed(tree: VolumeTree, directory: TreeNode, name: string): TreeNode | null {
  if (directory.child && !tree.foldsCase) return directory.child(name)
  const { entries } = directory.list()
  const exact = entries.find((entry) => entry.name === name)
  if (exact || !tree.foldsCase) return exact ?? null
  const folded = name.toLowerCase()
  return entries.find((entry) => entry.name.toLowerCase() === folded) ?? null
}

export interface WalkLimits {
  maxEntries: number
  /** Of all directories together, by the size that they have themselves: a damaged one can be large and empty. */
  maxDirectoryBytes?: number
}

/**
 * Every node below the root with its path, depth first; returns what could not be read. A directory that is met again is not
 * entered.
 */
export function walkTree(
  tree: VolumeTree,
  visit: (path: string, node: TreeNode) => void,
  { maxEntries, maxDirectoryBytes = 1024 ** 3 }: WalkLimits = { maxEntries: 1_000_000 },
): Problem[] {
  const problems: Problem[] = []
  const entered = new Set<number>([tree.root.id])
  let count = 0
  let directoryBytes = 0
  const pending: { path: string; depth: number; node: TreeNode }[] = [{ path: '', depth: 0, node: tree.root }]
  for (let next = pending.pop(); next; next = pending.pop()) {
    directoryBytes += next.node.sizeBytes
    if (directoryBytes > maxDirectoryBytes)
      return [...problems, { code: 'tree-large', detail: `its directories are larger than ${maxDirectoryBytes} bytes together` }]
    const { entries, problem } = next.node.list()
    if (problem) problems.push({ ...problem, detail: `in "/${next.path}": ${problem.detail}` })
    for (const node of entries) {
      count += 1
      if (count > maxEntries) return [...problems, { code: 'tree-large', detail: `there are more than ${maxEntries} entries` }]
      const path = next.path === '' ? node.name : `${next.path}/${node.name}`
      visit(path, node)
      if (node.kind !== 'directory') continue
      if (entered.has(node.id))
        problems.push({ code: 'tree-loop', detail: `"/${path}" leads back to a directory above or beside it` })
      else if (next.depth >= maxDepth) problems.push({ code: 'tree-deep', detail: `"/${path}" lies too deep` })
      else {
        entered.add(node.id)
        pending.push({ path, depth: next.depth + 1, node })
      }
    }
  }
  return problems
}

/** A small file whole, or null where it cannot be read, is no file, or is larger than `maxBytes`. */
export function readSmallFile(tree: VolumeTree, path: string, maxBytes: number): Uint8Array | null {
  const node = findNode(tree, path)
  if (node?.kind !== 'file' || node.sizeBytes > maxBytes) return null
  const { value: device } = node.open()
  if (!device) return null
  const bytes = new Uint8Array(device.size)
  device.readSync(bytes, 0)
  return bytes
}
