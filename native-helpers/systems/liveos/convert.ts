import { createHash } from 'node:crypto'
import type { BlockDevice } from '../../block/device.ts'
import { decimalSize } from '../../decimal-size.ts'
import { openExt } from '../../volumes/ext-tree.ts'
import { fatFileLimitBytes } from '../../volumes/fat-clusters.ts'
import { identify } from '../../volumes/identify.ts'
import { findNode, type VolumeTree } from '../../volumes/tree.ts'
import { hasModules } from '../../wasm/modules.ts'
import type { BackupMember } from '../backup.ts'
import type { ChangeContext, ChangeDraft } from '../change.ts'
import { textOf } from '../linux-root.ts'
import { RoomNeed } from '../restore/room.ts'
import type { CardVolume } from '../system.ts'
import { changedMembers } from './changed-files.ts'
import { chosenOverlay } from './chosen-overlay.ts'
import { cannotConvert, noRoomToConvert, tooSmall } from './convert-errors.ts'
import type { LiveSystem } from './detect.ts'
import { exchangeOnStick } from './image-place.ts'
import { pathIn } from './live-folder.ts'
import type { LiveImage } from './live-image.ts'
import { mergedSystem } from './merged-system.ts'
import { workName } from './overlay-folders.ts'
import { fileOnStick } from './store-file.ts'
import { emptyUpperImage, factsOf, fillUpperImage, isFull } from './upper-image.ts'
import { upperMembers } from './upper-members.ts'

const mebibyte = 1024 * 1024
/** A filesystem with a journal, and something beside it. */
const leastBytes = 16 * mebibyte
/** What stays free of the stick. */
const leftBytes = 2 * mebibyte
/** Where less than the old size is there, the changes shall have so much more than they need. */
const comfortShare = 1.25

/** What the system shows, and how it came to that. */
interface Seen {
  tree: VolumeTree
  members(): Iterable<BackupMember>
  /** What else than the files it follows from. */
  listDigest: Uint8Array
  changedBlocks: number
  close(): void
}

/**
 * Keeps the changes of a live system as files in a filesystem image that overlayfs uses, in place of a list of blocks. dmsquash-live-root.sh tells the two apart by what
 * is in the file, and asks itself for overlayfs then, so that no boot menu has to change: the file gets its other content at one stroke, and starts before and after.
 */
export async function convertLive(live: LiveSystem, draft: ChangeDraft, context: ChangeContext): Promise<void> {
  if (live.alone) throw cannotConvert('for that the whole stick is needed, not the changes alone')
  if (!hasModules()) throw cannotConvert('this Livecard was built without the tools for ext volumes')
  const { folder, overlay } = chosenOverlay(live.folders, (what, why) =>
    cannotConvert(`${what.toLowerCase()} cannot be converted, as ${why}`),
  )
  const { volume } = folder.place
  const image = (folder.image ? folder : live.folders.find((one) => one.image !== null))?.opened?.value
  if (!volume) throw cannotConvert('a mounted folder shows too little of the stick; name the drive instead')
  if (!image) throw cannotConvert('the system image that they lie over is not at hand, or cannot be read')
  const path = pathIn(folder, overlay.name)
  if (overlay.kind === 'directory') {
    draft.notes.push(`${path} is a folder that holds the changes as files already.`)
    return
  }
  const { value: file, problem } = overlay.open()
  if (!file) throw cannotConvert(problem.detail)
  const { volume: inside } = identify(file)
  if (inside && inside.type !== 'DM_snapshot_cow') {
    draft.notes.push(`${path} holds the changes as files already.`)
    return
  }
  const seen = image.flatRoot ? flatSystem(image.flatRoot) : nestedSystem(image, file, context.seconds)
  try {
    checkStarts(seen.tree, draft)
    await convert({ path, volume, file, draft, context }, seen)
    tell({ path, volume, draft }, image, seen)
  } finally {
    seen.close()
  }
}

function nestedSystem({ origin }: LiveImage, file: BlockDevice, seconds: number): Seen {
  if (!origin?.identity.type.startsWith('ext'))
    throw cannotConvert(`the system is ${origin?.identity.type ?? 'of a kind that is not known'}, whose changes are not read here`)
  const { value: before, problem } = openExt(origin.device)
  if (!before) throw cannotConvert(`the system image: ${problem.detail}`)
  const merged = mergedSystem(origin.device, file, seconds, cannotConvert)
  if (!merged) {
    const { tree } = before
    return { tree, members: () => [{ path: '', node: tree.root }], listDigest: new Uint8Array(0), changedBlocks: 0, close() {} }
  }
  const { ext: now, isChanged, listDigest, changedBlocks } = merged
  if (now.facts.uuid !== before.facts.uuid) throw cannotConvert('they belong to another system image')
  return {
    ...{ tree: now.tree, listDigest, changedBlocks },
    members: () => changedMembers({ before, now, isChanged }),
    close: () => merged.close(),
  }
}

/** No list of blocks can lie over files. */
function flatSystem(tree: VolumeTree): Seen {
  return { tree, members: () => [{ path: '', node: tree.root }], listDigest: new Uint8Array(0), changedBlocks: 0, close() {} }
}

interface Converting {
  path: string
  volume: CardVolume
  file: BlockDevice
  draft: ChangeDraft
  context: ChangeContext
}

