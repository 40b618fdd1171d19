import { createHash } from 'node:crypto'
import type { BlockDevice } from '../../block/device.ts'
import { mergedDevice } from '../../block/merged.ts'
import { decimalSize } from '../../decimal-size.ts'
import { LivecardError } from '../../errors.ts'
import { readExtFacts } from '../../volumes/ext-facts.ts'
import { readSnapshotStore, storeSectorBytes } from '../../volumes/snapshot-store.ts'
import { entriesOfTree } from '../../volumes/squashfs/entries-of-tree.ts'
import { openSquashfsTree, type SquashfsTree } from '../../volumes/squashfs/tree.ts'
import { makeSquashfs } from '../../volumes/squashfs/write.ts'
import type { WriteCompressor } from '../../volumes/squashfs/write-compress.ts'
import type { ChangeContext, ChangeDraft } from '../change.ts'
import type { CardVolume } from '../system.ts'
import { chosenOverlay } from './chosen-overlay.ts'
import type { LiveSystem, OpenedFolder } from './detect.ts'
import { exchangeOnStick } from './image-place.ts'
import { describeKernels } from './kernels.ts'
import { pathIn } from './live-folder.ts'
import type { LiveImage } from './live-image.ts'
import { readMenus } from './menus.ts'
import { cannotMerge, noRoomToMerge } from './merge-errors.ts'
import { type MergedSystem, mergedSystem } from './merged-system.ts'
import { emptyStore, refuseMeanwhile } from './reset-store.ts'
import { fileOnStick, type StoreFile } from './store-file.ts'

/** It is guessed what the new image will have; with so much more than there is room for, it is not tried. */
const hopelessShare = 1.25
const digestedBytes = 1024 * 1024

interface Merging {
  folder: OpenedFolder
  volume: CardVolume
  imagePath: string
  origin: NonNullable<LiveImage['origin']>
  store: StoreFile
  draft: ChangeDraft
  context: ChangeContext
}

/**
 * Folds the changes of a live system into its image. Until the changes are emptied they lie over an image that holds them already, which comes to the same:
 * so the image is exchanged first, at one stroke, and then the changes are emptied; whoever is cut off in between finds all files.
 */
export async function mergeLive(live: LiveSystem, draft: ChangeDraft, context: ChangeContext): Promise<void> {
  if (live.alone) throw cannotMerge('for that the whole stick is needed, not the changes alone')
  const { folder, overlay } = chosenOverlay(live.folders, (what, why) =>
    cannotMerge(`${what.toLowerCase()} cannot be merged, as ${why}`),
  )
  const { image, opened, place } = folder
  const { volume } = place
  if (!image || !opened?.value || !volume) throw cannotMerge('the image is not where its changes are')
  const { container, origin } = opened.value
  if (container === 'erofs') throw cannotMerge('the image is an EROFS, which is not written here')
  if (overlay.kind === 'directory' || !origin) throw cannotMerge('they are kept as files, and not as blocks of the system')
  if (!origin.identity.type.startsWith('ext'))
    throw cannotMerge(`the system is ${origin.identity.type}, which is not written to here`)
  const store = await fileOnStick(volume, pathIn(folder, overlay.name), draft, context.seconds)
  if (!store) throw cannotMerge('they cannot be opened')
  const merging: Merging = { folder, volume, imagePath: pathIn(folder, image.name), origin, store, draft, context }
  const merged = mergedSystem(origin.device, store.device, context.seconds)
  if (!merged) {
    draft.notes.push(`${store.name} is empty: there is nothing to fold in.`)
    return
  }
  try {
    draft.witnesses.push({ offset: store.startBytes, lengthBytes: Math.min(store.device.size, 4096) })
    if (container === 'none') await foldInPlace(merging, merged)
    else await foldAndPack(merging, merged)
    await tell(live, merging, merged)
  } finally {
    merged.close()
  }
}

async function foldAndPack(merging: Merging, merged: MergedSystem): Promise<void> {
  const { folder, volume, imagePath, origin, store, draft, context } = merging
  const { value: old, problem } = folder.image?.open() ?? { value: null, problem: null }
  if (!old) throw cannotMerge(problem?.detail ?? 'the image cannot be opened')
  const { value: tree, problem: unread } = await openSquashfsTree(old)
  if (!tree) throw cannotMerge(unread.detail)
  const { value: entries, problem: damaged } = entriesOfTree(tree, new Map([[origin.path ?? '', merged.device]]))
  if (!entries) throw cannotMerge(damaged.detail)
  const exchange = exchangeOnStick(volume, imagePath, draft, context.seconds)
  const { compressor, blockBytes } = packingOf(tree, draft)
  const guessedBytes = guessedLength(old.size, origin.device, merged)
  draft.steps.push(
    `Write the system with its changes as a new image beside the old one, packed with ${compressor}: about ${decimalSize(guessedBytes)}, the old one has ${decimalSize(old.size)}.`,
    `${imagePath}: let it be the new image, at one stroke.`,
    `${store.name}: empty it; its ${merged.changedBlocks} changed blocks are in the image.`,
    'Give the room of the old image back.',
  )
  draft.agreeTo(digestOf(old, merged, [imagePath, store.name, String(context.seconds)]), guessedBytes)
  if (guessedBytes > exchange.room.size * hopelessShare) throw noRoomToMerge(exchange.room.size, old.size)
  if (guessedBytes > exchange.room.size)
    draft.notes.push(
      'The free room of the stick may be too little, which only the packing shows. If so, it ends without having changed anything.',
    )
  if (draft.purpose === 'plan') return
  const imageBytes = await makeSquashfs(exchange.room, { entries, compressor, blockBytes, madeSeconds: context.seconds }).catch(
    (thrown) => {
      throw thrown instanceof LivecardError && thrown.code === 'squashfs-make-room'
        ? noRoomToMerge(exchange.room.size, old.size)
        : thrown
    },
  )
  if (!merged.bearsItsChanges) refuseMeanwhile(store, merged.chunkSectors, draft)
  exchange.take(imageBytes)
  emptyStore(store, merged.chunkSectors, draft)
  exchange.release()
}

