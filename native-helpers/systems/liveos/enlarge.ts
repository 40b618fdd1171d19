import type { Growing } from '../../contract-change.ts'
import { decimalSize } from '../../decimal-size.ts'
import { LivecardError } from '../../errors.ts'
import { fatFileLimitBytes } from '../../volumes/fat-clusters.ts'
import { identify } from '../../volumes/identify.ts'
import { areaChunk, entriesPerArea } from '../../volumes/snapshot-exceptions.ts'
import { isTrapSize, readSnapshotStore, storeSectorBytes } from '../../volumes/snapshot-store.ts'
import type { ChangeContext, ChangeDraft } from '../change.ts'
import { cannotGrow, growExt, wantedBytes } from '../enlarge.ts'
import type { LiveSystem, OpenedFolder } from './detect.ts'
import { pathIn } from './live-folder.ts'
import { aloneFile, fileOnStick, type StoreFile } from './store-file.ts'

/** A length that a file can be given in whole mebibytes without anybody counting. */
const roundBytes = 1024 * 1024

/** Makes the overlay or the home of a stick larger, whatever it is; `what` names one of the two. */
export async function enlargeLive(live: LiveSystem, draft: ChangeDraft, context: ChangeContext): Promise<void> {
  const what = context.options.what ?? 'overlay'
  if (what !== 'overlay' && what !== 'home') throw cannotGrow(`"${what}"`, 'a stick of this kind has an overlay and perhaps a home')
  enlargeFile(await fileOf(live, what, draft, context.seconds), draft, context)
}

/** What of a stick can be made larger, and how far: its overlay and its home, where they are files. Throws where neither is. */
export async function growingLive(live: LiveSystem, draft: ChangeDraft): Promise<Growing[]> {
  const parts: Growing[] = []
  let none: LivecardError | null = null
  for (const what of live.alone ? (['overlay'] as const) : (['overlay', 'home'] as const)) {
    try {
      // Nothing is written, so that no time is.
      parts.push(growingFile(what, await fileOf(live, what, draft, 0), live.alone !== null))
    } catch (thrown) {
      if (!(thrown instanceof LivecardError)) throw thrown
      none ??= thrown
    }
  }
  if (parts.length === 0 && none) throw none
  return parts
}

function growingFile(what: 'overlay' | 'home', file: StoreFile, isAlone: boolean): Growing {
  const { value: store } = readSnapshotStore(file.device)
  const chunkBytes = store && !store.blank ? store.chunkBytes : null
  const stepBytes = chunkBytes ?? roundBytes
  const { name, maxBytes, device } = file
  const why = whyNot(file) ?? (maxBytes < device.size + roundBytes ? 'there is no room for more' : null)
  return {
    what,
    name,
    nowBytes: device.size,
    leastBytes: device.size + roundBytes,
    maxBytes,
    stepBytes,
    trapEverySteps: chunkBytes && entriesPerArea(chunkBytes) + 1,
    limit: maxBytes >= fatFileLimitBytes ? 'fat-file' : isAlone ? 'alone' : 'stick',
    problem: why === null ? null : cannotGrow(name, why).message,
  }
}

/** What has to be done first. */
function whyNot({ device }: StoreFile): string | null {
  const { value: store } = readSnapshotStore(device)
  if (store && !store.blank && (!store.valid || store.exceptions.damageCount > 0))
    return 'it is damaged or invalid; repair it first, which gives it room too'
  return null
}

/** Throws where a stick has no such file. */
async function fileOf(live: LiveSystem, what: 'overlay' | 'home', draft: ChangeDraft, seconds: number): Promise<StoreFile> {
  if (live.alone) return aloneFile(live.alone.device, draft)
  const folder = live.folders.find(({ overlays, home }) =>
    what === 'home' ? home !== null : overlays.some(({ kind }) => kind === 'file'),
  )
  const node = what === 'home' ? folder?.home : folder?.overlays.find(({ kind }) => kind === 'file')
  if (!folder?.place.volume || !node) throw cannotGrow(what === 'home' ? 'The home' : 'The overlay', whyNone(live.folders, what))
  const path = pathIn(folder, node.name)
  const file = await fileOnStick(folder.place.volume, path, draft, seconds)
  if (!file) throw cannotGrow(path, 'it cannot be opened')
  return file
}

function whyNone(folders: readonly OpenedFolder[], what: 'overlay' | 'home'): string {
  const isFolder = what === 'overlay' && folders.some(({ overlays }) => overlays.some(({ kind }) => kind === 'directory'))
  return isFolder
    ? 'its changes are files on the stick itself, which have all the room that the stick has'
    : 'there is none on this stick'
}

function enlargeFile(file: StoreFile, draft: ChangeDraft, context: ChangeContext): void {
  const { value: store } = readSnapshotStore(file.device)
  const isStore = store !== null && !store.blank
  const wanted = wantedBytes(context) ?? file.maxBytes
  if (wanted > file.maxBytes) throw cannotGrow(file.name, `there is room for ${decimalSize(file.maxBytes)} at most`)
  const chunkBytes = store?.chunkBytes ?? storeSectorBytes
  const sizeBytes = isStore ? untrapped(wanted, chunkBytes) : wanted - (wanted % roundBytes)
  if (sizeBytes <= file.device.size) {
    draft.notes.push(`${file.name} has ${decimalSize(file.device.size)} already; there is nothing to add.`)
    return
  }
  const why = whyNot(file)
  if (why !== null) throw cannotGrow(file.name, why)
  draft.witnesses.push({ offset: file.startBytes, lengthBytes: Math.min(file.device.size, 4096) })
  const before = file.device.size
  const device = file.grow(sizeBytes)
  if (isStore) {
    const { count } = store.exceptions
    const next = areaChunk(chunkBytes, Math.floor(count / entriesPerArea(chunkBytes))) * chunkBytes
    // A list that ends with an area goes on in the next one, and what stood in its place would be taken for entries.
    if (count % entriesPerArea(chunkBytes) === 0 && next >= before) device.writeSync?.(new Uint8Array(chunkBytes), next)
    draft.steps.push(
      `${file.name}: from ${decimalSize(before)} to ${decimalSize(sizeBytes)}. The system uses the new room from its next start on.`,
    )
  } else if (identify(device).volume?.type === 'crypto_LUKS') {
    draft.steps.push(`${file.name}: from ${decimalSize(before)} to ${decimalSize(sizeBytes)}.`)
    draft.notes.push(
      'It is encrypted: the system gives the filesystem inside its new room once it is unlocked (cryptsetup resize, then resize2fs).',
    )
  } else {
    growExt(device, file.name, context)
    draft.steps.push(
      `${file.name}: from ${decimalSize(before)} to ${decimalSize(sizeBytes)}, and the filesystem in it takes the new room.`,
    )
  }
  file.settle?.()
  draft.endGroup()
  draft.keeps.push('All files.')
}

function untrapped(sizeBytes: number, chunkBytes: number): number {
  const chunks = Math.floor(sizeBytes / chunkBytes)
  return (isTrapSize(chunks, chunkBytes) ? chunks - 1 : chunks) * chunkBytes
}
