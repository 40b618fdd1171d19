import type { NewEntry, NewFile, NewLink } from './new-entry.ts'

/** Entries as the folders that they make. */
export interface NewNode {
  name: string
  entry: NewEntry
  /** Of a folder, in the order of their names' bytes; empty for everything else. */
  children: NewNode[]
}

export const folderMode = 0o755
export const fileMode = 0o644
export const linkMode = 0o777

/** Sorts a list of paths into folders, with those that nobody named. Throws where a path stands twice, or goes through a file. */
export function entryTree(entries: readonly NewEntry[]): NewNode {
  const root: NewNode = { name: '', entry: { kind: 'folder', path: '' }, children: [] }
  const known = new Map<string, NewNode>([['', root]])
  const place = (path: string, entry: NewEntry): NewNode => {
    const cut = path.lastIndexOf('/')
    const parentPath = cut < 0 ? '' : path.slice(0, cut)
    const parent = known.get(parentPath) ?? place(parentPath, { kind: 'folder', path: parentPath })
    if (parent.entry.kind !== 'folder') throw new RangeError(`"${parentPath}" is no folder`)
    const node: NewNode = { name: path.slice(cut + 1), entry, children: [] }
    if (node.name === '' || node.name === '.' || node.name === '..') throw new RangeError(`"${path}" is no path of a new file`)
    parent.children.push(node)
    known.set(path, node)
    return node
  }
  for (const entry of entries) {
    const there = known.get(entry.path)
    if (!there) place(entry.path, entry)
    else if (there.entry.kind === 'folder' && entry.kind === 'folder') there.entry = entry
    else throw new RangeError(`"${entry.path}" stands twice`)
  }
  for (const { children } of known.values()) children.sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)))
  return root
}

export function modeOf(entry: NewEntry): number {
  return entry.mode ?? (entry.kind === 'folder' ? folderMode : entry.kind === 'file' ? fileMode : linkMode)
}

/** Every node with its parent, folders before what is in them; the root is its own parent. */
export function* walkNodes(root: NewNode, parent: NewNode = root): Generator<{ node: NewNode; parent: NewNode }> {
  yield { node: root, parent }
  for (const child of root.children) yield* walkNodes(child, root)
}

export function isFile(entry: NewEntry): entry is NewFile {
  return entry.kind === 'file'
}

export function isLink(entry: NewEntry): entry is NewLink {
  return entry.kind === 'link'
}
