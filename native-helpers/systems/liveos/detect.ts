import type { BlockDevice } from '../../block/device.ts'
import { type Parsed, unusable } from '../../volumes/problem.ts'
import { childNamed } from '../../volumes/tree.ts'
import { problemOf } from '../card.ts'
import type { Card, CardVolume } from '../system.ts'
import { type LiveFolder, type LivePlace, liveFolders, livePlaces, pathIn, volumeOverlay } from './live-folder.ts'
import { type LiveImage, openLiveImage } from './live-image.ts'
import { isNamed, liveArguments, textOfName } from './menu-arguments.ts'
import { readMenus } from './menus.ts'
import { upperName, workName } from './overlay-folders.ts'

/** A live folder with its image opened; null where it has none. */
export interface OpenedFolder extends LiveFolder {
  opened: Parsed<LiveImage> | null
}

export interface LiveSystem {
  /** "iso": a hybrid image that was written to the card as it is. "overlay": the changes alone. */
  form: 'stick' | 'iso' | 'folder' | 'overlay'
  generation: string | null
  evidence: string[]
  roles: Map<number, string>
  places: LivePlace[]
  folders: OpenedFolder[]
  /** Of an overlay that was given alone: itself, and its image where `--base` names one. */
  alone: { device: BlockDevice; image: Parsed<LiveImage> | null } | null
  /** A volume that a boot menu names as the live system's, and whose files are not read here. */
  unread: CardVolume | null
}

/** EFI system partitions: GPT's type and MBR's. */
const bootTypes = new Set(['C12A7328-F81F-11D2-BA4B-00A0C93EC93B', 'EF'])

export async function findLive(card: Card): Promise<LiveSystem | null> {
  if (card.kind === 'overlay' && card.device) return overlayAlone(card.device, card.base)
  const places = await livePlaces(card)
  const folders: OpenedFolder[] = []
  for (const folder of places.flatMap((place) => foldersIn(place, liveFolders)))
    folders.push({ ...folder, opened: await openedImage(folder) })
  if (folders.length === 0)
    return card.device && places.some(isOverlayImage) ? overlayAlone(card.device, null) : namedByMenu(card, places)
  if (folders.some(({ image }) => image !== null)) {
    const volumes = places.filter((place) => place.volume !== null && folders.every((folder) => folder.place !== place))
    for (const place of volumes) for (const folder of foldersIn(place, volumeOverlays)) folders.push({ ...folder, opened: null })
  }
  // What a system starts from comes before what only keeps its changes.
  folders.sort((a, b) => Number(b.image !== null) - Number(a.image !== null))
  const [main] = folders
  const onIso = main?.place.identity?.type === 'iso9660'
  return {
    form: card.folder ? 'folder' : onIso ? 'iso' : 'stick',
    generation: generationOf(main?.opened?.value ?? null),
    evidence: folders.flatMap(evidenceOf),
    roles: rolesOf(card, folders),
    places,
    folders,
    alone: null,
    unread: null,
  }
}

/** livecd-iso-to-disk also makes sticks of btrfs, XFS and F2FS. Their boot partition is FAT, and says which volume the system is on. */
function namedByMenu(card: Card, places: LivePlace[]): LiveSystem | null {
  for (const { menu, entry } of readMenus(places, [], []).entries) {
    const { root } = liveArguments(entry.arguments)
    const volume = card.volumes.find(
      (one) =>
        one.identity &&
        !places.some((place) => place.volume === one) &&
        root &&
        isNamed(root, { identity: one.identity, volume: one }),
    )
    if (!volume || !root) continue
    const roles = rolesOf(card, [])
    roles.set(volume.number, 'system')
    const evidence = [
      `"${menu}" starts a live system on ${textOfName(root)}`,
      `which is partition ${volume.number} (${volume.identity?.type})`,
    ]
    return { form: 'stick', generation: null, evidence, roles, places, folders: [], alone: null, unread: volume }
  }
  return null
}

async function overlayAlone(device: BlockDevice, base: BlockDevice | null): Promise<LiveSystem> {
  const image = base && (await openLiveImage(base))
  const evidence = ['the file is an overlay', ...(image?.value ? ['its system image was given with it'] : [])]
  return {
    ...{ form: 'overlay', generation: generationOf(image?.value ?? null), evidence, roles: new Map([[0, 'changes']]) },
    ...{ places: [], folders: [], alone: { device, image }, unread: null },
  }
}

async function openedImage({ image, path }: LiveFolder): Promise<Parsed<LiveImage> | null> {
  if (!image) return null
  const { value: device, problem } = image.open()
  if (!device) return unusable('liveos-file-damaged', problem.detail)
  try {
    return await openLiveImage(device)
  } catch (thrown) {
    return unusable('liveos-image-damaged', `${pathIn({ path }, image.name)}: ${problemOf(thrown).detail}`)
  }
}

/** A place with a bad sector in its folders is not what is looked for, or is told of as damaged by what describes it. */
function foldersIn(place: LivePlace, find: (place: LivePlace) => LiveFolder[]): LiveFolder[] {
  try {
    return find(place)
  } catch (thrown) {
    problemOf(thrown)
    return []
  }
}

function volumeOverlays(place: LivePlace): LiveFolder[] {
  const folder = volumeOverlay(place)
  return folder ? [folder] : []
}

/** A filesystem image for overlayfs that was copied off its stick. */
function isOverlayImage({ tree, volume }: LivePlace): boolean {
  if (volume?.number !== 0 || !volume.identity?.type.startsWith('ext')) return false
  return [upperName, workName].every((name) => childNamed(tree, tree.root, name)?.kind === 'directory')
}

function generationOf(image: LiveImage | null): string | null {
  if (!image) return null
  const packed = image.container === 'erofs' ? 'EROFS' : 'squashfs'
  if (!image.origin) return `flat ${packed}`
  if (image.container === 'none') return `unpacked ${image.origin.identity.type}`
  return `${image.origin.identity.type} in ${packed}`
}

function evidenceOf(folder: OpenedFolder): string[] {
  const { place, image, overlays, home } = folder
  const where = place.partition === null || place.partition === 0 ? '' : ` on partition ${place.partition}`
  const names = [...(image ? [image.name] : []), ...overlays.map(({ name }) => name), ...(home ? [home.name] : [])]
  return names.map((name) => `"${pathIn(folder, name)}"${where}`)
}

function rolesOf(card: Card, folders: readonly OpenedFolder[]): Map<number, string> {
  const roles = new Map<number, string>()
  for (const { number, type } of card.volumes) if (type !== null && bootTypes.has(type)) roles.set(number, 'boot')
  for (const { place, image, overlays } of folders) {
    if (place.partition === null || roles.get(place.partition) === 'system and changes') continue
    const role = image === null ? 'changes' : overlays.length > 0 ? 'system and changes' : 'system'
    if (!(role === 'changes' && roles.has(place.partition))) roles.set(place.partition, role)
  }
  return roles
}
