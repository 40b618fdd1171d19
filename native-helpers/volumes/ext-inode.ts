import { type ExtSuperblock, extIncompat, extRoCompat } from './ext-superblock.ts'
import { type Field, readFields, readNumber, u16, u32 } from './fields.ts'
import { type DeviceNumber, kindOfMode, type NodeKind } from './tree.ts'

/** struct ext4_inode, fs/ext4/ext4.h; what comes after the first 128 bytes exists as far as `extraBytes` says. */
const fields = {
  mode: u16(0x00),
  ownerLow: u16(0x02),
  sizeLow: u32(0x04),
  accessed: u32(0x08),
  changed: u32(0x0c),
  modified: u32(0x10),
  groupLow: u16(0x18),
  links: u16(0x1a),
  sectorsLow: u32(0x1c),
  flags: u32(0x20),
  xattrBlockLow: u32(0x68),
  sizeHigh: u32(0x6c),
  sectorsHigh: u16(0x74),
  xattrBlockHigh: u16(0x76),
  ownerHigh: u16(0x78),
  groupHigh: u16(0x7a),
  extraBytes: u16(0x80),
  changedExtra: u32(0x84),
  modifiedExtra: u32(0x88),
  accessedExtra: u32(0x8c),
  created: u32(0x90),
  createdExtra: u32(0x94),
}
const headBytes = 128
/** i_block: fifteen block numbers, the root of an extent tree, a short link, a device number, or the start of small content. */
export const mapOffset = 0x28
export const mapBytes = 60

/** EXT4_*_FL, fs/ext4/ext4.h */
export const extInodeFlags = {
  encrypted: 0x800,
  hugeFile: 0x40000,
  extents: 0x80000,
  xattrInode: 0x200000,
  inlineData: 0x1000_0000,
}

/** EXT4_MAX_LOGICAL_BLOCK: block numbers of a file are 32 bits wide. */
const maxFileBlocks = 0x1_0000_0000

export interface ExtTime {
  /** Since 1970; negative before. */
  seconds: number
  nanoseconds: number
}

export interface ExtInode {
  number: number
  /** Where it lies in the volume, in bytes. */
  offset: number
  kind: NodeKind
  /** The twelve bits of rights. */
  permissions: number
  ownerId: number
  groupId: number
  links: number
  sizeBytes: number
  allocatedBytes: number
  flags: number
  accessed: ExtTime
  changed: ExtTime
  modified: ExtTime
  /** Null in small inodes. */
  created: ExtTime | null
  rdev: DeviceNumber | null
  /** Number of the block with extended attributes; 0 for none. */
  xattrBlock: number
  /** Where in it the room for extended attributes begins; null where there is none. */
  xattrsStart: number | null
}

/** An inode from its bytes; null where it is in use for nothing that there is. */
export function parseExtInode(sb: ExtSuperblock, number: number, offset: number, bytes: Uint8Array): ExtInode | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  // What an older inode is too short for is 0, as by `readFields`.
  const get = (field: Field): number => (field.offset + field.bytes <= bytes.length ? readNumber(view, field) : 0)
  const extraBytes = get(fields.extraBytes)
  const flags = get(fields.flags)
  const mode = get(fields.mode)
  const hasExtra = bytes.length > headBytes && extraBytes % 4 === 0 && headBytes + extraBytes <= bytes.length
  const end = headBytes + (hasExtra ? extraBytes : 0)
  const extra = (name: 'changedExtra' | 'modifiedExtra' | 'accessedExtra' | 'createdExtra') =>
    fields[name].offset + 4 <= end ? get(fields[name]) : 0
  const kind = kindOfMode(mode)
  if (kind === null) return null
  const isLong = kind === 'file' || (kind === 'directory' && (sb.incompat & extIncompat.largeDir) !== 0)
  const sizeBytes = get(fields.sizeLow) + (isLong ? get(fields.sizeHigh) * 0x1_0000_0000 : 0)
  if (sizeBytes > maxFileBlocks * sb.blockBytes) return null
  const hasHighSectors = (sb.roCompat & extRoCompat.hugeFile) !== 0
  const sectors = get(fields.sectorsLow) + (hasHighSectors ? get(fields.sectorsHigh) * 0x1_0000_0000 : 0)
  const isDevice = kind === 'character-device' || kind === 'block-device'
  return {
    number,
    offset,
    kind,
    permissions: mode & 0o7777,
    ownerId: get(fields.ownerLow) + get(fields.ownerHigh) * 0x1_0000,
    groupId: get(fields.groupLow) + get(fields.groupHigh) * 0x1_0000,
    links: get(fields.links),
    sizeBytes,
    allocatedBytes: sectors * (hasHighSectors && flags & extInodeFlags.hugeFile ? sb.blockBytes : 512),
    flags,
    accessed: timeOf(get(fields.accessed), extra('accessedExtra')),
    changed: timeOf(get(fields.changed), extra('changedExtra')),
    modified: timeOf(get(fields.modified), extra('modifiedExtra')),
    created: fields.created.offset + 4 <= end ? timeOf(get(fields.created), extra('createdExtra')) : null,
    rdev: isDevice ? deviceOf(bytes.subarray(mapOffset, mapOffset + mapBytes)) : null,
    xattrBlock: get(fields.xattrBlockLow) + (sb.incompat & extIncompat.bit64 ? get(fields.xattrBlockHigh) * 0x1_0000_0000 : 0),
    xattrsStart: hasExtra && extraBytes > 0 ? end : null,
  }
}

/**
 * ext4_decode_extra_time, fs/ext4/ext4.h: two more bits for the seconds, which count upwards from the signed 32, and 30 for
 * nanoseconds.
 */
function timeOf(seconds: number, extra: number): ExtTime {
  return { seconds: (seconds | 0) + (extra & 3) * 0x1_0000_0000, nanoseconds: Math.min(extra >>> 2, 999_999_999) }
}

/**
 * ext4_iget, fs/ext4/inode.c: the old 16 bits in the first number or, where it is 0, the new 32 in the second
 * (include/linux/kdev_t.h).
 */
function deviceOf(map: Uint8Array): DeviceNumber {
  const { old, wide } = readFields({ old: u32(0), wide: u32(4) }, map)
  if (old !== 0) return { major: (old >>> 8) & 0xff, minor: old & 0xff }
  return { major: (wide >>> 8) & 0xfff, minor: (wide & 0xff) | ((wide >>> 12) & 0xfff00) }
}