async function convert(converting: Converting, seen: Seen): Promise<void> {
  const { path, volume, file, draft, context } = converting
  const { seconds, options } = context
  await addWitness(converting)
  const exchange = exchangeOnStick(volume, path, draft, seconds, cannotConvert)
  const hash = createHash('sha256')
    .update(JSON.stringify([path, seconds, file.size]))
    .update(seen.listDigest)
  const need = new RoomNeed({ blockBytes: 4096, inodeBytes: 256 })
  const counts = { files: 0, marks: 0 }
  for (const { entry } of upperMembers(seen.members())) {
    need.add(entry)
    if (entry.kind === 'char' && entry.major === 0 && entry.minor === 0) counts.marks += 1
    else if (entry.kind !== 'folder') counts.files += 1
    hash.update(JSON.stringify([entry.kind, entry.path, entry.target, entry.sizeBytes, entry.modified, entry.uid, entry.gid]))
  }
  const roomBytes = wholeMebibytes(Math.min(exchange.room.size - leftBytes, fatFileLimitBytes))
  const asked = options.size === undefined ? null : wholeMebibytes(Number(options.size))
  const wanted = Math.max(leastBytes, asked ?? wholeMebibytes(file.size))
  const least = wholeMebibytes(Math.max(leastBytes, need.bytes * comfortShare + leastBytes))
  const sizeBytes = asked === null ? Math.max(Math.min(wanted, roomBytes), Math.min(least, roomBytes)) : wanted
  if (asked !== null && !Number.isSafeInteger(asked)) throw tooSmall(0, least)
  if (sizeBytes > roomBytes || roomBytes < leastBytes)
    throw noRoomToConvert(Math.max(0, roomBytes), Math.max(sizeBytes, leastBytes))
  const noFit = () => (asked === null ? noRoomToConvert(roomBytes, least) : tooSmall(sizeBytes, least))
  const digest = hash.update(String(sizeBytes)).digest('hex')
  const image = emptyUpperImage(draft, sizeBytes, digest, seconds)
  const { freeBlocks, blockBytes, freeInodes } = factsOf(image)
  if (need.bytes > freeBlocks * blockBytes || need.inodes > freeInodes) throw noFit()
  draft.steps.push(
    `Write the changes beside the old ones as files in a filesystem image of ${decimalSize(sizeBytes)}: ${counts.files} files that are new or were changed, and ${counts.marks} marks for what was deleted.`,
    `${path}: let it be the new image, at one stroke. The boot menus need no change.`,
    'Give the room of the old form back.',
  )
  if (sizeBytes < wanted && asked === null)
    draft.notes.push(
      `The new image has ${decimalSize(sizeBytes)}, as there is no room for ${decimalSize(wanted)} beside the old one. "livecard enlarge" makes it larger afterwards.`,
    )
  draft.agreeTo(digest, need.bytes + image.stagedBytes)
  if (draft.purpose === 'plan') return
  try {
    fillUpperImage(image, upperMembers(seen.members()), seconds)
  } catch (thrown) {
    throw isFull(thrown) ? noFit() : thrown
  }
  for (const { offset, bytes } of image.changes()) exchange.room.writeSync(bytes, offset)
  exchange.take(sizeBytes)
  exchange.release()
  await addWitness(converting)
}

/** For whoever takes it back: whether the system was started since, and whether something else took the place of the old form. */
async function addWitness({ path, volume, draft, context }: Converting): Promise<void> {
  const place = await fileOnStick(volume, path, draft, context.seconds)
  if (place) draft.witnesses.push({ offset: place.startBytes, lengthBytes: Math.min(place.device.size, 4096) })
}

function wholeMebibytes(bytes: number): number {
  return Math.floor(bytes / mebibyte) * mebibyte
}

const modulesFolder = 'usr/lib/dracut/modules.d'

/** A system brings along what its start was made from; one that cannot start from files keeps its blocks. */
function checkStarts(tree: VolumeTree, draft: ChangeDraft): void {
  const { entries } = findNode(tree, modulesFolder)?.list() ?? { entries: [] }
  const module = entries.find(({ name }) => /^\d+dmsquash-live$/.test(name))
  const script = module && textOf(tree, `${modulesFolder}/${module.name}/dmsquash-live-root.sh`)
  if (script && !script.includes(workName))
    throw cannotConvert('what starts this system (dracut) is older than version 045 and would not find them in the new form')
  if (!script)
    draft.notes.push(
      'The new form is found by what starts the system (dracut) from version 045 of 2017 on; which one this system has could not be seen.',
    )
}

function tell(
  { path, volume, draft }: Pick<Converting, 'path' | 'volume' | 'draft'>,
  { flatRoot }: LiveImage,
  { changedBlocks }: Seen,
): void {
  draft.keeps.push(
    'All files as the system shows them now, with owners, rights and attributes.',
    'The system image, the boot menus, the home, and everything else on the stick.',
  )
  draft.loses.push(
    flatRoot
      ? `What is in ${path}: it is a list of blocks, which this system cannot use, and without the image that it was made over its files cannot be seen.`
      : 'For good, what was deleted in the system and could still have been found in the list of blocks.',
  )
  if (changedBlocks > 0)
    draft.notes.push(
      'From now on deleting files gives their room back. Changing a large file of the system image for the first time copies all of it.',
      'A merge is no longer possible with the new form; a reset and a backup are.',
    )
  // As livecd-iso-to-disk leaves them there too.
  if (volume.identity?.type.startsWith('ext'))
    draft.notes.push(
      'On this stick the new image takes room only as it is filled, up to its size. Files from a backup are not put into such an image from outside.',
    )
}
