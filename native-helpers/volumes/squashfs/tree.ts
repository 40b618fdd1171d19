import type { BlockDevice } from '../../block/device.ts'
import type { Extent } from '../../block/extents.ts'
import { LivecardError } from '../../errors.ts'
import { type Parsed, type Problem, parsed, unusable } from '../problem.ts'
import type { NodeKind, TreeNode, VolumeTree } from '../tree.ts'
import type { Inode } from './inode.ts'
import { openSquashfs, type Squashfs, type SquashfsOptions } from './squashfs.ts'

export interface SquashfsTree extends VolumeTree {
  image: Squashfs
}

/** A squashfs image as a tree. What is wrong with the image is a problem; an error of the device is thrown. */
export async function openSquashfsTree(device: BlockDevice, options: SquashfsOptions = {}): Promise<Parsed<SquashfsTree>> {
  try {
    const image = await openSquashfs(device, options)
    return parsed({ image, foldsCase: false, root: node(image, '', image.root) })
  } catch (thrown) {
    return { value: null, problem: problemOf(thrown) }
  }
}

function node(image: Squashfs, name: string, inode: Inode): TreeNode {
  const noFile = unusable('squashfs-no-file', `"${name}" is no file`)
  return {
    name,
    kind: kindOf(inode),
    sizeBytes: inode.type === 'file' ? inode.sizeBytes : 0,
    mode: inode.mode,
    ownerId: inode.owner,
    groupId: inode.group,
    modifiedSeconds: inode.modifiedSeconds,
    target: inode.type === 'symlink' ? image.readlink(inode) : null,
    id: inode.number,
    links: inode.links,
    rdev: 'major' in inode ? { major: inode.major, minor: inode.minor } : null,
    list: () => listed(image, inode),
    child: (wanted) => childOf(image, inode, wanted),
    extents: (): Parsed<Extent[]> => (inode.type === 'file' ? unusable('squashfs-packed', `"${name}" lies packed`) : noFile),
    open: () => (inode.type === 'file' ? parsedOr(() => image.fileDevice(inode)) : noFile),
    xattrs: () => parsedOr(() => new Map(image.xattrs(inode).map(({ name: key, value }) => [key, value]))),
  }
}

/** As far as it can be read: what comes before the damage counts. */
function listed(image: Squashfs, inode: Inode): { entries: TreeNode[]; problem: Problem | null } {
  const entries: TreeNode[] = []
  if (inode.type !== 'folder') return { entries, problem: null }
  try {
    for (const entry of image.list(inode)) entries.push(node(image, entry.name, image.inode(entry)))
    return { entries, problem: null }
  } catch (thrown) {
    return { entries, problem: problemOf(thrown) }
  }
}

/** Without reading the inodes of all its neighbours, which lie scattered. */
function childOf(image: Squashfs, inode: Inode, name: string): TreeNode | null {
  if (inode.type !== 'folder') return null
  try {
    for (const entry of image.list(inode)) if (entry.name === name) return node(image, name, image.inode(entry))
  } catch (thrown) {
    problemOf(thrown)
  }
  return null
}

function parsedOr<T>(read: () => T): Parsed<T> {
  try {
    return parsed(read())
  } catch (thrown) {
    return { value: null, problem: problemOf(thrown) }
  }
}

function kindOf({ type }: Inode): NodeKind {
  return type === 'folder' ? 'directory' : type
}

function problemOf(thrown: unknown): Problem {
  if (!(thrown instanceof LivecardError) || !thrown.code.startsWith('squashfs-')) throw thrown
  const clause = thrown.message.replace(/\.$/, '')
  return { code: thrown.code, detail: clause.charAt(0).toLowerCase() + clause.slice(1) }
}
