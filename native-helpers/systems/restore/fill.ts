import { LivecardError } from '../../errors.ts'
import { ExtUnpacker } from '../../volumes/ext-unpack.ts'
import type { ExtFiles } from '../../wasm/ext-files.ts'
import type { ExtWriter } from '../../wasm/ext-writer.ts'
import { displayName } from '../../wasm/names.ts'
import type { ArchiveMember } from '../archive/contents.ts'
import type { ArchiveFile } from '../archive/manifest.ts'
import type { RestoreSpot } from './spot.ts'

/** mke2fs makes it, e2fsck looks for it. */
const lostAndFound = 'lost+found'

/** Whether a name at the top of a spot's folder outlives what is put there. */
export function outlives({ folder, kept }: RestoreSpot, name: string): boolean {
  return kept.includes(name) || (folder === '' && name === lostAndFound)
}

/** Paths below a folder of a volume, as they are there; links are not followed. */
export class PathsBelow {
  readonly #files: ExtFiles
  readonly #folders = new Map<string, number>()

  constructor(files: ExtFiles, top: number | null) {
    this.#files = files
    if (top !== null) this.#folders.set('', top)
  }

  /** Null where there is nothing. */
  find(path: string): number | null {
    if (path === '') return this.#folders.get('') ?? null
    const slash = path.lastIndexOf('/')
    const above = this.#folder(slash < 0 ? '' : path.slice(0, slash))
    return above === null ? null : this.#files.lookup(above, path.slice(slash + 1))
  }

  #folder(path: string): number | null {
    const known = this.#folders.get(path)
    if (known !== undefined || path === '') return known ?? null
    const inode = this.find(path)
    if (inode === null || this.#files.attributes(inode).kind !== 'folder') return null
    this.#folders.set(path, inode)
    return inode
  }
}

/** A single file put where a folder is would take everything in it along. */
export function checkNotFolder(files: ExtFiles, paths: PathsBelow, path: string, kind: string): void {
  const there = kind === 'folder' ? null : paths.find(path)
  if (there === null || files.attributes(there).kind !== 'folder') return
  throw new LivecardError('failed', 'restore-folder-in-way', {
    message: `"${displayName(path)}" is a folder on the card, and something else in the archive.`,
    meaning: 'Nothing was changed: what is in the folder would be lost.',
    next: 'Restore the folder above it as a whole, or leave this one out.',
  })
}

/** What an archive that goes on from an earlier one leaves where it is: of these files all must be there, unchanged. Answers how many are missing, and the first. */
export function missingBefore(files: ExtFiles, paths: PathsBelow, kept: Iterable<{ path: string; file: ArchiveFile }>) {
  let count = 0
  let first: string | null = null
  for (const { path, file } of kept) {
    if (file.link !== null) continue
    const inode = paths.find(path)
    const there = inode === null ? null : files.attributes(inode)
    const isSame =
      there !== null &&
      there.kind === file.kind &&
      (file.kind !== 'file' || (there.sizeBytes === file.size && secondsOf(file.mtime) === there.modified.seconds))
    if (isSame) continue
    count += 1
    first ??= path
  }
  return { count, first }
}

function secondsOf(time: string): number {
  return Math.floor(Number(time))
}

/** Fills a folder of a volume; what is read of the archive later may show that all is to be forgotten. */
export class FolderFiller {
  readonly #writer: ExtWriter
  readonly #top: number
  readonly #spot: RestoreSpot
  readonly #unpacker: ExtUnpacker
  readonly paths: PathsBelow

  constructor(writer: ExtWriter, spot: RestoreSpot) {
    this.#writer = writer
    this.#spot = spot
    this.#top = folderAt(writer, spot.folder)
    this.#unpacker = new ExtUnpacker(writer, this.#top, { distinct: true })
    this.paths = new PathsBelow(writer, this.#top)
  }

  /** Before the first member: all that is there goes. */
  empty(): void {
    for (const { name } of this.#writer.list(this.#top)) if (!outlives(this.#spot, name)) this.#writer.removeTree(this.#top, name)
  }

  /** Before the first member: all goes that is not among these paths. */
  emptyBut(wanted: ReadonlySet<string>): void {
    const visit = (folder: number, path: string) => {
      for (const { name, inode } of this.#writer.list(folder)) {
        const whole = path === '' ? name : `${path}/${name}`
        if (path === '' && outlives(this.#spot, name)) continue
        if (!wanted.has(whole)) this.#writer.removeTree(folder, name)
        else if (this.#writer.attributes(inode).kind === 'folder') visit(inode, whole)
      }
    }
    visit(this.#top, '')
  }

  /** `member` with its path from the folder on. */
  put(member: ArchiveMember): void {
    try {
      this.#unpacker.add(member)
    } catch (thrown) {
      if (!(thrown instanceof LivecardError && thrown.code === 'ext-xattr-room')) throw thrown
      throw new LivecardError('failed', 'restore-attributes', {
        message: `The attributes of "${displayName(member.entry.path)}" do not fit into the volume.`,
        meaning: 'Nothing was changed.',
        next: 'Restore the rest of the archive with --only PATH, or onto a volume with larger blocks.',
      })
    }
  }

  /** What is there, with all that is in it; nothing where nothing is. */
  takeAway(path: string): void {
    const slash = path.lastIndexOf('/')
    const above = this.paths.find(slash < 0 ? '' : path.slice(0, slash))
    const name = path.slice(slash + 1)
    if (above === null || this.#writer.attributes(above).kind !== 'folder') return
    if (this.#writer.lookup(above, name) !== null) this.#writer.removeTree(above, name)
  }

  /** A folder on the way to a member: made where it is missing, left alone where it is there. */
  putAbove(member: ArchiveMember): void {
    if (this.paths.find(member.entry.path) === null) this.put(member)
  }

  finish(): void {
    this.#unpacker.finish()
    for (const path of this.#spot.cleared) {
      const there = new PathsBelow(this.#writer, folderAt(this.#writer, '')).find(path)
      if (there === null || this.#writer.attributes(there).kind !== 'folder') continue
      for (const { name } of this.#writer.list(there)) this.#writer.removeTree(there, name)
    }
  }
}

function folderAt(writer: ExtWriter, path: string): number {
  let folder = writer.find('/')
  for (const name of path.split('/').filter((part) => part !== '')) {
    const next = writer.lookup(folder, name)
    if (next !== null && writer.attributes(next).kind !== 'folder') writer.remove(folder, name)
    folder = next !== null && writer.attributes(next).kind === 'folder' ? next : writer.makeFolder(folder, name)
  }
  return folder
}
