import { crc32c } from './crc.ts'
import { isPowerOfTwo, readFields, u8, u16, u32, zeroTerminated } from './fields.ts'
import { type Parsed, parsed, unusable } from './problem.ts'

/** struct ext4_super_block, fs/ext4/ext4.h; the superblock lies 1024 bytes into the volume, whatever the block size. */
export const extSuperblockOffset = 1024
export const extSuperblockBytes = 1024
const fields = {
  inodesCount: u32(0x00),
  blocksCountLow: u32(0x04),
  freeBlocksLow: u32(0x0c),
  firstDataBlock: u32(0x14),
  logBlockSize: u32(0x18),
  logClusterSize: u32(0x1c),
  blocksPerGroup: u32(0x20),
  clustersPerGroup: u32(0x24),
  inodesPerGroup: u32(0x28),
  magic: u16(0x38),
  state: u16(0x3a),
  revision: u32(0x4c),
  firstInode: u32(0x54),
  inodeBytes: u16(0x58),
  groupNumber: u16(0x5a),
  compat: u32(0x5c),
  incompat: u32(0x60),
  roCompat: u32(0x64),
  reservedGdtBlocks: u16(0xce),
  journalInode: u32(0xe0),
  descriptorBytes: u16(0xfe),
  firstMetaGroup: u32(0x104),
  blocksCountHigh: u32(0x150),
  freeBlocksHigh: u32(0x158),
  checksumType: u8(0x175),
  errorCount: u32(0x194),
  backupGroup0: u32(0x24c),
  backupGroup1: u32(0x250),
  checksumSeed: u32(0x270),
  checksum: u32(0x3fc),
}
const uuidOffset = 0x68
const labelOffset = 0x78
const checksummedBytes = 0x3fc
const magic = 0xef53
const crc32cType = 1

export const extState = { valid: 1, error: 2, orphans: 4 }

/** Feature bits, fs/ext4/ext4.h and lib/ext2fs/ext2_fs.h of e2fsprogs. */
export const extCompat = {
  dirPrealloc: 0x1,
  imagicInodes: 0x2,
  hasJournal: 0x4,
  extAttr: 0x8,
  resizeInode: 0x10,
  dirIndex: 0x20,
  sparseSuper2: 0x200,
  fastCommit: 0x400,
  stableInodes: 0x800,
  orphanFile: 0x1000,
}
export const extIncompat = {
  filetype: 0x2,
  recover: 0x4,
  journalDevice: 0x8,
  metaBg: 0x10,
  extents: 0x40,
  bit64: 0x80,
  mmp: 0x100,
  flexBg: 0x200,
  eaInode: 0x400,
  checksumSeed: 0x2000,
  largeDir: 0x4000,
  inlineData: 0x8000,
  encrypt: 0x10000,
  casefold: 0x20000,
}
export const extRoCompat = {
  sparseSuper: 0x1,
  largeFile: 0x2,
  btreeDir: 0x4,
  hugeFile: 0x8,
  gdtChecksum: 0x10,
  dirNlink: 0x20,
  extraIsize: 0x40,
  quota: 0x100,
  bigalloc: 0x200,
  metadataChecksum: 0x400,
  readonly: 0x1000,
  project: 0x2000,
  verity: 0x8000,
  orphanPresent: 0x10000,
}

/** Linux knows no larger ones (EXT4_MAX_BLOCK_LOG_SIZE); clusters are limited by e2fsprogs (EXT2_MAX_CLUSTER_LOG_SIZE). */
const maxLogBlockSize = 6
const maxLogClusterSize = 19
const minDescriptorBytes = 32
const maxDescriptorBytes = 1024

/** In the first revision, and the least that later ones may say (EXT4_GOOD_OLD_FIRST_INO). */
const firstInodeOfOld = 11

export interface ExtSuperblock {
  blockBytes: number
  /** Blocks per allocation unit: more than one with bigalloc. */
  blocksPerCluster: number
  blocksCount: number
  freeBlocks: number
  firstDataBlock: number
  blocksPerGroup: number
  clustersPerGroup: number
  groupCount: number
  inodesPerGroup: number
  inodesCount: number
  /** Of those before it only the root is a file of the tree. */
  firstInode: number
  inodeBytes: number
  /** 0 where there is none, or it is on another device. */
  journalInode: number
  /** In which group this copy lies, as it says. */
  groupNumber: number
  state: number
  errorCount: number
  compat: number
  incompat: number
  roCompat: number
  reservedGdtBlocks: number
  firstMetaGroup: number
  descriptorBytes: number
  backupGroups: readonly [number, number]
  externalJournal: boolean
  /** Start value of the checksums of everything but the superblock; only meaningful with metadata_csum. */
  checksumSeed: number
  /** Of the 16 bytes of the UUID. */
  uuid: Uint8Array
  label: string
}

