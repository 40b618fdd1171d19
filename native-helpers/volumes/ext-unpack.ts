/** Entries of a tar archive as files of an ext volume. */
import { LivecardError } from '../errors.ts'
import type { ExtWriter } from '../wasm/ext-writer.ts'
import type { TarEntry, TarTime } from './tar/entry.ts'

export interface UnpackedEntry {
  entry: TarEntry
  content(): Generator<{ offset: number; bytes: Uint8Array }>
}

/**
 * Puts entries below a folder, one after the other, by their paths from there. What stands in the way is replaced; folders that are there are kept and take the
 * entry's attributes. No link is followed on the way: nothing comes to lie elsewhere. `finish` is to be called at the end, since a folder's times
 * change with everything that is put into it. Throws `tar-leads-out`, and what the volume throws (`ext-full`, `ext-xattr-room`).
 */
export class ExtUnpacker {
  readonly #writer: ExtWriter
  readonly #places = new Map<string, number>()
  readonly #distinct: boolean
  /** Made here. */
  readonly #made = new Set<number>()
  readonly #folders: { inode: number; entry: TarEntry }[] = []
  bytes = 0

  /** `distinct`: it is known that no path comes twice. */
  constructor(writer: ExtWriter, top: number, { distinct = false } = {}) {
    this.#writer = writer
    this.#distinct = distinct
    this.#places.set('', top)
  }

  add({ entry, content }: UnpackedEntry): void {
    const inode = this.#make(entry, content)
    if (entry.kind === 'folder') this.#folders.push({ inode, entry: { ...entry, extents: null } })
    else if (entry.kind !== 'hard-link') this.#dress(inode, entry)
  }

  finish(): void {
    for (const { inode, entry } of this.#folders.reverse()) {
      if (!this.#made.has(inode)) this.#undress(inode, entry)
      this.#dress(inode, entry)
    }
  }

  #make(entry: TarEntry, content: UnpackedEntry['content']): number {
    const writer = this.#writer
    const { parts, name } = split(entry.path)
    if (name === null) {
      if (entry.kind !== 'folder') throw leadsOut(entry.path)
      return this.#places.get('') ?? 0
    }
    const parent = this.#folder(parts)
    const there = this.#distinct && this.#made.has(parent) ? null : writer.lookup(parent, name)
    if (there !== null) {
      if (entry.kind === 'folder' && writer.attributes(there).kind === 'folder') {
        this.#places.set(entry.path, there)
        return there
      }
      // Also what was noted of folders below it.
      writer.removeTree(parent, name)
      for (const path of this.#places.keys())
        if (path === entry.path || path.startsWith(`${entry.path}/`)) this.#places.delete(path)
    }
    switch (entry.kind) {
      case 'folder':
        return this.#newFolder(parent, name, entry.path)
      case 'link':
        return writer.makeLink(parent, name, entry.target)
      case 'hard-link': {
        const inode = this.#existing(entry.target)
        writer.hardLink(parent, name, inode)
        return inode
      }
      case 'file': {
        const inode = writer.makeFile(parent, name, { kind: 'file' })
        for (const { offset, bytes } of content()) {
          writer.write(inode, offset, bytes)
          this.bytes += bytes.length
        }
        if (entry.extents !== null) writer.setSize(inode, entry.sizeBytes)
        return inode
      }
      default:
        return writer.makeFile(parent, name, { kind: entry.kind, major: entry.major, minor: entry.minor })
    }
  }

  #newFolder(parent: number, name: string, path: string): number {
    const inode = this.#writer.makeFolder(parent, name)
    this.#places.set(path, inode)
    this.#made.add(inode)
    return inode
  }

  /** Made where an archive does not name it. */
  #folder(parts: readonly string[]): number {
    const path = parts.join('/')
    const known = this.#places.get(path)
    if (known !== undefined) return known
    const name = parts.at(-1) ?? ''
    const parent = this.#folder(parts.slice(0, -1))
    const there = this.#writer.lookup(parent, name)
    if (there === null) return this.#newFolder(parent, name, path)
    if (this.#writer.attributes(there).kind !== 'folder') throw leadsOut(path)
    this.#places.set(path, there)
    return there
  }

  #existing(path: string): number {
    const { parts, name } = split(path)
    const inode = name === null ? null : this.#writer.lookup(this.#folder(parts), name)
    if (inode === null) throw leadsOut(path)
    return inode
  }

  /** A folder that was there may have attributes that the archive's has not. */
  #undress(inode: number, entry: TarEntry): void {
    for (const name of this.#writer.xattrs(inode).keys()) if (!entry.xattrs.has(name)) this.#writer.setXattr(inode, name, null)
  }

  #dress(inode: number, entry: TarEntry): void {
    const writer = this.#writer
    for (const [name, value] of entry.xattrs) writer.setXattr(inode, name, value)
    const { permissions, uid, gid, modified, accessed, changed, created } = entry
    const given = { accessed, changed, created } as Record<string, TarTime | null>
    const times = Object.fromEntries(Object.entries(given).filter(([, time]) => time !== null))
    writer.setAttributes(inode, { permissions, uid, gid, modified, accessed: modified, ...times })
  }
}

function split(path: string): { parts: string[]; name: string | null } {
  const parts = path === '' ? [] : path.split('/')
  if (parts.includes('..')) throw leadsOut(path)
  return { name: parts.pop() ?? null, parts }
}

function leadsOut(path: string): LivecardError {
  return new LivecardError('data', 'tar-leads-out', {
    message: `The archive names ${path || 'its top'}, which leads out of it, or to nothing.`,
    meaning: 'It was not unpacked further. What came before is there.',
    next: 'Do not trust this archive; take one that Livecard or GNU tar has made.',
  })
}
