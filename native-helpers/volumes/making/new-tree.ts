import { cannotMake } from './errors.ts'
import type { NewEntry, NewFile, NewFolder, NewLink } from './new-entry.ts'

/** Entries as a tree, folders before what they hold. */
export interface FolderNode {
  kind: 'folder'
  name: string
  /** Null for a folder that only lies on the way to something. */
  entry: NewFolder | null
  parent: FolderNode | null
  children: TreeNode[]
}

export interface LeafNode<Entry extends NewFile | NewLink = NewFile | NewLink> {
  kind: Entry['kind']
  name: string
  entry: Entry
  parent: FolderNode
}

export type TreeNode = FolderNode | LeafNode<NewFile> | LeafNode<NewLink>

const maxDepth = 64

/** Builds the tree; children are in the order of their names, so that the same entries make the same bytes in whatever order they come. */
export function newTree(entries: readonly NewEntry[]): FolderNode {
  const root: FolderNode = { kind: 'folder', name: '', entry: null, parent: null, children: [] }
  const known = new Map<string, TreeNode>([['', root]])
  for (const entry of [...entries].sort((a, b) => compareNames(a.path, b.path))) {
    const parts = entry.path.split('/')
    if (entry.path !== '' && parts.some((part) => part === '' || part === '.' || part === '..' || part.includes('\0')))
      throw cannotMake('make-path', `"${entry.path}" is no path for something new.`)
    if (parts.length > maxDepth) throw cannotMake('make-path', `"${entry.path}" lies too deep.`)
    if (entry.kind === 'folder') {
      folderAt(entry.path, root, known).entry = entry
      continue
    }
    const name = parts.pop() ?? ''
    const parent = folderAt(parts.join('/'), root, known)
    if (known.has(entry.path)) throw cannotMake('make-twice', `"${entry.path}" is there twice.`)
    const node: TreeNode = entry.kind === 'file' ? { kind: 'file', name, entry, parent } : { kind: 'link', name, entry, parent }
    parent.children.push(node)
    known.set(entry.path, node)
  }
  for (const node of known.values()) if (node.kind === 'folder') node.children.sort((a, b) => compareNames(a.name, b.name))
  return root
}

function folderAt(path: string, root: FolderNode, known: Map<string, TreeNode>): FolderNode {
  let here = root
  let walked = ''
  for (const name of path === '' ? [] : path.split('/')) {
    walked = walked === '' ? name : `${walked}/${name}`
    const found = known.get(walked)
    if (found && found.kind !== 'folder') throw cannotMake('make-twice', `"${walked}" is a file and a folder.`)
    const next: FolderNode = found ?? { kind: 'folder', name, entry: null, parent: here, children: [] }
    if (!found) {
      here.children.push(next)
      known.set(walked, next)
    }
    here = next
  }
  return here
}

/** All folders, the root first, those of one level before those of the next. */
export function foldersOf(root: FolderNode): FolderNode[] {
  const folders = [root]
  for (let at = 0; at < folders.length; at += 1) {
    for (const child of folders[at]?.children ?? []) if (child.kind === 'folder') folders.push(child)
  }
  return folders
}

/** By code units, the same everywhere. */
export function compareNames(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

export function pathOf(node: TreeNode): string {
  const parts: string[] = []
  for (let here: TreeNode | null = node; here && here.name !== ''; here = here.parent) parts.unshift(here.name)
  return parts.join('/')
}
