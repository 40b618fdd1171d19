import type { BlockDevice } from '../../block/device.ts'
import { identify } from '../../volumes/identify.ts'
import type { Identity } from '../../volumes/identity.ts'
import { openTree } from '../../volumes/open-tree.ts'
import { type Parsed, type Problem, parsed, unusable } from '../../volumes/problem.ts'
import { findNode, type VolumeTree } from '../../volumes/tree.ts'
import { problemOf } from '../card.ts'

/** What a live system starts from, opened as far as it is needed: nothing is unpacked before it is read. */
export interface LiveImage {
  /** How it is packed; "none" for a filesystem that lies on the stick as it is. */
  container: 'squashfs' | 'erofs' | 'none'
  /** The filesystem inside that a snapshot lies over; null where the packed tree is the root itself. */
  origin: { device: BlockDevice; path: string | null; identity: Identity } | null
  /** The root of a packed tree without a filesystem of its own. */
  flatRoot: VolumeTree | null
}

/** In the order of dmsquash-live-root.sh; the second name was given up in dracut-ng 110. */
export const nestedPaths = ['LiveOS/rootfs.img', 'LiveOS/ext3fs.img']
/** By which dracut knows a root: 059 asks for proc, 103 and later for usr or ostree. */
const rootSigns = ['usr', 'ostree', 'proc']

/** Problems: `liveos-image-damaged`, `liveos-image-unread` (fine perhaps, but not known here), `liveos-image-empty`. */
export async function openLiveImage(device: BlockDevice): Promise<Parsed<LiveImage>> {
  try {
    const { volume: identity, problem } = identify(device)
    if (!identity) return damaged(problem?.detail ?? 'it begins as no image that is known')
    if (identity.type !== 'squashfs' && identity.type !== 'erofs')
      return parsed({ container: 'none', origin: { device, path: null, identity }, flatRoot: null })
    const { value: tree, problem: unread } = await openTree(device, identity.type)
    if (!tree) return isUnknown(unread) ? unusable('liveos-image-unread', unread.detail) : damaged(unread.detail)
    return inside(identity.type, tree)
  } catch (thrown) {
    return damaged(problemOf(thrown).detail)
  }
}

function inside(container: 'squashfs' | 'erofs', tree: VolumeTree): Parsed<LiveImage> {
  for (const path of nestedPaths) {
    const node = findNode(tree, path)
    if (node?.kind !== 'file') continue
    const { value: device, problem } = node.open()
    if (!device) return damaged(problem.detail)
    const { volume: identity, problem: unnamed } = identify(device)
    if (!identity) return damaged(`"${path}" in it is no filesystem that is known${unnamed ? `: ${unnamed.detail}` : ''}`)
    return parsed({ container, origin: { device, path, identity }, flatRoot: null })
  }
  if (rootSigns.some((name) => findNode(tree, name) !== null)) return parsed({ container, origin: null, flatRoot: tree })
  const { problem } = tree.root.list()
  return problem ? damaged(problem.detail) : unusable('liveos-image-empty', `there is neither "${nestedPaths[0]}" nor "usr" in it`)
}

const unknownCodes = new Set(['squashfs-unsupported', 'squashfs-codec-missing', 'erofs-features', 'tree-unknown'])

function isUnknown({ code }: Problem): boolean {
  return unknownCodes.has(code)
}

function damaged(detail: string): { value: null; problem: Problem } {
  return unusable('liveos-image-damaged', detail)
}
