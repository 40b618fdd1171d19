/** Files of one ext volume copied to another, with everything that a Linux system keeps of them. */
import type { ExtFiles } from '../wasm/ext-files.ts'
import { rootInode } from '../wasm/ext-files.ts'
import type { Attributes } from '../wasm/ext-types.ts'
import type { ExtWriter } from '../wasm/ext-writer.ts'

export interface CopiedFiles {
  entries: number
  /** Of content, without holes. */
  bytes: number
}

/** Deeper than the kernel's longest path leads; a volume that goes deeper is damaged. */
const deepest = 2048

interface Copying {
  from: ExtFiles
  to: ExtWriter
  count: CopiedFiles
  /** Inodes that have several names, and what they became. */
  linked: Map<number, number>
}

/**
 * Copies what lies at each path, and below it, to the same path of the other volume; what stands there is replaced. Folders on the way are made as they are in
 * the first volume, or kept. Hard links stay links among all that is copied. Throws `ext-not-found` for a path that is not there, and what the volumes throw.
 */
export function copyExtFiles(from: ExtFiles, to: ExtWriter, paths: readonly string[]): CopiedFiles {
  const copying: Copying = { from, to, count: { entries: 0, bytes: 0 }, linked: new Map() }
  for (const path of paths) {
    const inode = from.find(path, { followLast: false })
    const parts = path.split('/').filter((part) => part !== '')
    const name = parts.pop()
    if (name === undefined) throw new TypeError('the root itself is not copied')
    const parent = folderFor(copying, parts)
    if (to.lookup(parent, name) !== null) to.removeTree(parent, name)
    copyOne(copying, inode, parent, name, 0)
  }
  return copying.count
}

function folderFor({ from, to }: Copying, parts: readonly string[]): number {
  let parent = rootInode
  for (const [index, name] of parts.entries()) {
    const there = to.lookup(parent, name)
    if (there !== null && to.attributes(there).kind === 'folder') {
      parent = there
      continue
    }
    if (there !== null) to.remove(parent, name)
    const source = from.find(parts.slice(0, index + 1).join('/'), { followLast: false })
    parent = to.makeFolder(parent, name)
    dress({ from, to }, source, parent, from.attributes(source))
  }
  return parent
}

function copyOne(copying: Copying, inode: number, parent: number, name: string, depth: number): void {
  const { from, to, count, linked } = copying
  const known = linked.get(inode)
  if (known !== undefined) {
    to.hardLink(parent, name, known)
    return
  }
  const attributes = from.attributes(inode)
  const made = makeLike(copying, inode, attributes, parent, name)
  count.entries += 1
  if (attributes.kind === 'folder') {
    if (depth > deepest) throw new RangeError(`folders lie more than ${deepest} deep`)
    for (const entry of from.list(inode)) copyOne(copying, entry.inode, made, entry.name, depth + 1)
  } else if (attributes.links > 1) linked.set(inode, made)
  dress(copying, inode, made, attributes)
}

function makeLike({ from, to, count }: Copying, inode: number, attributes: Attributes, parent: number, name: string): number {
  const { kind, major, minor, sizeBytes } = attributes
  if (kind === 'unknown') throw new RangeError(`"${name}" is of no kind that is known`)
  if (kind === 'folder') return to.makeFolder(parent, name)
  if (kind === 'link') return to.makeLink(parent, name, from.linkTarget(inode))
  const made = to.makeFile(parent, name, { kind, major, minor })
  if (kind !== 'file') return made
  for (const { offset, bytes } of from.content(inode, attributes)) {
    to.write(made, offset, bytes)
    count.bytes += bytes.length
  }
  to.setSize(made, sizeBytes)
  return made
}

/** Last, as times change with whatever is put in. */
function dress({ from, to }: Pick<Copying, 'from' | 'to'>, source: number, made: number, attributes: Attributes): void {
  for (const [name, value] of from.xattrs(source)) to.setXattr(made, name, value)
  const { permissions, uid, gid, accessed, modified, changed, created } = attributes
  to.setAttributes(made, { permissions, uid, gid, accessed, modified, changed, created })
}
