import type { IsoVolume } from '../../volumes/iso9660.ts'
import type { Parsed } from '../../volumes/problem.ts'
import { openSquashfsTree } from '../../volumes/squashfs/tree.ts'
import type { VolumeTree } from '../../volumes/tree.ts'
import { releaseOf, textOf } from '../linux-root.ts'
import { isPassword } from '../sha-crypt.ts'
import { isoFile, squashfsPath } from './iso-part.ts'
import { readOr } from './tolerant.ts'

/** The published images of Lampone Pi come with it. */
const publishedPassword = 'password'
const shadowPath = 'etc/shadow'
const maxShadowBytes = 64 * 1024
const caches = { contentCacheBytes: 8 * 1024 * 1024, metadataCacheBytes: 4 * 1024 * 1024 }

export interface SystemImage {
  tree: VolumeTree
  /** "Debian GNU/Linux 10 (buster)"; null where it does not tell. */
  release: string | null
}

/** A look at its root and into one of its files, which is enough to meet most damage. */
function releaseIn(tree: VolumeTree): Parsed<string | null> {
  const { problem } = tree.root.list()
  return problem ? { value: null, problem } : { value: releaseOf(tree)?.name ?? null, problem: null }
}

/** The compressed system in the system partition, opened as a tree; a problem where it is missing, cut off or damaged. */
export async function openSystemImage(iso: IsoVolume): Promise<Parsed<SystemImage>> {
  const { value: file, problem } = await readOr(() => isoFile(iso, squashfsPath))
  if (!file) return { value: null, problem }
  const { value: tree, problem: damaged } = await readOr(() => openSquashfsTree(file.device, caches))
  if (!tree) return { value: null, problem: damaged }
  const { value: release, problem: unread } = await readOr(() => releaseIn(tree))
  return unread ? { value: null, problem: unread } : { value: { tree, release }, problem: null }
}

/** Whether the administrator's password is the published one, by the changes or else by the system; null where that cannot be told. */
export function hasPublishedPassword(upper: VolumeTree | null, lower: VolumeTree | null): boolean | null {
  const text = (upper && textOf(upper, shadowPath, maxShadowBytes)) ?? (lower && textOf(lower, shadowPath, maxShadowBytes))
  const hash = text
    ?.split('\n')
    .find((line) => line.startsWith('root:'))
    ?.split(':')[1]
  if (hash === undefined) return null
  return hash === '' ? true : isPassword(hash, publishedPassword)
}
