import { childNamed, findNode, readSmallFile, type TreeNode, type VolumeTree, walkTree } from '../volumes/tree.ts'

/** What a tree says of itself when it is the root of a Linux system. */
export interface Release {
  /** PRETTY_NAME, or what comes nearest to it. */
  name: string
  /** ID and VERSION_ID, for comparing; null where the file has none. */
  id: string | null
  versionId: string | null
}

const maxReleaseBytes = 64 * 1024
const releasePaths = ['etc/os-release', 'usr/lib/os-release']

/** os-release(5); null where there is none. */
export function releaseOf(tree: VolumeTree): Release | null {
  for (const path of releasePaths) {
    const bytes = readSmallFile(tree, path, maxReleaseBytes)
    if (!bytes) continue
    const values = shellValues(Buffer.from(bytes).toString('utf8'))
    const name = values.get('PRETTY_NAME') ?? values.get('NAME') ?? values.get('ID')
    if (name !== undefined) return { name, id: values.get('ID') ?? null, versionId: values.get('VERSION_ID') ?? null }
  }
  return null
}

/** `NAME=value` lines as a shell reads them: quotes taken off, a backslash in them frees the next character. The last of a name counts. */
export function shellValues(text: string): Map<string, string> {
  const values = new Map<string, string>()
  for (const line of text.split('\n')) {
    const match = /^\s*([A-Za-z_][A-Za-z0-9_]*)=(.*?)\s*$/.exec(line)
    if (!match) continue
    const [, name = '', raw = ''] = match
    const quoted = /^"((?:[^"\\]|\\.)*)"$/.exec(raw)?.[1]
    values.set(name, quoted?.replace(/\\(.)/g, '$1') ?? /^'([^']*)'$/.exec(raw)?.[1] ?? raw)
  }
  return values
}

/** For which kernel versions there are modules. */
export function moduleVersions(tree: VolumeTree): string[] {
  for (const path of ['usr/lib/modules', 'lib/modules']) {
    const folder = findNode(tree, path)
    if (folder?.kind !== 'directory') continue
    return folder
      .list()
      .entries.filter(({ kind }) => kind === 'directory')
      .map(({ name }) => name)
      .sort()
  }
  return []
}

export interface TreeSize {
  bytes: number
  files: number
  /** False where not everything could be read, or there is more than was looked at. */
  complete: boolean
}

export interface SizeOptions {
  /** Every file counts as whole units of these. */
  unitBytes?: number
  /** Names below the folder that do not count. */
  except?: readonly string[]
  maxEntries?: number
}

/** What the files below a folder come to, those with several names once; null where there is no such folder. */
export function sizeOfFiles(tree: VolumeTree, path: string, options: SizeOptions = {}): TreeSize | null {
  const { unitBytes = 1, except = [], maxEntries = 400_000 } = options
  const top = findNode(tree, path)
  if (top?.kind !== 'directory') return null
  let bytes = 0
  let files = 0
  const counted = new Set<number>()
  const problems = walkTree(
    { root: without(top, except), foldsCase: tree.foldsCase },
    (_path, node) => {
      if (node.kind !== 'file') return
      if ((node.links ?? 1) > 1) {
        if (counted.has(node.id)) return
        counted.add(node.id)
      }
      files += 1
      bytes += Math.ceil(node.sizeBytes / unitBytes) * unitBytes
    },
    { maxEntries },
  )
  return { bytes, files, complete: problems.length === 0 }
}

/** The same directory as if it had no entries of these names. A node may be of a class, so it is not copied. */
function without(top: TreeNode, names: readonly string[]): TreeNode {
  const { name, kind, sizeBytes, mode, ownerId, groupId, modifiedSeconds, target, id } = top
  return {
    ...{ name, kind, sizeBytes, mode, ownerId, groupId, modifiedSeconds, target, id },
    list() {
      const { entries, problem } = top.list()
      return { entries: entries.filter((entry) => !names.includes(entry.name)), problem }
    },
    extents: () => top.extents(),
    open: () => top.open(),
  }
}

/** A small text file, or null where there is none. */
export function textOf(tree: VolumeTree, path: string, maxBytes = 1024 * 1024): string | null {
  const bytes = readSmallFile(tree, path, maxBytes)
  return bytes && Buffer.from(bytes).toString('utf8')
}

export function hasFolder(tree: VolumeTree, path: string): boolean {
  return findNode(tree, path)?.kind === 'directory'
}

/** A file at the root by any of these names, in their order. */
export function firstNamed(tree: VolumeTree, names: readonly string[]): string | null {
  return names.find((name) => childNamed(tree, tree.root, name)?.kind === 'file') ?? null
}
