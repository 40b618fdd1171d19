import type { BlockDevice } from '../../block/device.ts'
import type { BlockCodec } from './block-codec.ts'
import { DataBlocks } from './data-blocks.ts'
import { loadDecompressor } from './decompress.ts'
import { damaged, tooLarge } from './errors.ts'
import { fileContent } from './file-content.ts'
import { type FolderEntry, listFolder } from './folder.ts'
import { type FileInode, type FolderInode, type Inode, type InodePlace, readInode, type SymlinkInode } from './inode.ts'
import { Metadata } from './metadata.ts'
import { type AheadOptions, ReadAhead } from './read-ahead.ts'
import { readSuperblock, type Superblock } from './superblock.ts'
import { Table } from './table.ts'
import { type Xattr, Xattrs } from './xattrs.ts'

export interface SquashfsOptions {
  /** Unpacked blocks of file contents that are kept. */
  contentCacheBytes?: number
  /** Unpacked blocks of inodes, folders and tables that are kept. */
  metadataCacheBytes?: number
  readAhead?: AheadOptions
  /** Instead of the one that was built here; null reads without, as far as that goes. The threads that read ahead take their own. */
  codec?: BlockCodec | null
}

export interface WalkEntry {
  /** "usr/bin/env"; empty for the root. */
  path: string
  inode: Inode
}

/** An image opened for reading. Everything is synchronous, and nothing is read before it is asked for. */
export interface Squashfs {
  readonly superblock: Superblock
  readonly root: FolderInode
  /** How large files are read on in other threads; it ends them by itself. */
  readonly readAhead: ReadAhead
  list(folder: FolderInode): Generator<FolderEntry>
  inode(entry: FolderEntry): Inode
  /** What lies at a path below the root, or null. Symbolic links on the way are not followed. */
  lookup(path: string): Inode | null
  /** By the number of an inode; null where the image was made without the table for it. */
  byNumber(number: number): Inode | null
  readlink(link: SymlinkInode): string
  xattrs(inode: Inode): Xattr[]
  /** Keep it while the file is in use: it remembers where the blocks lie. */
  fileDevice(file: FileInode): BlockDevice
  /** The root and everything below it, folders before what is in them. */
  walk(): Generator<WalkEntry>
}

const inodePlace = (reference: number): InodePlace => ({ block: Math.floor(reference / 65536), offset: reference % 65536 })
const mostEntries = 10_000_000
const deepest = 1024

/** Only the loading of a decoder is asynchronous. Throws a named error where the image cannot be read. */
export async function openSquashfs(device: BlockDevice, options: SquashfsOptions = {}): Promise<Squashfs> {
  const { contentCacheBytes = 64 * 1024 * 1024, metadataCacheBytes = 8 * 1024 * 1024 } = options
  const superblock = readSuperblock(device)
  const decompress = await loadDecompressor(superblock.compressor, options.codec)
  const metadata = new Metadata(device, decompress, metadataCacheBytes)
  const { inodes, directories, usedBytes, inodeCount } = superblock

  const table = (name: string, pointers: number | null, entryBytes: number, count: number) => {
    if (pointers === null) return null
    return new Table(device, metadata, { name, pointers, entryBytes, count }, usedBytes, directories.start)
  }
  const ids = new Table(
    device,
    metadata,
    { name: 'owners', pointers: superblock.idTable, entryBytes: 4, count: superblock.idCount },
    usedBytes,
    directories.start,
  )
  const fragments = table('fragments', superblock.fragmentTable, 16, superblock.fragmentCount)
  const exported = table('inodes', superblock.exportTable, 8, inodeCount)
  const xattrs = superblock.xattrTable === null ? null : new Xattrs(device, metadata, superblock, superblock.xattrTable)
  const readAhead = new ReadAhead(superblock.compressor, superblock.blockBytes, options.readAhead)
  const blocks = new DataBlocks({ device, superblock, decompress, fragments, readAhead, cacheBytes: contentCacheBytes })

  const id = (index: number) => ids.entry(index).getUint32(0, true)
  const inodeAt = (place: InodePlace) =>
    readInode(metadata.cursor(inodes, inodes.start + place.block, place.offset), place, inodeCount, id)

  if (!Number.isSafeInteger(superblock.rootReference)) throw damaged('its root folder cannot lie where it says')
  const root = inodeAt(inodePlace(superblock.rootReference))
  if (root.type !== 'folder') throw damaged('its root is no folder')

  const list = (folder: FolderInode) => listFolder(metadata, directories, folder)
  const inode = (entry: FolderEntry): Inode => {
    const found = inodeAt(entry.place)
    if (found.type !== entry.type) throw damaged(`${entry.name} is of another type than its folder says`)
    return found
  }

  return {
    superblock,
    root,
    readAhead,
    list,
    inode,
    lookup(path) {
      let here: Inode = root
      for (const name of path.split('/').filter((part) => part !== '' && part !== '.')) {
        if (here.type !== 'folder') return null
        const entry = find(list(here), Buffer.from(name))
        if (!entry) return null
        here = inode(entry)
      }
      return here
    },
    byNumber(number) {
      if (!exported) return null
      if (number < 1) throw damaged(`there is no inode ${number}`)
      const found = inodeAt(inodePlace(Number(exported.entry(number - 1).getBigUint64(0, true))))
      if (found.number !== number) throw damaged(`the table of inodes leads to ${found.number} for ${number}`)
      return found
    },
    readlink: (link) => Buffer.from(link.target).toString('utf8'),
    xattrs(of) {
      if (of.xattrIndex === null) return []
      if (!xattrs) throw damaged('a file has extended attributes, and the image has none')
      return xattrs.of(of.xattrIndex)
    },
    fileDevice: (file) => fileContent({ superblock, metadata, blocks }, file),
    walk: () => walk({ root, list, inode }),
  }
}

/** The names are in order, so the search ends where the name would be. */
function find(entries: Iterable<FolderEntry>, name: Uint8Array): FolderEntry | null {
  for (const entry of entries) {
    const order = Buffer.compare(entry.nameBytes, name)
    if (order === 0) return entry
    if (order > 0) return null
  }
  return null
}

/** A folder has one place in the tree and a list of its own; one that has two would make the walk endless, or as good as. */
function* walk({ root, list, inode }: Pick<Squashfs, 'root' | 'list' | 'inode'>): Generator<WalkEntry> {
  const folders = new Set<string>()
  const enter = (folder: FolderInode) => {
    const { block, offset, sizeBytes } = folder.listing
    for (const mark of [`${folder.place.block}:${folder.place.offset}`, ...(sizeBytes > 0 ? [`list ${block}:${offset}`] : [])]) {
      if (folders.has(mark)) throw damaged('a folder has two places in the tree')
      folders.add(mark)
    }
    return list(folder)
  }
  yield { path: '', inode: root }
  const open = [{ path: '', entries: enter(root) }]
  let count = 1
  for (let top = open.at(-1); top; top = open.at(-1)) {
    const { value: entry, done } = top.entries.next()
    if (done) {
      open.pop()
      continue
    }
    count += 1
    if (count > mostEntries) throw tooLarge(`it has more than ${mostEntries} entries`)
    const found = inode(entry)
    const path = top.path === '' ? entry.name : `${top.path}/${entry.name}`
    yield { path, inode: found }
    if (found.type === 'folder') {
      if (open.length >= deepest) throw tooLarge(`its folders lie more than ${deepest} deep in each other`)
      open.push({ path, entries: enter(found) })
    }
  }
}
