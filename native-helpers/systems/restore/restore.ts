import { createHash } from 'node:crypto'
import { LivecardError } from '../../errors.ts'
import type { TarEntry } from '../../volumes/tar/entry.ts'
import { ExtFiles } from '../../wasm/ext-files.ts'
import { ExtWriter } from '../../wasm/ext-writer.ts'
import { displayName } from '../../wasm/names.ts'
import { type ArchiveFacts, type ArchiveMember, readArchive } from '../archive/contents.ts'
import { type ArchiveFile, type ArchivePart, type Manifest, unreadList, unreadPath } from '../archive/manifest.ts'
import { memberRefused } from '../archive/member-rules.ts'
import type { ChangeContext, ChangeDraft } from '../change.ts'
import { checkNotFolder, FolderFiller, missingBefore, outlives, PathsBelow } from './fill.ts'
import { nothingFits, type Place, Placing } from './placing.ts'
import { type RestoreRequest, restoreRequest } from './request.ts'
import { checkRoom, noRoom, RoomNeed, sizeOfFolder, type TreeSize } from './room.ts'
import type { OpenedFile, OpenedSpot, RestoreSpot } from './spot.ts'
import { type Surveyed, tellArchive, tellSpot } from './words.ts'

/**
 * Puts back what an archive holds. The plan is made from a look through the whole archive and at the state of the volumes, and agreed to is a digest of both:
 * what is written follows from them. Only when it is carried out all is made up, in the view, and checked; what does not come to the same digest is not written.
 */
export function restoreInto(
  spots: readonly RestoreSpot[],
  draft: ChangeDraft,
  context: ChangeContext,
  kernel: KernelTaker | null = null,
): Restored {
  const request = restoreRequest(context)
  if (request.withKernel && !kernel) throw nothingFits('there is no kernel partition on it')
  const work = draft.purpose === 'plan' ? new Survey(draft, context, request) : new Filling(draft, context, request)
  const placing = new Placing(request, spots)
  const ignored: string[] = []
  const taken = new Set<string>()
  const passedMarks = new Map<string, TarEntry>()
  let unread = 0
  const facts = readArchive(request.file, (member, manifest) => {
    const place = placing.of(member.entry.path, manifest)
    if (!place && manifest) kernel?.take(member, manifest)
    if (manifest && member.entry.path === unreadPath) unread = unreadIn(member)
    if (!place) {
      if (isMark(member)) passedMarks.set(member.entry.path, member.entry)
      return
    }
    const own = byItself(member, passedMarks.get(member.entry.target))
    checkLink(own, place, taken)
    taken.add(own.entry.path)
    for (const record of own.ignored) if (ignored.length < mostTold) ignored.push(`${displayName(place.path)} (${record})`)
    work.take(moved(own, place), place, manifest)
  })
  placing.checkAll()
  const surveyed = work.end()
  if (surveyed.length === 0) throw nothingFits('there is nothing in it that belongs on this card')
  const hash = createHash('sha256').update(JSON.stringify([request.only, request.what, facts.digest, context.seconds]))
  for (const { state } of surveyed) hash.update(state)
  const writeBytes = surveyed.reduce((sum, { need, fileBytes }) => sum + (need?.bytes ?? fileBytes), 0)
  draft.agreeTo(hash.digest('hex'), Math.max(1, writeBytes))
  for (const one of surveyed) tellSpot(draft, one)
  tellArchive(draft, facts.manifest, { leftOut: [...placing.leftOut], ignored, unread })
  return { facts, request }
}

/** Is shown every member that belongs to no part, of an archive with a list. */
export interface KernelTaker {
  take(member: ArchiveMember, manifest: Manifest): void
}

export interface Restored {
  facts: ArchiveFacts
  request: RestoreRequest
}

const mostTold = 5
const mostUnreadBytes = 64 * 1024 * 1024

/** How many files could not be read whole when they were saved. */
function unreadIn({ entry, content }: ArchiveMember): number {
  if (entry.sizeBytes > mostUnreadBytes) throw memberRefused(entry.path, 'it is larger than such a list can be')
  const parts: Buffer[] = []
  for (const { bytes } of content()) parts.push(Buffer.from(bytes))
  try {
    return unreadList.safeParse(JSON.parse(Buffer.concat(parts).toString('utf8'))).data?.length ?? 1
  } catch {
    return 1
  }
}

