import type { Identity } from '../../volumes/identity.ts'
import { childNamed, type TreeNode, type VolumeTree } from '../../volumes/tree.ts'
import type { Usage } from '../../volumes/usage.ts'
import type { Card, CardVolume } from '../system.ts'

/** A filesystem that can be looked into: a volume of a card, or a folder where one is mounted. */
export interface LivePlace {
  /** Null for a folder. */
  partition: number | null
  volume: CardVolume | null
  /** Null for a folder: the host does not tell. */
  identity: Identity | null
  tree: VolumeTree
  usage: Usage | null
}

/** A folder with a live system in it: "LiveOS", or what `rd.live.dir` names on a stick with several. */
export interface LiveFolder {
  place: LivePlace
  /** From the root of its filesystem; empty where the folder itself was given. */
  path: string
  node: TreeNode
  /** The system image; null on a partition that only keeps the changes. */
  image: TreeNode | null
  /** Files and folders named overlay-LABEL-UUID. */
  overlays: TreeNode[]
  home: TreeNode | null
}

/** rd.live.dir and rd.live.squashimg (dracut.cmdline(7)) where they are not given; rootfs.img lies unpacked on the stick. */
export const usualFolder = 'LiveOS'
const imageNames = ['squashfs.img', 'rootfs.img', 'ext3fs.img']
const overlayPrefix = 'overlay-'
const homeName = 'home.img'
/** Of a volume that dracut-ng 110 and later use as it is, when `rd.overlay` names it: at its root, with no name of the system in it. */
const volumeUpper = 'overlay'
const volumeWork = 'ovlwork'
/** Folders at the root beside the usual one that are looked into. */
const maxFolders = 200

/** The filesystems of a card whose files can be read. A hybrid ISO is one of them; its first partition is the same once more. */
export async function livePlaces(card: Card): Promise<LivePlace[]> {
  if (card.folder) return [{ partition: null, volume: null, identity: null, tree: card.folder, usage: card.folderUsage }]
  const isHybrid = card.volumes.some(({ number, identity }) => number === 0 && identity?.type === 'iso9660')
  const places: LivePlace[] = []
  for (const volume of card.volumes) {
    const { number, identity } = volume
    if (!identity || (isHybrid && number !== 0 && identity.type === 'iso9660')) continue
    const { value: tree } = await volume.tree()
    if (!tree) continue
    places.push({
      partition: number,
      volume,
      identity,
      tree,
      get usage() {
        return volume.usage
      },
    })
  }
  return places
}

/** The usual folder first, then others that hold an image. */
export function liveFolders(place: LivePlace): LiveFolder[] {
  const { tree } = place
  const usual = childNamed(tree, tree.root, usualFolder)
  const folders = usual?.kind === 'directory' ? [liveFolder(place, usual, usual.name)].filter(hasSomething) : []
  const given = liveFolder(place, tree.root, '')
  if (place.volume === null && (given.image || given.overlays.length > 0)) folders.push(given)
  const others = tree.root
    .list()
    .entries.filter(({ kind, name }) => kind === 'directory' && name !== usual?.name)
    .slice(0, maxFolders)
  return [...folders, ...others.map((node) => liveFolder(place, node, node.name)).filter(isWhole)]
}

/** The root of a volume that keeps changes and nothing else, of whatever system names it; null where it is none. */
export function volumeOverlay(place: LivePlace): LiveFolder | null {
  const { root } = place.tree
  const upper = childNamed(place.tree, root, volumeUpper)
  if (upper?.kind !== 'directory' || childNamed(place.tree, root, volumeWork)?.kind !== 'directory') return null
  return { place, path: '', node: root, image: null, overlays: [upper], home: null }
}

/** Its changes are found by the volume they lie on, not by their name. */
export function isVolumeOverlay({ path, image }: LiveFolder): boolean {
  return path === '' && image === null
}

function hasSomething({ image, overlays }: LiveFolder): boolean {
  return image !== null || overlays.length > 0
}

/** A folder of another name must look like one that dracut finds: a squashfs.img anywhere would do for too little. */
function isWhole({ image, overlays, home }: LiveFolder): boolean {
  return image !== null && (image.name.toLowerCase() === 'squashfs.img' || overlays.length > 0 || home !== null)
}

function liveFolder(place: LivePlace, node: TreeNode, path: string): LiveFolder {
  const fileNamed = (name: string): TreeNode | null => {
    const found = childNamed(place.tree, node, name)
    return found?.kind === 'file' ? found : null
  }
  const overlays = node
    .list()
    .entries.filter(({ name, kind }) => startsAs(name, overlayPrefix, place) && (kind === 'file' || kind === 'directory'))
  return {
    place,
    path,
    node,
    image: imageNames.reduce<TreeNode | null>((found, name) => found ?? fileNamed(name), null),
    overlays: overlays.sort((a, b) => (a.name < b.name ? -1 : 1)),
    home: fileNamed(homeName),
  }
}

function startsAs(name: string, prefix: string, { tree }: LivePlace): boolean {
  return tree.foldsCase ? name.toLowerCase().startsWith(prefix) : name.startsWith(prefix)
}

/** "LiveOS/home.img" */
export function pathIn({ path }: Pick<LiveFolder, 'path'>, name: string): string {
  return path === '' ? name : `${path}/${name}`
}

/**
 * How dracut names the overlay of a live system (dmsquash-live-root.sh): by the filesystem that the image lies in. Both parts come from blkid, and a label that is not there leaves
 * its place empty; livecd-iso-to-disk writes blanks in it as underscores.
 */
export function overlayNames({ label, uuid }: Identity): string[] {
  const written = `${overlayPrefix}${label ?? ''}-${uuid ?? ''}`
  return [...new Set([written, written.replaceAll(' ', '_')])]
}
