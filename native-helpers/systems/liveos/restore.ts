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
import { rawStoreSpot } from './restore-raw-store.ts'
import { type Below, storeSpot } from './restore-store.ts'
import { aloneFile, fileOnStick, type StoreFile } from './store-file.ts'

/** The changes of a live system in whatever form it keeps them, and its home. */
export async function restoreLive(card: Card, live: LiveSystem, draft: ChangeDraft, context: ChangeContext): Promise<void> {
  const { facts, request } = restoreInto(await spotsOf(card, live, draft, context), draft, context)
  await tellFit(draft, facts.manifest, { id: 'liveos', describe: () => describeLive(card, live) }, request.withKernel)
}

async function spotsOf(card: Card, live: LiveSystem, draft: ChangeDraft, context: ChangeContext): Promise<RestoreSpot[]> {
  if (live.alone) {
    const { device, image } = live.alone
    const below = card.base && image?.value ? { device: card.base, image: image.value } : null
    const extents = [{ start: 0, lengthBytes: device.size }]
    if (isStoreIn(card, extents)) return storeSpots(aloneFile(device, draft), below, true)
    return [imageSpot(card, 'The changes', extents)]
  }
  const spots: RestoreSpot[] = []
  if (live.folders.some(({ overlays }) => overlays.length > 0))
    spots.push(...(await overlaySpots(card, live.folders, draft, context)))
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

async function overlaySpots(
  card: Card,
  folders: readonly OpenedFolder[],
  draft: ChangeDraft,
  { seconds }: ChangeContext,
): Promise<RestoreSpot[]> {
  const { folder, overlay } = chosenOverlay(folders, (what, why) => impossible(what, why))
  const { volume } = folder.place
  const path = pathIn(folder, overlay.name)
  if (!volume) throw impossible(path, 'a mounted folder shows neither owners nor overlay marks')
  if (overlay.kind === 'directory') return [directorySpot(folder, volume, overlay)]
  const extents = await extentsOn(volume, path)
  if (!extents) throw impossible(path, 'it cannot be opened')
  const owner = folder.image ? folder : folders.find(({ image }) => image !== null)
  const image = owner?.opened?.value
  const { value: device } = owner?.image?.open() ?? { value: null }
  const below = image && device ? { device, image } : null
  if (!isStoreIn(card, extents)) return [imageSpot(card, path, extents)]
  const file = await fileOnStick(volume, path, draft, seconds)
  if (!file) throw impossible(path, 'it cannot be opened')
  return storeSpots(file, below, false)
}

function storeSpots(file: StoreFile, below: Below | null, isAlone: boolean): RestoreSpot[] {
  return [storeSpot(file, below, isAlone), rawStoreSpot(file, below, isAlone)]
}

/** A filesystem image with the folders of overlayfs. */
function imageSpot(card: Card, name: string, extents: readonly Extent[]): RestoreSpot {
  const title = `your changes (${name})`
  const words = { what: 'overlay', title, forms: ['upper', 'changes'], folder: upperName, cleared: [workName] } as const
  return extentsSpot(extents, words, whyNot(typeIn(card, extents) ?? 'unknown'))
}

function isStoreIn(card: Card, extents: readonly Extent[]): boolean {
  const type = typeIn(card, extents)
  return type === null || type === 'DM_snapshot_cow'
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