/** By how well the old image is packed. */
function guessedLength(oldBytes: number, origin: BlockDevice, { usedBytes }: MergedSystem): number {
  const { value: facts } = readExtFacts(origin)
  const before = facts ? facts.totalBytes - (facts.freeBytes ?? 0) : origin.size
  return Math.round((oldBytes * usedBytes) / Math.max(1, before))
}

/** What the new image follows from: the head and the tables of the old one, the list of the changes, and the superblock that every start writes. */
function digestOf(old: BlockDevice, { listDigest, device }: MergedSystem, words: readonly string[]): string {
  const hash = createHash('sha256').update(words.join('\n')).update(listDigest)
  const ends = new Uint8Array(Math.min(old.size, digestedBytes))
  for (const offset of [0, old.size - ends.length]) {
    old.readSync(ends, offset)
    hash.update(ends)
  }
  const head = new Uint8Array(Math.min(device.size, digestedBytes))
  device.readSync(head, 0)
  return hash.update(head).digest('hex')
}

/** An image that lies unpacked on the stick takes the changed blocks where they belong. */
async function foldInPlace({ volume, imagePath, origin, store, draft, context }: Merging, merged: MergedSystem): Promise<void> {
  const image = await fileOnStick(volume, imagePath, draft, context.seconds)
  const { value: list } = readSnapshotStore(store.device, origin.device.size)
  if (!image || !list) throw cannotMerge('the image cannot be opened')
  const seen = mergedDevice(origin.device, store.device, list.exceptions)
  const { chunkBytes } = list
  for (const { originChunk, count } of list.exceptions.runs()) {
    for (let chunk = originChunk; chunk < originChunk + count; chunk += 1) {
      const offset = chunk * chunkBytes
      const bytes = new Uint8Array(Math.min(chunkBytes, origin.device.size - offset))
      seen.readSync(bytes, offset)
      image.device.writeSync?.(bytes, offset)
    }
  }
  image.settle?.()
  draft.endGroup()
  draft.steps.push(`${imagePath}: write the ${merged.changedBlocks} changed blocks to their places in it.`)
  emptyStore(store, merged.chunkSectors, draft)
  draft.steps.push(`${store.name}: empty it.`)
}

/** As the old image, where that can be written here: what starts the system reads it then too. */
function packingOf({ image }: SquashfsTree, draft: ChangeDraft): { compressor: WriteCompressor; blockBytes: number } {
  const { compressor, blockBytes } = image.superblock
  if (compressor === 'gzip' || compressor === 'xz' || compressor === 'zstd') return { compressor, blockBytes }
  draft.notes.push(
    `The old image is packed with ${compressor}, which is not written here; the new one is packed with gzip, which every system reads.`,
  )
  return { compressor: 'gzip', blockBytes }
}

async function tell(live: LiveSystem, { store, draft }: Merging, merged: MergedSystem): Promise<void> {
  draft.notes.push(
    `${merged.changedBlocks} changed blocks (${decimalSize(merged.changedBlocks * merged.chunkSectors * storeSectorBytes)}) leave the changes, which then have all of their ${decimalSize(store.device.size)} again.`,
  )
  const { kernels, findings } = await describeKernels(readMenus(live.places, live.folders, []).entries, [merged.ext.tree])
  const starts = kernels.find((kernel) => kernel.starts)?.version
  for (const { id, title, detail } of findings)
    if (id === 'liveos-kernel-update' || id === 'liveos-modules-missing') draft.notes.push(`${title} ${detail}`)
  draft.keeps.push(
    'All files as the system shows them now, accounts and settings too.',
    `The kernel that the stick starts${starts ? ` (${starts})` : ''}, the boot menus, the home, and everything else on the stick.`,
  )
  draft.loses.push(
    'The way back to the system as it was delivered: from now on a reset leads to the merged one.',
    'For good, what was deleted in the system.',
  )
}
