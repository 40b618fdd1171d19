import { identify } from '../../volumes/identify.ts'
import type { TreeNode, VolumeTree } from '../../volumes/tree.ts'
import type { ChangeContext, ChangeDraft } from '../change.ts'
import { cannotKeep, keptPaths } from '../reset.ts'
import { changeExt, emptyFolder, emptyUpper, impossible, type UpperFolders } from '../reset-folders.ts'
import { chosenOverlay } from './chosen-overlay.ts'
import type { LiveSystem, OpenedFolder } from './detect.ts'
import { linuxView } from './linux-view.ts'
import { isVolumeOverlay, pathIn } from './live-folder.ts'
import type { LiveImage } from './live-image.ts'
import { upperName, workName } from './overlay-folders.ts'
import { resetStore } from './reset-store.ts'
import { aloneFile, fileOnStick, type StoreFile } from './store-file.ts'

interface Wanted {
  keep: string[]
  draft: ChangeDraft
  context: ChangeContext
}

/** The changes of a live system go, whatever form they have; the image, the home and everything else of the stick stay. */
export async function resetLive(live: LiveSystem, draft: ChangeDraft, context: ChangeContext): Promise<void> {
  const wanted: Wanted = { keep: keptPaths(context), draft, context }
  if (live.alone) {
    resetFile(aloneFile(live.alone.device, draft), live.alone.image?.value ?? null, wanted)
  } else {
    const { folder, overlay } = chosenOverlay(live.folders, impossible)
    const image = (folder.opened ?? live.folders.find(({ opened }) => opened?.value)?.opened)?.value ?? null
    if (overlay.kind === 'directory') resetDirectory(folder, overlay, image, wanted)
    else {
      const file =
        folder.place.volume && (await fileOnStick(folder.place.volume, pathIn(folder, overlay.name), draft, context.seconds))
      if (!file) throw impossible(pathIn(folder, overlay.name), 'it cannot be opened')
      resetFile(file, image, wanted)
    }
    await resetHome(live.folders, wanted)
  }
  draft.keeps.push('The system image, the boot menus, and everything else on the stick.')
  if (draft.steps.length > 0) draft.loses.push(lostText(wanted.keep))
}

function lostText(keep: readonly string[]): string {
  const but = keep.length > 0 ? `, but for ${keep.map((path) => `/${path}`).join(' and ')}` : ''
  return `Everything that was changed, installed or saved in the system since it was delivered${but}: files, settings, programs, accounts and passwords.`
}

function resetFile(file: StoreFile, image: LiveImage | null, { keep, draft, context }: Wanted): void {
  const { volume: identity } = identify(file.device)
  if (!identity || identity.type === 'DM_snapshot_cow') {
    if (image?.flatRoot && keep.length > 0) throw cannotKeep(keep[0] ?? '', 'the system cannot have used these changes')
    resetStore(file, image?.origin?.device ?? null, keep, draft, context)
    return
  }
  if (!identity.type.startsWith('ext')) throw impossible(file.name, `it holds ${identity.type}, which is not written to here`)
  const folders: UpperFolders = { name: file.name, upper: upperName, work: workName }
  let gone = 0
  changeExt(file, draft, context, (writer) => {
    gone = emptyUpper(writer, folders, keep, rootOf(image))
  })
  tellUpper(file.name, gone, keep, draft)
}

function resetDirectory(
  { place, path, ...folder }: OpenedFolder,
  overlay: TreeNode,
  image: LiveImage | null,
  { keep, draft, context }: Wanted,
): void {
  const name = pathIn({ path }, overlay.name)
  const { volume } = place
  if (!volume?.identity?.type.startsWith('ext'))
    throw impossible(name, `it lies on ${volume?.identity?.type ?? 'a filesystem'} that is not written to here`)
  const work = isVolumeOverlay({ ...folder, place, path }) ? workName : pathIn({ path }, workName)
  const part = {
    name: `Partition ${volume.number}`,
    device: draft.part(volume.startBytes, volume.device.size),
    startBytes: volume.startBytes,
    inOnePiece: true as const,
  }
  let gone = 0
  changeExt(part, draft, context, (writer) => {
    gone = emptyUpper(writer, { name, upper: name, work }, keep, rootOf(image))
  })
  tellUpper(name, gone, keep, draft)
}

function tellUpper(name: string, gone: number, keep: readonly string[], draft: ChangeDraft): void {
  const rest = keep.length > 0 ? `, and leave ${keep.map((path) => `/${path}`).join(' and ')}` : ''
  if (gone > 0) draft.steps.push(`${name}: remove the ${gone} files and folders in which it keeps changes${rest}.`)
  else draft.notes.push(`${name} holds no changes that would go.`)
}

/** What the system sees below its changes. */
function rootOf(image: LiveImage | null): VolumeTree | null {
  if (image?.flatRoot) return image.flatRoot
  return image?.origin?.identity.type.startsWith('ext') ? (linuxView(image.origin.device).value?.tree ?? null) : null
}

async function resetHome(folders: readonly OpenedFolder[], { draft, context }: Wanted): Promise<void> {
  const drop = context.options.drop === 'home'
  const folder = folders.find(({ home }) => home !== null)
  const path = folder?.home && pathIn(folder, folder.home.name)
  if (!folder || !path) {
    if (drop) throw impossible('The home', 'there is no home of its own on this stick; it goes with the changes')
    return
  }
  if (!drop) {
    draft.keeps.push(`${path} with all personal files in it; to empty it too, add --drop home.`)
    return
  }
  const file = folder.place.volume && (await fileOnStick(folder.place.volume, path, draft, context.seconds))
  if (!file) throw impossible(path, 'it cannot be opened')
  const { volume: identity } = identify(file.device)
  if (identity?.type === 'crypto_LUKS') throw impossible(path, 'it is encrypted, and cannot be emptied without its password')
  if (!identity?.type.startsWith('ext')) throw impossible(path, 'it holds no filesystem that is written to here')
  let gone = 0
  changeExt(file, draft, context, (writer) => {
    gone = emptyFolder(writer, writer.find('/'), [])
  })
  draft.steps.push(`${path}: remove the ${gone} files and folders in it.`)
  draft.loses.push(`All personal files in ${path}.`)
}
