/** Changes to a system that runs on an overlay, written as the kernel would have written them (Documentation/filesystems/overlayfs.rst). */
import type { BlockDevice } from '../../block/device.ts'
import { LivecardError } from '../../errors.ts'
import { parsed } from '../../volumes/problem.ts'
import { childNamed, findNode, type TreeNode, type VolumeTree } from '../../volumes/tree.ts'
import type { Attributes, NewAttributes } from '../../wasm/ext-types.ts'
import type { ExtWriter } from '../../wasm/ext-writer.ts'

/** A file or folder as the running system sees it: from the changes, from the system, or, for folders, from both. */
interface Place {
  name: string
  kind: TreeNode['kind'] | 'other'
  /** Its inode among the changes. */
  upper: number | null
  /** What shows from below. */
  lower: TreeNode | null
}

interface Way {
  /** From the root to the last one that is there. */
  there: Place[]
  /** Names behind it that are not. */
  missing: string[]
}

export interface FileRights {
  mode: number
  uid: number
  gid: number
}

const rootOwned = { uid: 0, gid: 0 }
const plainFolder: FileRights = { mode: 0o755, ...rootOwned }
const maxLinks = 40
const maxFileBytes = 4 * 1024 * 1024
const privatePrefix = 'trusted.overlay.'
const opaqueXattr = 'trusted.overlay.opaque'

/**
 * The union of the folder `rw` and the system below it. Files are changed as a running system does: a copy of the whole file, with owner, rights and extended
 * attributes, lies among the changes then, in folders that are copied with theirs; what is deleted gets a whiteout, and new folders hide what may lie below.
 * Nothing is written where it would say what is there already.
 */
export class Union {
  readonly #writer: ExtWriter
  readonly #lower: VolumeTree
  readonly #root: Place
  readonly #now: { seconds: number; nanoseconds: number }
  /** What was written, each once; for the words of a plan. */
  readonly changed = new Set<string>()

  /** `upper` is the inode of `rw`. */
  constructor(writer: ExtWriter, upper: number, lower: VolumeTree, seconds: number) {
    this.#writer = writer
    this.#lower = lower
    this.#root = { name: '', kind: 'directory', upper, lower: this.#isOpaque(upper) ? null : lower.root }
    this.#now = { seconds, nanoseconds: 0 }
  }

  has(path: string): boolean {
    return this.#walk(path, true).missing.length === 0
  }

  isFolder(path: string): boolean {
    const { there, missing } = this.#walk(path, true)
    return missing.length === 0 && there.at(-1)?.kind === 'directory'
  }

