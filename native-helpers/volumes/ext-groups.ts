import { crc16, crc32c } from './crc.ts'
import { type ExtSuperblock, extCompat, extIncompat, extRoCompat, extSuperblockOffset } from './ext-superblock.ts'
import { readFields, u16, u32 } from './fields.ts'

/** struct ext4_group_desc, fs/ext4/ext4.h; the second half exists with 64-byte descriptors. */
const descriptorFields = {
  blockBitmapLow: u32(0x00),
  inodeBitmapLow: u32(0x04),
  inodeTableLow: u32(0x08),
  freeClustersLow: u16(0x0c),
  freeInodesLow: u16(0x0e),
  flags: u16(0x12),
  blockBitmapChecksumLow: u16(0x18),
  checksum: u16(0x1e),
  blockBitmapHigh: u32(0x20),
  inodeBitmapHigh: u32(0x24),
  inodeTableHigh: u32(0x28),
  freeClustersHigh: u16(0x2c),
  freeInodesHigh: u16(0x2e),
  blockBitmapChecksumHigh: u16(0x38),
}
const checksumOffset = 0x1e
const highHalfBytes = 64
const blockUninitFlag = 2

export interface ExtGroup {
  index: number
  /** Block numbers of the volume. */
  blockBitmap: number
  inodeBitmap: number
  inodeTable: number
  freeClusters: number
  freeInodes: number
  /** The block bitmap was never written: only metadata is in use in this group. */
  bitmapUninitialised: boolean
  /** Of the block bitmap; 32 bits, or 16 with short descriptors. */
  bitmapChecksum: number
}

/** One descriptor, or null where its checksum is wrong or it points outside of the volume. */
export function parseExtGroup(sb: ExtSuperblock, index: number, bytes: Uint8Array): ExtGroup | null {
  if (bytes.length !== sb.descriptorBytes) return null
  const raw = readFields(descriptorFields, bytes)
  const sums = checksumKind(sb)
  if (sums !== 'none' && descriptorChecksum(sb, sums, index, bytes) !== raw.checksum) return null
  const high = (value: number) => (bytes.length >= highHalfBytes ? value * 0x1_0000_0000 : 0)
  const group: ExtGroup = {
    index,
    blockBitmap: raw.blockBitmapLow + high(raw.blockBitmapHigh),
    inodeBitmap: raw.inodeBitmapLow + high(raw.inodeBitmapHigh),
    inodeTable: raw.inodeTableLow + high(raw.inodeTableHigh),
    freeClusters: raw.freeClustersLow + (bytes.length >= highHalfBytes ? raw.freeClustersHigh * 0x1_0000 : 0),
    freeInodes: raw.freeInodesLow + (bytes.length >= highHalfBytes ? raw.freeInodesHigh * 0x1_0000 : 0),
    bitmapUninitialised: sums !== 'none' && (raw.flags & blockUninitFlag) !== 0,
    bitmapChecksum: raw.blockBitmapChecksumLow + (bytes.length >= highHalfBytes ? raw.blockBitmapChecksumHigh * 0x1_0000 : 0),
  }
  const inside = (block: number, count: number) => block >= sb.firstDataBlock && block + count <= sb.blocksCount
  const whole = inside(group.blockBitmap, 1) && inside(group.inodeBitmap, 1) && inside(group.inodeTable, inodeTableBlocks(sb))
  return whole ? group : null
}

type ChecksumKind = 'none' | 'crc16' | 'crc32c'

function checksumKind(sb: ExtSuperblock): ChecksumKind {
  if (sb.roCompat & extRoCompat.metadataChecksum) return 'crc32c'
  return sb.roCompat & extRoCompat.gdtChecksum ? 'crc16' : 'none'
}