/**
 * Overlayfs makes one node for many files that were deleted (fs/overlayfs/dir.c, ovl_whiteout). Where the first of them is not asked for, another is a mark just as well.
 */
function byItself(member: ArchiveMember, mark: TarEntry | undefined): ArchiveMember {
  const { kind, path } = member.entry
  return kind === 'hard-link' && mark ? { ...member, entry: { ...mark, path } } : member
}

/** A further name of a file comes with the file. */
function checkLink({ entry }: ArchiveMember, place: Place, taken: ReadonlySet<string>): void {
  if (entry.kind !== 'hard-link' || place.isAbove) return
  const top = entry.path.slice(0, entry.path.length - place.path.length)
  if (!entry.target.startsWith(top)) throw memberRefused(entry.path, 'it is a further name of a file in another part')
  if (taken.has(entry.target)) return
  throw new LivecardError('usage', 'only-impossible', {
    message: `"${displayName(entry.path)}" is a further name of "${displayName(entry.target)}", which is not restored with it.`,
    meaning: 'Nothing was changed.',
    next: `Name that too: --only "${displayName(entry.target)}".`,
  })
}

/** With paths from the spot's folder on. */
function moved(member: ArchiveMember, { path }: Place): ArchiveMember {
  const { entry } = member
  const cut = entry.path.length - path.length
  return { ...member, entry: { ...entry, path, target: entry.kind === 'hard-link' ? entry.target.slice(cut) : entry.target } }
}

/** What both ways through an archive have in common: one spot after the other. */
abstract class Work {
  protected readonly draft: ChangeDraft
  protected readonly context: ChangeContext
  protected readonly request: RestoreRequest
  protected readonly surveyed: Surveyed[] = []
  /** Files are put over what is there, where some are asked for or saved only; else the folder becomes as it was saved. */
  protected merges = false
  protected current: { spot: RestoreSpot; opened: OpenedSpot | OpenedFile; surveyed: Surveyed } | null = null

  constructor(draft: ChangeDraft, context: ChangeContext, request: RestoreRequest) {
    this.draft = draft
    this.context = context
    this.request = request
  }

  take(member: ArchiveMember, place: Place, manifest: Manifest | null): void {
    if (this.current?.spot !== place.spot) this.#change(place, manifest)
    if (!this.current) return
    const { opened, surveyed } = this.current
    if (!place.isAbove && member.entry.path !== '') surveyed.members += 1
    if (isFile(opened)) opened.take(member)
    else this.each(member, place)
  }

  end(): Surveyed[] {
    if (this.current) {
      const { spot, opened, surveyed } = this.current
      if (isFile(opened)) surveyed.fileBytes = opened.end()
      else this.leave(spot, opened)
    }
    this.current = null
    return this.surveyed
  }

  #change({ spot, part, isPartial }: Place, manifest: Manifest | null): void {
    if (this.surveyed.some((one) => one.spot === spot))
      throw nothingFits(`what belongs into ${spot.title} does not stand together in it`)
    const twin = this.surveyed.find((one) => spot.insteadOf === one.spot.what || one.spot.insteadOf === spot.what)
    if (twin) throw nothingFits(`it holds the same twice, as "${twin.spot.what}" and as "${spot.what}"`)
    this.end()
    this.merges = isPartial || this.request.only.length > 0
    const opened = spot.open(this.draft, { seconds: this.context.seconds, merges: this.merges, part })
    const surveyed: Surveyed = {
      spot,
      part,
      state: opened.state,
      members: 0,
      need: null,
      before: null,
      fileBytes: 0,
      merges: this.merges,
      isAsDelivered: !isFile(opened) && opened.isAsDelivered,
      since: manifest?.since ?? null,
    }
    this.surveyed.push(surveyed)
    this.current = { spot, opened, surveyed }
    if (isFile(opened)) return
    this.enter(spot, opened, manifest?.since && part && !this.merges ? listOf(manifest, part) : null)
  }

  protected abstract enter(spot: RestoreSpot, opened: OpenedSpot, list: ListedFile[] | null): void
  protected abstract each(member: ArchiveMember, place: Place): void
  protected abstract leave(spot: RestoreSpot, opened: OpenedSpot): void
}

function isFile(opened: OpenedSpot | OpenedFile): opened is OpenedFile {
  return 'take' in opened
}

interface ListedFile {
  path: string
  file: ArchiveFile
}

