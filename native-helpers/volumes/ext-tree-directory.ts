import type { Extent } from '../block/extents.ts'
import { type ExtInode, extInodeFlags, mapBytes, mapOffset } from './ext-inode.ts'
import { extMap } from './ext-tree-map.ts'
import type { ExtVolume } from './ext-tree-volume.ts'
import type { Problem } from './problem.ts'

/**
 * struct ext4_dir_entry_2, fs/ext4/ext4.h: inode (4 bytes), length of the record (2), of the name (1), type (1), name. Records fill
 * each block to its end. The blocks of an index look like blocks with one unused record, so that all of them can be read one after
 * the other.
 */
const headBytes = 8
const lengthOffset = 4
const nameLengthOffset = 6
const typeOffset = 7

/** More than any directory in use has, and what bounds the memory for one. */
const maxEntries = 1_000_000
const maxDirectoryBytes = 256 * 1024 * 1024
const windowBytes = 64 * 1024
const maxCachedBytes = 16 * 1024
/** Of small directories (fs/ext4/inline.c): the number of the parent, then records. */
const inlineHeadBytes = 4

export interface ExtEntry {
  inode: number
  /** Lent until the next one. */
  name: Uint8Array
  /** EXT4_FT_*, 0 where the volume does not note it. */
  type: number
}

/** Told of each entry but "." and ".."; true ends it. Returns what could not be read. */
export function readDirectory(volume: ExtVolume, inode: ExtInode, visit: (entry: ExtEntry) => boolean): Problem | null {
  const damage = (detail: string): Problem => ({
    code: 'ext-directory',
    detail: `the directory in inode ${inode.number} ${detail}`,
  })
  if (inode.flags & extInodeFlags.encrypted) return damage('is encrypted')
  let trouble: Problem | null = null
  let count = 0
  let bytesRead = 0
  const visited = (entry: ExtEntry): boolean => {
    count += 1
    return count > maxEntries || visit(entry)
  }
  const { extents, problem } = extMap(volume, inode)
  const isInline = (inode.flags & extInodeFlags.inlineData) !== 0
  for (const window of windows(extents, isInline ? mapBytes : volume.sb.blockBytes)) {
    bytesRead += window.length
    if (bytesRead > maxDirectoryBytes) return damage('is larger than is looked at')
    const bytes = readWindow(volume, window)
    if (!bytes) return damage('lies behind the end of the device')
    const head = isInline && window.start === inode.offset + mapOffset ? inlineHeadBytes : 0
    const step = isInline ? bytes.length : volume.sb.blockBytes
    for (let at = 0; at < bytes.length; at += step) {
      const done = readRecords(bytes.subarray(at + head, at + step), visited)
      if (count > maxEntries) return damage(`has more than ${maxEntries} entries`)
      if (done === 'stopped') return trouble
      if (done === 'damaged') trouble ??= damage('has a damaged record')
    }
  }
  return problem ?? trouble
}

interface Window {
  start: number
  length: number
}

/** Pieces to be read at once, in whole blocks. Holes hold no entries. */
function* windows(extents: readonly Extent[], blockBytes: number): Generator<Window> {
  const most = Math.max(blockBytes, windowBytes)
  for (const { start, lengthBytes } of extents) {
    if (start === null) continue
    for (let at = 0; at < lengthBytes; at += most) yield { start: start + at, length: Math.min(most, lengthBytes - at) }
  }
}

/** Large ones past the cache, which they would empty. */
function readWindow(volume: ExtVolume, { start, length }: Window): Uint8Array | null {
  if (length <= maxCachedBytes) return volume.bytes(start, length)
  if (start + length > volume.device.size) return null
  const bytes = new Uint8Array(length)
  volume.device.readSync(bytes, start)
  return bytes
}

function readRecords(block: Uint8Array, visit: (entry: ExtEntry) => boolean): 'stopped' | 'damaged' | 'whole' {
  const view = new DataView(block.buffer, block.byteOffset, block.byteLength)
  let damaged = false
  for (let at = 0; at + headBytes <= block.length; ) {
    const length = recordLength(view.getUint16(at + lengthOffset, true), block.length)
    const nameBytes = view.getUint8(at + nameLengthOffset)
    if (length < headBytes || length % 4 !== 0 || at + length > block.length || headBytes + nameBytes > length) return 'damaged'
    const inode = view.getUint32(at, true)
    if (inode !== 0) {
      const name = block.subarray(at + headBytes, at + headBytes + nameBytes)
      if (!isPossible(name)) damaged = true
      else if (!isSelfOrParent(name) && visit({ inode, name, type: view.getUint8(at + typeOffset) })) return 'stopped'
    }
    at += length
  }
  return damaged ? 'damaged' : 'whole'
}

/** ext4_rec_len_from_disk, fs/ext4/ext4.h: in 64 KiB the length of a whole block does not fit into 16 bits. */
function recordLength(stored: number, blockBytes: number): number {
  if (blockBytes < 0x1_0000) return stored
  return stored === 0xffff || stored === 0 ? blockBytes : (stored & 0xfffc) | ((stored & 3) << 16)
}

const dot = 0x2e

function isSelfOrParent(name: Uint8Array): boolean {
  return name[0] === dot && (name.length === 1 || (name.length === 2 && name[1] === dot))
}

function isPossible(name: Uint8Array): boolean {
  return name.length > 0 && !name.includes(0) && !name.includes(0x2f)
}
