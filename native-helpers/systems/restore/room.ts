import { decimalSize } from '../../decimal-size.ts'
import { LivecardError } from '../../errors.ts'
import type { TarEntry } from '../../volumes/tar/entry.ts'
import type { ExtFiles } from '../../wasm/ext-files.ts'
import type { VolumeFacts } from '../../wasm/ext-types.ts'
import { encodeName } from '../../wasm/names.ts'

/** What a link's target and the attributes of a file may take in its inode, and what stands around an entry of a folder (fs/ext4/ext4.h). */
const fastLinkBytes = 59
const plainInodeBytes = 128
const inodeHeadBytes = 32
const xattrHeadBytes = 20
const direntBytes = 8
/** Of an extent tree: so many pieces stand in the inode, and in each block behind it. */
const extentsInInode = 4
const extentBytes = 12

/** How much of a volume a number of files takes: rather too much than too little. */
export class RoomNeed {
  readonly #blockBytes: number
  readonly #inlineBytes: number
  readonly #folders = new Map<string, number>()
  blocks = 0
  inodes = 0
  /** Of content that is there. */
  contentBytes = 0

  constructor({ blockBytes, inodeBytes }: Pick<VolumeFacts, 'blockBytes' | 'inodeBytes'>) {
    this.#blockBytes = blockBytes
    this.#inlineBytes = Math.max(0, inodeBytes - plainInodeBytes - inodeHeadBytes)
  }

  add({ kind, path, target, sizeBytes, extents, xattrs }: TarEntry): void {
    const slash = path.lastIndexOf('/')
    const above = slash < 0 ? '' : path.slice(0, slash)
    const name = Math.ceil((direntBytes + encodeName(path.slice(slash + 1)).length) / 4) * 4
    this.#folders.set(above, (this.#folders.get(above) ?? 2 * direntBytes) + name)
    if (kind === 'hard-link') return
    this.inodes += 1
    const attributes = [...xattrs].reduce((sum, [key, value]) => sum + xattrHeadBytes + key.length + value.length, 0)
    if (attributes > this.#inlineBytes) this.blocks += Math.ceil(attributes / this.#blockBytes)
    if (kind === 'link' && target.length > fastLinkBytes) this.blocks += 1
    if (kind !== 'file') return
    const pieces = extents ?? [{ offset: 0, length: sizeBytes }]
    for (const { offset, length } of pieces) {
      this.contentBytes += length
      this.blocks += Math.ceil((offset + length) / this.#blockBytes) - Math.floor(offset / this.#blockBytes)
    }
    if (pieces.length > extentsInInode) this.blocks += 1 + Math.ceil(pieces.length / (this.#blockBytes / extentBytes))
  }

  /** With the folders that were met. */
  get bytes(): number {
    const folders = [...this.#folders.values()].reduce((sum, bytes) => sum + 1 + Math.floor(bytes / (this.#blockBytes * 0.9)), 0)
    return (this.blocks + folders) * this.#blockBytes
  }
}

export interface TreeSize {
  /** What they take of the volume. */
  bytes: number
  /** Files and folders, hard links once. */
  inodes: number
}

/** What lies in a folder, and below. A folder that is met again is not entered. */
export function sizeOfFolder(files: ExtFiles, top: number, left: (name: string) => boolean = () => false): TreeSize {
  const size = { bytes: 0, inodes: 0 }
  const met = new Set<number>([top])
  const pending = [top]
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    for (const { name, inode } of files.list(folder)) {
      if (met.has(inode) || (folder === top && left(name))) continue
      met.add(inode)
      const { kind, allocatedBytes } = files.attributes(inode)
      size.bytes += allocatedBytes
      size.inodes += 1
      if (kind === 'folder') pending.push(inode)
    }
  }
  return size
}

/** Throws `restore-no-room` or `restore-no-inodes` where that much does not fit, also when `freed` is gone. */
export function checkRoom(title: string, facts: VolumeFacts, need: RoomNeed, freed: TreeSize): void {
  const room = facts.freeBlocks * facts.blockBytes + freed.bytes
  if (need.bytes > room)
    throw noRoom(
      'restore-no-room',
      `${title} has room for ${decimalSize(room)}, and ${decimalSize(need.bytes)} are to be put there: ${decimalSize(need.bytes - room)} are missing.`,
    )
  const inodes = facts.freeInodes + freed.inodes
  if (need.inodes > inodes)
    throw noRoom(
      'restore-no-inodes',
      `${title} can take ${inodes} more files and folders, and ${need.inodes} are to be put there: ${need.inodes - inodes} are missing.`,
    )
}

export function noRoom(code: string, message: string): LivecardError {
  return new LivecardError('failed', code, {
    message: `${message.charAt(0).toUpperCase()}${message.slice(1)}`,
    meaning: 'Nothing was changed.',
    next: 'Enlarge it with "livecard enlarge", take a larger card, or restore a part with --only PATH.',
  })
}