/** Parses the 1024 bytes of a superblock and checks that its geometry makes sense in itself. */
export function parseExtSuperblock(bytes: Uint8Array): Parsed<ExtSuperblock> {
  if (bytes.length < extSuperblockBytes) return unusable('ext-short', 'the superblock is not whole')
  const raw = readFields(fields, bytes)
  if (raw.magic !== magic) return unusable('ext-none', 'there is no ext superblock')
  const has = (word: number, bit: number) => (word & bit) !== 0
  const damaged = (detail: string) => unusable('ext-superblock', `the ext superblock ${detail}`)

  if (has(raw.roCompat, extRoCompat.metadataChecksum)) {
    if (raw.checksumType !== crc32cType) return damaged('has a checksum of unknown kind')
    if (crc32c(0xffffffff, bytes.subarray(0, checksummedBytes)) !== raw.checksum) return damaged('has a wrong checksum')
  }
  if (raw.revision > 1) return damaged('is of an unknown revision')
  if (raw.logBlockSize > maxLogBlockSize) return damaged('has an impossible block size')
  const blockBytes = 1024 << raw.logBlockSize
  const bigalloc = has(raw.roCompat, extRoCompat.bigalloc)
  if (bigalloc && (raw.logClusterSize < raw.logBlockSize || raw.logClusterSize > maxLogClusterSize))
    return damaged('has impossible clusters')
  const blocksPerCluster = bigalloc ? 2 ** (raw.logClusterSize - raw.logBlockSize) : 1
  const clustersPerGroup = bigalloc ? raw.clustersPerGroup : raw.blocksPerGroup

  const bit64 = has(raw.incompat, extIncompat.bit64)
  const blocksCount = raw.blocksCountLow + (bit64 ? raw.blocksCountHigh * 0x1_0000_0000 : 0)
  if (!Number.isSafeInteger(blocksCount * blockBytes)) return damaged('claims more than any drive holds')
  if (clustersPerGroup === 0 || clustersPerGroup % 8 !== 0 || clustersPerGroup > blockBytes * 8)
    return damaged('has impossible groups')
  if (raw.blocksPerGroup !== clustersPerGroup * blocksPerCluster) return damaged('has groups that do not fit its clusters')
  if (raw.firstDataBlock !== (blockBytes === 1024 && !bigalloc ? 1 : 0)) return damaged('has an impossible first block')
  if (blocksCount <= raw.firstDataBlock) return damaged('has no blocks')
  const inodeBytes = raw.revision === 0 ? 128 : raw.inodeBytes
  if (!isPowerOfTwo(inodeBytes) || inodeBytes < 128 || inodeBytes > blockBytes) return damaged('has inodes of an impossible size')
  if (raw.inodesPerGroup === 0 || raw.inodesPerGroup > blockBytes * 8) return damaged('has an impossible number of inodes')
  const descriptorBytes = bit64 ? raw.descriptorBytes : minDescriptorBytes
  if (!isPowerOfTwo(descriptorBytes) || descriptorBytes < (bit64 ? 64 : 32) || descriptorBytes > maxDescriptorBytes) {
    return damaged('has group descriptors of an impossible size')
  }
  const uuid = Uint8Array.from(bytes.subarray(uuidOffset, uuidOffset + 16))
  return parsed({
    blockBytes,
    blocksPerCluster,
    blocksCount,
    freeBlocks: raw.freeBlocksLow + (bit64 ? raw.freeBlocksHigh * 0x1_0000_0000 : 0),
    firstDataBlock: raw.firstDataBlock,
    blocksPerGroup: raw.blocksPerGroup,
    clustersPerGroup,
    groupCount: Math.ceil((blocksCount - raw.firstDataBlock) / raw.blocksPerGroup),
    inodesPerGroup: raw.inodesPerGroup,
    inodesCount: raw.inodesCount,
    firstInode: raw.revision === 0 ? firstInodeOfOld : Math.max(firstInodeOfOld, raw.firstInode),
    inodeBytes,
    journalInode: has(raw.compat, extCompat.hasJournal) ? raw.journalInode : 0,
    groupNumber: raw.groupNumber,
    state: raw.state,
    errorCount: raw.errorCount,
    compat: raw.compat,
    incompat: raw.incompat,
    roCompat: raw.roCompat,
    reservedGdtBlocks: raw.reservedGdtBlocks,
    firstMetaGroup: raw.firstMetaGroup,
    descriptorBytes,
    backupGroups: [raw.backupGroup0, raw.backupGroup1],
    externalJournal: has(raw.compat, extCompat.hasJournal) && raw.journalInode === 0,
    checksumSeed: has(raw.incompat, extIncompat.checksumSeed) ? raw.checksumSeed : crc32c(0xffffffff, uuid),
    uuid,
    label: zeroTerminated(bytes, labelOffset, 16),
  })
}

/** Changes a superblock in its 1024 bytes, with the checksum over them. */
export function changeExtSuperblock(bytes: Uint8Array, change: { state: number; incompat: number }): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  view.setUint16(fields.state.offset, change.state, true)
  view.setUint32(fields.incompat.offset, change.incompat, true)
  const summed = (readFields(fields, bytes).roCompat & extRoCompat.metadataChecksum) !== 0
  if (summed) view.setUint32(fields.checksum.offset, crc32c(0xffffffff, bytes.subarray(0, checksummedBytes)), true)
}

/** The bits of one feature table, for telling what is not known. */
export function allBits(table: Record<string, number>): number {
  return Object.values(table).reduce((bits, bit) => bits | bit, 0)
}
