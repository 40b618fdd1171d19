import { cannotMake } from '../making/errors.ts'
import { contentLength, type NewEntry, type NewFile } from '../making/new-entry.ts'
import type { Xattr } from './xattrs.ts'

/** A device, a pipe or a socket. */
export interface NewSpecial {
  kind: 'character-device' | 'block-device' | 'fifo' | 'socket'
  path: string
  mode?: number
  ownerId?: number
  groupId?: number
  modifiedSeconds?: number
  /** Of devices. */
  major?: number
  minor?: number
}

/** One more name of something that stands among the entries, which is no folder. */
export interface NewName {
  kind: 'hard-link'
  path: string
  /** The path of the other. */
  of: string
}

export type SquashfsEntry = ((NewEntry | NewSpecial) & { xattrs?: readonly Xattr[] }) | NewName

type Stored = Exclude<SquashfsEntry, NewName>

/** Something that gets an inode. */
export interface WriteNode {
  entry: Stored
  number: number
  /** How many names it has; of a folder, one more for itself and for each folder within. */
  links: number
  /** Of a folder, in the order of their names' bytes. */
  children: WriteName[]
}

export interface WriteName {
  name: Buffer
  node: WriteNode
}

const longestName = 256
const longestTarget = 65535
const maxDepth = 1000

/** The tree of the entries, its inodes numbered from 1 in an order that only depends on the paths; the root is the last. */
export function writeTree(entries: readonly SquashfsEntry[]): { root: WriteNode; nodes: WriteNode[] } {
  const root = newNode({ kind: 'folder', path: '' })
  const known = new Map<string, WriteNode>([['', root]])
  const names: NewName[] = []
  for (const entry of entries) {
    if (entry.kind === 'hard-link') names.push(entry)
    else add(known, entry)
  }
  for (const name of names) {
    const node = known.get(name.of)
    if (!node || node.entry.kind === 'folder')
      throw cannotMake('squashfs-make-link', `"${name.path}" cannot be another name of "${name.of}".`)
    link(known, name.path, node)
    node.links += 1
  }
  const nodes: WriteNode[] = []
  number(root, nodes)
  return { root, nodes }
}

function newNode(entry: Stored): WriteNode {
  return { entry, number: 0, links: entry.kind === 'folder' ? 2 : 1, children: [] }
}

function add(known: Map<string, WriteNode>, entry: Stored): void {
  check(entry)
  const there = known.get(entry.path)
  if (there) {
    // A folder that lay on the way to something before it was named.
    if (there.entry.kind !== 'folder' || entry.kind !== 'folder') throw twice(entry.path)
    there.entry = entry
    return
  }
  link(known, entry.path, newNode(entry))
}

/** Puts a node under its path, with the folders on the way to it. */
function link(known: Map<string, WriteNode>, path: string, node: WriteNode): void {
  if (known.has(path)) throw twice(path)
  const cut = path.lastIndexOf('/')
  const above = cut < 0 ? '' : path.slice(0, cut)
  const name = Buffer.from(path.slice(cut + 1))
  if (name.length === 0 || name.length > longestName || ['.', '..'].includes(name.toString()) || name.includes(0))
    throw cannotMake('squashfs-make-name', `"${path}" cannot be a name in a squashfs.`)
  if (!known.has(above)) link(known, above, newNode({ kind: 'folder', path: above }))
  const parent = known.get(above)
  if (parent?.entry.kind !== 'folder') throw cannotMake('squashfs-make-name', `"${above}" is no folder.`)
  parent.children.push({ name, node })
  if (node.entry.kind === 'folder') parent.links += 1
  known.set(path, node)
}

function check(entry: Stored): void {
  if (entry.path.split('/').length > maxDepth)
    throw cannotMake('squashfs-make-name', `"${entry.path.slice(0, 80)}…" lies too deep.`)
  if (entry.kind === 'link' && Buffer.byteLength(entry.target) > longestTarget)
    throw cannotMake('squashfs-make-link', `The target of "${entry.path}" is too long.`)
  if (entry.kind === 'file' && contentLength(entry) >= 2 ** 53)
    throw cannotMake('squashfs-make-size', `"${entry.path}" is too large.`)
}

function twice(path: string): Error {
  return cannotMake('squashfs-make-twice', `"${path}" is there twice.`)
}

/** What is in a folder before the folder itself. */
function number(node: WriteNode, nodes: WriteNode[]): void {
  if (node.number !== 0) return
  node.children.sort((a, b) => Buffer.compare(a.name, b.name))
  for (const child of node.children) number(child.node, nodes)
  nodes.push(node)
  node.number = nodes.length
}

export function isFileNode(node: WriteNode): node is WriteNode & { entry: NewFile & { xattrs?: readonly Xattr[] } } {
  return node.entry.kind === 'file'
}
