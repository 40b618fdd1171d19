import type { BlockDevice } from '../../block/device.ts'
import { type Parsed, parsed } from '../problem.ts'
import { type TreeNode, type VolumeTree, walkTree } from '../tree.ts'
import type { SquashfsEntry } from './write-entries.ts'

/**
 * A tree as what a squashfs is made of, with everything that a squashfs keeps; files that `instead` names by their paths get that content. Problems: the
 * first thing of the tree that cannot be read.
 */
export function entriesOfTree(tree: VolumeTree, instead: ReadonlyMap<string, BlockDevice> = new Map()): Parsed<SquashfsEntry[]> {
  const entries: SquashfsEntry[] = []
  const names = new Map<number, string>()
  const root = entryOf('', tree.root, instead)
  if (root.problem) return root
  entries.push(root.value)
  let unread: Parsed<SquashfsEntry> | null = null
  const [problem] = walkTree(tree, (path, node) => {
    const first = node.kind === 'directory' ? undefined : names.get(node.id)
    if (first !== undefined) {
      entries.push({ kind: 'hard-link', path, of: first })
      return
    }
    if ((node.links ?? 1) > 1) names.set(node.id, path)
    const entry = entryOf(path, node, instead)
    if (entry.value) entries.push(entry.value)
    else unread ??= entry
  })
  const failed = problem ?? (unread as Parsed<SquashfsEntry> | null)?.problem
  return failed ? { value: null, problem: failed } : parsed(entries)
}

function entryOf(path: string, node: TreeNode, instead: ReadonlyMap<string, BlockDevice>): Parsed<SquashfsEntry> {
  const { value: xattrs, problem } = node.xattrs?.() ?? parsed(new Map<string, Uint8Array>())
  if (!xattrs) return { value: null, problem }
  const common = {
    path,
    ...(node.mode !== null && { mode: node.mode }),
    ...(node.ownerId !== null && { ownerId: node.ownerId }),
    ...(node.groupId !== null && { groupId: node.groupId }),
    ...(node.modifiedSeconds !== null && { modifiedSeconds: node.modifiedSeconds }),
    xattrs: [...xattrs].map(([name, value]) => ({ name, value })),
  }
  switch (node.kind) {
    case 'directory':
      return parsed({ kind: 'folder', ...common })
    case 'symlink':
      return parsed({ kind: 'link', ...common, target: node.target ?? '' })
    case 'file': {
      const { value: content, problem: unopened } = instead.has(path) ? parsed(instead.get(path)) : node.open()
      return content
        ? parsed({ kind: 'file', ...common, content })
        : { value: null, problem: unopened ?? { code: 'tree-unread', detail: path } }
    }
    default:
      return parsed({ kind: node.kind, ...common, ...(node.rdev ?? {}) })
  }
}