/** ext4_group_desc_csum, fs/ext4/super.c: the group's number and the descriptor without its checksum field, which crc32c reads as zero. */
function descriptorChecksum(sb: ExtSuperblock, kind: 'crc16' | 'crc32c', index: number, bytes: Uint8Array): number {
  const number = new Uint8Array(4)
  new DataView(number.buffer).setUint32(0, index, true)
  const before = bytes.subarray(0, checksumOffset)
  const after = bytes.subarray(checksumOffset + 2)
  if (kind === 'crc16') return [sb.uuid, number, before, after].reduce(crc16, 0xffff)
  return [number, before, new Uint8Array(2), after].reduce(crc32c, sb.checksumSeed) & 0xffff
}

/** ext4_block_bitmap_csum_verify, fs/ext4/bitmap.c. True where the volume keeps no checksums of bitmaps. */
export function bitmapChecksumFits(sb: ExtSuperblock, group: ExtGroup, bitmap: Uint8Array): boolean {
  if (!(sb.roCompat & extRoCompat.metadataChecksum)) return true
  const actual = crc32c(sb.checksumSeed, bitmap.subarray(0, sb.clustersPerGroup / 8))
  return (sb.descriptorBytes >= highHalfBytes ? actual : actual & 0xffff) === group.bitmapChecksum
}

export function groupFirstBlock(sb: ExtSuperblock, index: number): number {
  return sb.firstDataBlock + index * sb.blocksPerGroup
}

export function groupBlocks(sb: ExtSuperblock, index: number): number {
  return Math.min(sb.blocksPerGroup, sb.blocksCount - groupFirstBlock(sb, index))
}

export function inodeTableBlocks(sb: ExtSuperblock): number {
  return Math.ceil((sb.inodesPerGroup * sb.inodeBytes) / sb.blockBytes)
}

/** ext4_bg_has_super, fs/ext4/balloc.c. */
export function groupHasSuperblock(sb: ExtSuperblock, index: number): boolean {
  if (index === 0) return true
  if (sb.compat & extCompat.sparseSuper2) return sb.backupGroups.includes(index)
  if (index === 1 || !(sb.roCompat & extRoCompat.sparseSuper)) return true
  return [3, 5, 7].some((base) => isPowerOf(index, base))
}

function isPowerOf(value: number, base: number): boolean {
  let power = base
  while (power < value) power *= base
  return power === value
}

export function descriptorsPerBlock(sb: ExtSuperblock): number {
  return sb.blockBytes / sb.descriptorBytes
}

export function descriptorBlocks(sb: ExtSuperblock): number {
  return Math.ceil(sb.groupCount / descriptorsPerBlock(sb))
}

/** descriptor_loc, fs/ext4/super.c: behind the superblock, or with meta_bg in the first group of those that the block describes. */
export function descriptorBlock(sb: ExtSuperblock, index: number): number {
  const superblockBlock = Math.floor(extSuperblockOffset / sb.blockBytes)
  if (!(sb.incompat & extIncompat.metaBg) || index < sb.firstMetaGroup) return superblockBlock + index + 1
  const group = index * descriptorsPerBlock(sb)
  const besideBootBlock = sb.blockBytes === 1024 && index === 0 && sb.firstDataBlock === 0 ? 1 : 0
  return groupFirstBlock(sb, group) + (groupHasSuperblock(sb, group) ? 1 : 0) + besideBootBlock
}

/**
 * Blocks at the start of a group that hold a superblock and group descriptors, kept free ones included (ext4_num_base_meta_clusters,
 * fs/ext4/balloc.c).
 */
export function groupHeadBlocks(sb: ExtSuperblock, index: number): number {
  const hasSuperblock = groupHasSuperblock(sb, index)
  const metaBg = (sb.incompat & extIncompat.metaBg) !== 0
  const perBlock = descriptorsPerBlock(sb)
  if (!metaBg || index < sb.firstMetaGroup * perBlock) {
    return hasSuperblock ? 1 + (metaBg ? sb.firstMetaGroup : descriptorBlocks(sb)) + sb.reservedGdtBlocks : 0
  }
  const place = index % perBlock
  return (hasSuperblock ? 1 : 0) + (place === 0 || place === 1 || place === perBlock - 1 ? 1 : 0)
}
