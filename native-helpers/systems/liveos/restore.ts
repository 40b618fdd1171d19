import type { Extent } from '../../block/extents.ts'
import { extentsDevice } from '../../block/extents.ts'
import { identify } from '../../volumes/identify.ts'
import { findNode, type TreeNode } from '../../volumes/tree.ts'
import type { ChangeContext, ChangeDraft } from '../change.ts'
import { tellFit } from '../restore/fit.ts'
import { restoreInto } from '../restore/restore.ts'
import type { RestoreSpot } from '../restore/spot.ts'
import { extentsSpot, impossible, volumeSpot, whyNot } from '../restore/volume.ts'
import type { Card, CardVolume } from '../system.ts'
import { chosenOverlay } from './chosen-overlay.ts'
import { describeLive } from './describe.ts'
import type { LiveSystem, OpenedFolder } from './detect.ts'
import { isVolumeOverlay, pathIn } from './live-folder.ts'
import { upperName, workName } from './overlay-folders.ts'
import { type Below, storeSpot } from './restore-store.ts'

/** The changes of a live system in whatever form it keeps them, and its home. */
export async function restoreLive(card: Card, live: LiveSystem, draft: ChangeDraft, context: ChangeContext): Promise<void> {
  const { facts, request } = restoreInto(await spotsOf(card, live), draft, context)
  await tellFit(draft, facts.manifest, { id: 'liveos', describe: () => describeLive(card, live) }, request.withKernel)
}

async function spotsOf(card: Card, live: LiveSystem): Promise<RestoreSpot[]> {
  if (live.alone) {
    const { device, image } = live.alone
    const below = card.base && image?.value ? { device: card.base, image: image.value } : null
    return [fileSpot(card, 'The changes', [{ start: 0, lengthBytes: device.size }], below)]
  }
  const spots: RestoreSpot[] = []
  if (live.folders.some(({ overlays }) => overlays.length > 0)) spots.push(await overlaySpot(card, live.folders))
  const folder = live.folders.find(({ home }) => home !== null)
  if (folder?.home && folder.place.volume) {
    const path = pathIn(folder, folder.home.name)
    const extents = await extentsOn(folder.place.volume, path)
    const type = extents && typeIn(card, extents)
    const problem = extents ? whyNot(type ?? 'unknown') : 'its file cannot be opened'
    spots.push(extentsSpot(extents ?? [], { what: 'home', title: `the home (${path})`, forms: ['tree'] }, problem))
  }
  return spots
}

async function overlaySpot(card: Card, folders: readonly OpenedFolder[]): Promise<RestoreSpot> {
  const { folder, overlay } = chosenOverlay(folders, (what, why) => impossible(what, why))
  const { volume } = folder.place
  const path = pathIn(folder, overlay.name)
  if (!volume) throw impossible(path, 'a mounted folder shows neither owners nor overlay marks')
  if (overlay.kind === 'directory') return directorySpot(folder, volume, overlay)
  const extents = await extentsOn(volume, path)
  if (!extents) throw impossible(path, 'it cannot be opened')
  const owner = folder.image ? folder : folders.find(({ image }) => image !== null)
  const image = owner?.opened?.value
  const { value: device } = owner?.image?.open() ?? { value: null }
  return fileSpot(card, path, extents, image && device ? { device, image } : null)
}

/** A store, or a filesystem image with the folders of overlayfs. */
function fileSpot(card: Card, name: string, extents: readonly Extent[], below: Below | null): RestoreSpot {
  const title = `your changes (${name})`
  const type = typeIn(card, extents)
  if (type === null || type === 'DM_snapshot_cow') return storeSpot(extents, below, title)
  const words = { what: 'overlay', title, forms: ['upper', 'changes'], folder: upperName, cleared: [workName] } as const
  return extentsSpot(extents, words, whyNot(type))
}

function directorySpot(folder: OpenedFolder, volume: CardVolume, overlay: TreeNode): RestoreSpot {
  const path = pathIn(folder, overlay.name)
  const work = isVolumeOverlay(folder) ? workName : pathIn(folder, workName)
  return volumeSpot(volume, {
    ...{ what: 'overlay', title: `your changes (the folder "${path}" of partition ${volume.number})` },
    ...{ forms: ['upper', 'changes'], folder: path, cleared: [work] },
  })
}

/** Where a file of a volume lies on the card. */
async function extentsOn(volume: CardVolume, path: string): Promise<Extent[] | null> {
  const { value: tree } = await volume.tree()
  const extents = tree && findNode(tree, path)?.extents().value
  if (!extents) return null
  return extents.map(({ start, lengthBytes }) => ({ start: start === null ? null : volume.startBytes + start, lengthBytes }))
}

function typeIn({ device }: Card, extents: readonly Extent[]): string | null {
  return device ? (identify(extentsDevice(device, extents)).volume?.type ?? null) : null
}