  /** Null where there is no such folder. */
  list(path: string): string[] | null {
    const { there, missing } = this.#walk(path, true)
    const folder = there.at(-1)
    if (missing.length > 0 || folder?.kind !== 'directory') return null
    const names = new Set(folder.lower?.list().entries.map(({ name }) => name) ?? [])
    if (folder.upper !== null) for (const { name } of this.#writer.list(folder.upper)) names.add(name)
    return [...names].filter((name) => this.#child(folder, name) !== null).sort()
  }

  /** Where a symbolic link leads; null for everything else. */
  target(path: string): string | null {
    const { there, missing } = this.#walk(path, false)
    const place = missing.length === 0 ? there.at(-1) : undefined
    return place?.kind === 'symlink' ? this.#targetOf(place) : null
  }

  /** A file of any size, for reading; null where there is none. */
  device(path: string): BlockDevice | null {
    const { there, missing } = this.#walk(path, true)
    const place = there.at(-1)
    return missing.length > 0 || place?.kind !== 'file' ? null : this.#opened(place, path)
  }

  /** A file whole; null where there is none. Throws where it is larger than anything that is a setting. */
  bytes(path: string): Uint8Array | null {
    const { there, missing } = this.#walk(path, true)
    const place = there.at(-1)
    return missing.length > 0 || place?.kind !== 'file' ? null : this.#content(place, path)
  }

  text(path: string): string | null {
    const bytes = this.bytes(path)
    return bytes && Buffer.from(bytes).toString('utf8')
  }

  /** Null where there is no such thing. */
  rights(path: string): FileRights | null {
    const { there, missing } = this.#walk(path, true)
    const place = there.at(-1)
    return missing.length > 0 || !place ? null : this.#rightsOf(place)
  }

  /** A file that is there keeps its rights, unless they are given. */
  write(path: string, content: string | Uint8Array, given: Partial<FileRights> = {}): void {
    const bytes = Buffer.from(content)
    const { there, missing } = this.#walk(path, true)
    const old = missing.length === 0 ? (there.pop() ?? null) : null
    if (old && old.kind !== 'file') throw inTheWay(path)
    const rights: FileRights = { mode: 0o644, ...rootOwned, ...(old && this.#rightsOf(old)), ...given }
    if (old && Buffer.compare(this.#content(old, path), bytes) === 0 && sameRights(this.#rightsOf(old), rights)) return
    const name = old?.name ?? missing.pop() ?? ''
    const folder = this.#upperFolder(there, missing, plainFolder)
    const xattrs = old ? this.#xattrsOf(old) : new Map<string, Uint8Array>()
    const inode = this.#emptyFile(folder, name, old)
    if (bytes.length > 0) this.#writer.write(inode, 0, bytes)
    for (const [key, value] of xattrs) this.#writer.setXattr(inode, key, value)
    this.#setRights(inode, rights)
    this.#touch(folder)
    this.#note(there, missing, name)
  }

  /** A symbolic link, in the place of whatever file or link is there. */
  link(path: string, target: string, owner: Pick<FileRights, 'uid' | 'gid'> = rootOwned): void {
    if (this.target(path) === target) return
    const { there, missing } = this.#walk(path, false)
    const old = missing.length === 0 ? (there.pop() ?? null) : null
    if (old?.kind === 'directory') throw inTheWay(path)
    const name = old?.name ?? missing.pop() ?? ''
    const folder = this.#upperFolder(there, missing, plainFolder)
    this.#clear(folder, name)
    this.#setRights(this.#writer.makeLink(folder, name, target), { mode: 0o777, ...owner })
    this.#touch(folder)
    this.#note(there, missing, name)
  }

  /** With what leads there; one that is there gets the rights, where they are given. */
  makeFolder(path: string, given: Partial<FileRights> = {}): void {
    const { there, missing } = this.#walk(path, true)
    const last = there.at(-1)
    const rights = { ...plainFolder, ...(missing.length === 0 && last ? this.#rightsOf(last) : {}), ...given }
    if (last?.kind !== 'directory') throw inTheWay(path)
    if (missing.length === 0 && sameRights(this.#rightsOf(last), rights)) return
    this.#setRights(this.#upperFolder(there, missing, plainFolder), rights)
    this.#note(there, missing, '')
  }

  /** A file or link; nothing where there is none. */
  remove(path: string): void {
    const { there, missing } = this.#walk(path, false)
    const old = there.pop()
    if (missing.length > 0 || !old) return
    if (old.kind === 'directory') throw inTheWay(path)
    const parent = there.at(-1)
    const isBelow = parent?.lower ? childNamed(this.#lower, parent.lower, old.name) !== null : false
    const folder = this.#upperFolder(there, [], plainFolder)
    this.#clear(folder, old.name)
    if (isBelow) {
      const whiteout = this.#writer.makeFile(folder, old.name, { kind: 'char', major: 0, minor: 0 })
      this.#setRights(whiteout, { mode: 0, ...rootOwned })
    }
    this.#touch(folder)
    this.#note(there, [], old.name)
  }

  #walk(path: string, followLast: boolean): Way {
    let there = [this.#root]
    let names = path.split('/').filter((name) => name !== '' && name !== '.')
    let links = 0
    for (let name = names.shift(); name !== undefined; name = names.shift()) {
      const folder = there.at(-1) ?? this.#root
      if (name === '..') {
        if (there.length > 1) there.pop()
        continue
      }
      const next = folder.kind === 'directory' ? this.#child(folder, name) : null
      if (!next) return { there, missing: [name, ...names] }
      if (next.kind !== 'symlink' || (names.length === 0 && !followLast)) {
        there.push(next)
        continue
      }
      links += 1
      if (links > maxLinks) throw inTheWay(path)
      const target = this.#targetOf(next)
      if (target.startsWith('/')) there = [this.#root]
      names = [...target.split('/').filter((one) => one !== '' && one !== '.'), ...names]
    }
    return { there, missing: [] }
  }

  #child(folder: Place, name: string): Place | null {
    const below = folder.lower && childNamed(this.#lower, folder.lower, name)
    const inode = folder.upper === null ? null : this.#writer.lookup(folder.upper, name)
    if (inode === null) return below && { name, kind: below.kind, upper: null, lower: below }
    const { kind, major, minor, sizeBytes } = this.#writer.attributes(inode)
    if (kind === 'char' && major === 0 && minor === 0) return null
    if (kind === 'folder') return { name, kind: 'directory', upper: inode, lower: this.#below(inode, folder.lower, below) }
    if (kind === 'link') return { name, kind: 'symlink', upper: inode, lower: null }
    if (kind !== 'file') return { name, kind: 'other', upper: inode, lower: null }
    const xattrs = this.#writer.xattrs(inode)
    if (sizeBytes === 0 && xattrs.has('trusted.overlay.whiteout')) return null
    if (xattrs.has('trusted.overlay.metacopy')) throw metadataOnly(name)
    return { name, kind: 'file', upper: inode, lower: null }
  }

  /** The folder that shows through one of the changes: of the same name, or what it was called before it was renamed, by a whole path or as a neighbour. */
  #below(inode: number, parent: TreeNode | null, sameName: TreeNode | null): TreeNode | null {
    if (this.#isOpaque(inode)) return null
    const redirect = this.#writer.xattrs(inode).get('trusted.overlay.redirect')
    const path = redirect && Buffer.from(redirect).toString('utf8')
    const node = !path
      ? sameName
      : path.startsWith('/')
        ? findNode(this.#lower, path)
        : parent && childNamed(this.#lower, parent, path)
    return node?.kind === 'directory' ? node : null
  }

  #isOpaque(inode: number): boolean {
    const value = this.#writer.xattrs(inode).get(opaqueXattr)
    return value !== undefined && Buffer.from(value).toString('latin1') === 'y'
  }

  #targetOf({ upper, lower }: Place): string {
    return upper === null ? (lower?.target ?? '') : this.#writer.linkTarget(upper)
  }

  #opened({ upper, lower }: Place, path: string): BlockDevice {
    if (upper !== null) {
      const size = this.#writer.attributes(upper).sizeBytes
      return { size, sectorSize: 512, readSync: (into, offset) => void this.#writer.read(upper, offset, into) }
    }
    const { value: device, problem } = lower?.open() ?? { value: null, problem: null }
    if (!device) throw unreadable(path, problem?.detail ?? 'it is no file')
    return device
  }

  #content(place: Place, path: string): Uint8Array {
    const device = this.#opened(place, path)
    if (device.size > maxFileBytes) throw inTheWay(path)
    const bytes = new Uint8Array(device.size)
    device.readSync(bytes, 0)
    return bytes
  }

  #rightsOf({ upper, lower }: Place): FileRights {
    if (upper === null) return { mode: lower?.mode ?? 0o755, uid: lower?.ownerId ?? 0, gid: lower?.groupId ?? 0 }
    const { permissions, uid, gid } = this.#writer.attributes(upper)
    return { mode: permissions, uid, gid }
  }

  /** Without what overlayfs keeps for itself. */
  #xattrsOf({ name, upper, lower }: Place): Map<string, Uint8Array> {
    const { value, problem } =
      upper === null ? (lower?.xattrs?.() ?? parsed(new Map<string, Uint8Array>())) : parsed(this.#writer.xattrs(upper))
    if (!value) throw unreadable(name, problem.detail)
    return new Map([...value].filter(([key]) => !key.startsWith(privatePrefix)))
  }

  /** The last folder of a way among the changes: those of the system are copied up, missing ones are made. */
  #upperFolder(there: Place[], missing: readonly string[], rights: FileRights): number {
    let parent: Place = this.#root
    for (const place of there.slice(1)) {
      if (place.kind !== 'directory') throw inTheWay(place.name)
      if (place.upper === null) place.upper = this.#copyUp(parent.upper ?? 0, place)
      parent = place
    }
    let inode = parent.upper ?? 0
    for (const name of missing) {
      this.#clear(inode, name)
      const made = this.#writer.makeFolder(inode, name)
      this.#writer.setXattr(made, opaqueXattr, Buffer.from('y'))
      this.#setRights(made, rights)
      this.#touch(inode)
      inode = made
    }
    return inode
  }

  #copyUp(parent: number, place: Place): number {
    const inode = this.#writer.makeFolder(parent, place.name)
    for (const [key, value] of this.#xattrsOf(place)) this.#writer.setXattr(inode, key, value)
    this.#setRights(inode, this.#rightsOf(place))
    this.#touch(parent)
    return inode
  }

  /** A file with one name is written anew where it is; what has several keeps its others as they are. */
  #emptyFile(folder: number, name: string, old: Place | null): number {
    if (old?.upper != null && this.#writer.attributes(old.upper).links === 1) {
      this.#writer.setSize(old.upper, 0)
      return old.upper
    }
    this.#clear(folder, name)
    return this.#writer.makeFile(folder, name, { kind: 'file' })
  }

  /** A whiteout, or whatever is there. */
  #clear(folder: number, name: string): void {
    if (this.#writer.lookup(folder, name) !== null) this.#writer.remove(folder, name)
  }

  #setRights(inode: number, { mode, uid, gid }: FileRights): void {
    const now = this.#now
    const wanted: NewAttributes = { permissions: mode, uid, gid, modified: now, changed: now }
    const { created }: Attributes = this.#writer.attributes(inode)
    this.#writer.setAttributes(inode, created.seconds === 0 ? { ...wanted, accessed: now } : wanted)
  }

  #touch(folder: number): void {
    this.#writer.setAttributes(folder, { modified: this.#now, changed: this.#now })
  }

  #note(there: readonly Place[], missing: readonly string[], name: string): void {
    this.changed.add([...there.map((place) => place.name), ...missing, name].filter((part) => part !== '').join('/'))
  }
}

function sameRights(one: FileRights, other: FileRights): boolean {
  return one.mode === other.mode && one.uid === other.uid && one.gid === other.gid
}

function notWritten(code: string, message: string, next: string): LivecardError {
  return new LivecardError('failed', code, {
    message,
    meaning: 'It was tried in memory only: nothing was written to the card.',
    next,
  })
}

function inTheWay(path: string): LivecardError {
  return notWritten(
    'settings-in-the-way',
    `What is at /${path} on the card is not the file or folder that it is on such a system.`,
    'Look at it on the running system, and set this there.',
  )
}

function unreadable(path: string, why: string): LivecardError {
  return notWritten(
    'settings-unreadable',
    `/${path} of the system cannot be read: ${why}.`,
    '"livecard inspect" tells more about what is damaged. Restore the system first.',
  )
}

function metadataOnly(name: string): LivecardError {
  return notWritten(
    'settings-metacopy',
    `"${name}" lies among the changes without its content (overlayfs with metacopy), which is not changed here.`,
    'Set this on the running system.',
  )
}
