import { findNode, isWhiteout, type TreeNode, type VolumeTree } from '../../volumes/tree.ts'

/** What the running system sees as one tree (Documentation/filesystems/overlayfs.rst): the changes, and below them the compressed system. */
export interface Union {
  /** The folder `rw`; null where there is none. */
  upper: VolumeTree | null
  /** The squashfs; null where it cannot be read. */
  lower: VolumeTree | null
  /** There may be changes that cannot be looked at: encrypted, or damaged. */
  upperHidden: boolean
}

export type ModulesState = 'present' | 'missing' | 'unknown'

/** /lib is a link to usr/lib in newer systems, and the changes may hold either. */
const modulePaths = ['usr/lib/modules', 'lib/modules']

/** Whether the drivers of a kernel lie where the started system looks for them. */
export function modulesOf(union: Union, version: string): ModulesState {
  const { upper, lower, upperHidden } = union
  let hidden = false
  for (const path of modulePaths) {
    const own = upper && findNode(upper, `${path}/${version}`)
    if (own && isFilledFolder(own)) return 'present'
    if (upper && (own ? isWhiteout(own) || isOpaque(own) : isCovered(upper, path))) hidden = true
  }
  if (lower && !hidden && modulePaths.some((path) => isFilledFolder(findNode(lower, `${path}/${version}`)))) return 'present'
  return upperHidden || (lower === null && !hidden) ? 'unknown' : 'missing'
}

function isFilledFolder(node: TreeNode | null): boolean {
  return node?.kind === 'directory' && node.list().entries.some((entry) => !isWhiteout(entry))
}

/** One of the folders on the way was deleted or replaced, and with it all that lay in it. */
export function isCovered(upper: VolumeTree, path: string): boolean {
  const names = path.split('/')
  return names.some((_, count) => {
    const node = findNode(upper, names.slice(0, count + 1).join('/'))
    return node !== null && (isWhiteout(node) || isOpaque(node))
  })
}

/** A folder that hides the one of the same name below it. */
function isOpaque(node: TreeNode): boolean {
  if (node.kind !== 'directory') return false
  const value = node.xattrs?.().value?.get('trusted.overlay.opaque')
  return value !== undefined && Buffer.from(value).toString('latin1') === 'y'
}