/** All that an archive that goes on from another one lists of a part, with paths from its folder on. */
function listOf({ files }: Manifest, { folder }: ArchivePart): ListedFile[] {
  return files
    .filter(({ path }) => path.startsWith(`${folder}/`))
    .map((file) => ({ path: file.path.slice(folder.length + 1), file }))
}

/** For the plan: nothing is written, not even to the view. */
class Survey extends Work {
  #files: ExtFiles | null = null
  #paths: PathsBelow | null = null
  #need: RoomNeed | null = null
  #freed: TreeSize = { bytes: 0, inodes: 0 }

  protected enter(spot: RestoreSpot, { device, isAsDelivered }: OpenedSpot, list: ListedFile[] | null): void {
    const files = new ExtFiles(device)
    const top = new PathsBelow(files, files.find('/')).find(spot.folder)
    const isFolder = top !== null && files.attributes(top).kind === 'folder'
    this.#files = files
    this.#paths = new PathsBelow(files, isFolder ? top : null)
    this.#need = new RoomNeed(files.facts())
    this.#freed = { bytes: 0, inodes: 0 }
    if (list) checkBase(files, this.#paths, list)
    else if (isFolder && !this.merges && !isAsDelivered) this.#freed = sizeOfFolder(files, top, (name) => outlives(spot, name))
    if (this.current) this.current.surveyed.before = list ? null : this.#freed
  }

  protected each({ entry }: ArchiveMember, { isAbove }: Place): void {
    if (!this.#files || !this.#paths) return
    if (this.merges) checkNotFolder(this.#files, this.#paths, entry.path, entry.kind)
    if (!isAbove) this.#need?.add(entry)
  }

  protected leave(spot: RestoreSpot, opened: OpenedSpot): void {
    if (!this.#files || !this.#need || !this.current) return
    opened.checkRoom(this.#need)
    checkRoom(spot.title, this.#files.facts(), this.#need, this.#freed)
    this.current.surveyed.need = this.#need
    this.#files.close()
  }
}

/** Into the view. */
class Filling extends Work {
  #writer: ExtWriter | null = null
  #filler: FolderFiller | null = null

  protected enter(spot: RestoreSpot, opened: OpenedSpot, list: ListedFile[] | null): void {
    const { seconds } = this.context
    opened.begin()
    this.#writer = new ExtWriter(opened.device, { seconds })
    this.#filler = new FolderFiller(this.#writer, spot)
    if (list) {
      checkBase(this.#writer, this.#filler.paths, list)
      this.#filler.emptyBut(new Set(list.map(({ path }) => path)))
    } else if (!this.merges && !opened.isAsDelivered) this.#filler.empty()
  }

  protected each(member: ArchiveMember, { spot, isAbove }: Place): void {
    if (!this.#filler || !this.#writer) return
    if (this.merges) checkNotFolder(this.#writer, this.#filler.paths, member.entry.path, member.entry.kind)
    try {
      if (spot.appliesMarks && isMark(member)) this.#filler.takeAway(member.entry.path)
      else if (isAbove) this.#filler.putAbove(member)
      else this.#filler.put(member)
    } catch (thrown) {
      if (!(thrown instanceof LivecardError && fullCodes.has(thrown.code))) throw thrown
      throw noRoom('restore-no-room', `${spot.title} is full before all is there.`)
    }
  }

  protected leave(_spot: RestoreSpot, opened: OpenedSpot): void {
    this.#filler?.finish()
    this.#writer?.close()
    opened.end()
  }
}

/** Of an ext volume, and of a store that it is written through. */
const fullCodes = new Set(['ext-full', 'store-full'])

function isMark({ entry: { kind, major, minor } }: ArchiveMember): boolean {
  return kind === 'char' && major === 0 && minor === 0
}

function checkBase(files: ExtFiles, paths: PathsBelow, list: readonly ListedFile[]): void {
  const { count, first } = missingBefore(
    files,
    paths,
    list.filter(({ file }) => !file.stored),
  )
  if (first === null) return
  throw new LivecardError('failed', 'restore-base-missing', {
    message: `This archive goes on from an earlier one, of which ${count} ${count === 1 ? 'file is' : 'files are'} not on the card as they were: "${displayName(first)}".`,
    meaning: 'Nothing was changed.',
    next: 'Restore the earlier archive first, then this one.',
  })
}
