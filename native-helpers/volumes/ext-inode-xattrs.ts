import { decodeName } from '../wasm/names.ts'
import type { ExtInode } from './ext-inode.ts'
import type { ExtVolume } from './ext-tree-volume.ts'
import { readFields, u8, u16, u32 } from './fields.ts'

/**
 * struct ext4_xattr_entry, fs/ext4/xattr.h; the name follows. Entries grow upwards, four zero bytes end them; values grow downwards
 * from the end.
 */
const entryFields = { nameBytes: u8(0), nameIndex: u8(1), valueOffset: u16(2), valueInode: u32(4), valueBytes: u32(8) }
const entryHeadBytes = 16
const magicField = { magic: u32(0) }
export const xattrMagic = 0xea020000
const magicBytes = 4

/** EXT4_XATTR_INDEX_*; what has no prefix here cannot be asked for by a program. */
const prefixes: Record<number, string> = {
  1: 'user.',
  2: 'system.posix_acl_access',
  3: 'system.posix_acl_default',
  4: 'trusted.',
  6: 'security.',
  7: 'system.',
}

export interface XattrEntry {
  name: string
  /** Where its value begins in the bytes that were given, or in which inode it lies. */
  place: { start: number; inode: null } | { start: null; inode: number }
  valueBytes: number
}

export interface XattrEntries {
  entries: XattrEntry[]
  /** Something among them cannot be: what comes after it is left out. */
  damaged: boolean
}

/** The entries from `start`. `valuesStart` is what the places of the values count from. */
export function xattrEntries(bytes: Uint8Array, start: number, valuesStart: number): XattrEntries {
  const entries: XattrEntry[] = []
  for (let at = start; at + 4 <= bytes.length; ) {
    if (readFields(magicField, bytes.subarray(at, at + 4)).magic === 0) return { entries, damaged: false }
    const raw = readFields(entryFields, bytes.subarray(at, at + entryHeadBytes))
    const nameStart = at + entryHeadBytes
    at = (nameStart + raw.nameBytes + 3) & ~3
    const place = raw.valueInode === 0 ? valuesStart + raw.valueOffset : null
    if (at > bytes.length || (place !== null && place + raw.valueBytes > bytes.length)) return { entries, damaged: true }
    const prefix = prefixes[raw.nameIndex]
    if (prefix === undefined) continue
    entries.push({
      name: prefix + decodeName(bytes.subarray(nameStart, nameStart + raw.nameBytes)),
      place: place === null ? { start: null, inode: raw.valueInode } : { start: place, inode: null },
      valueBytes: raw.valueBytes,
    })
  }
  return { entries, damaged: false }
}

/** Those in the inode itself, and the bytes from which the places of their values count. */
export function inodeXattrEntries(volume: ExtVolume, { offset, xattrsStart }: ExtInode): XattrEntries & { bytes: Uint8Array } {
  const bytes = xattrsStart === null ? null : volume.bytes(offset + xattrsStart, volume.sb.inodeBytes - xattrsStart)
  if (!bytes || bytes.length < magicBytes || readFields(magicField, bytes).magic !== xattrMagic)
    return { entries: [], damaged: false, bytes: new Uint8Array() }
  return { ...xattrEntries(bytes, magicBytes, magicBytes), bytes }
}

/** Where a value lies in the inode, counted from its start; null where there is none of that name. */
export function findInodeXattr(volume: ExtVolume, inode: ExtInode, name: string): { start: number; lengthBytes: number } | null {
  const entry = inodeXattrEntries(volume, inode).entries.find((each) => each.name === name)
  if (!entry || entry.place.start === null || inode.xattrsStart === null) return null
  return { start: inode.xattrsStart + entry.place.start, lengthBytes: entry.valueBytes }
}
