import type { BlockDevice } from '../../block/device.ts'
import { isPowerOfTwo, readFields, u16, u32, u64 } from '../fields.ts'
import { damaged, notSquashfs, truncated, unsupported } from './errors.ts'

/** "hsqs"; `struct squashfs_super_block` of fs/squashfs/squashfs_fs.h in the kernel. */
const squashfsMagic = 0x73717368
const superblockBytes = 96

const superblockFields = {
  magic: u32(0),
  inodeCount: u32(4),
  madeSeconds: u32(8),
  blockBytes: u32(12),
  fragmentCount: u32(16),
  compressor: u16(20),
  blockLog: u16(22),
  flags: u16(24),
  idCount: u16(26),
  major: u16(28),
  minor: u16(30),
  /** The block of the root's inode in the upper 48 bits, its place in that block in the lower 16. */
  rootReference: u64(32),
  usedBytes: u64(40),
  idTable: u64(48),
  xattrTable: u64(56),
  inodeTable: u64(64),
  directoryTable: u64(72),
  fragmentTable: u64(80),
  exportTable: u64(88),
}

export const squashfsFlags = {
  inodesUncompressed: 0x1,
  dataUncompressed: 0x2,
  fragmentsUncompressed: 0x8,
  noFragments: 0x10,
  tailsPacked: 0x20,
  duplicatesFound: 0x40,
  exportable: 0x80,
  xattrsUncompressed: 0x100,
  noXattrs: 0x200,
  compressorOptions: 0x400,
  idsUncompressed: 0x800,
} as const

/** `*_COMPRESSION` of squashfs_fs.h. */
const compressors: Record<number, Compressor> = { 1: 'gzip', 2: 'lzma', 3: 'lzo', 4: 'xz', 5: 'lz4', 6: 'zstd' }

export type Compressor = 'gzip' | 'lzma' | 'lzo' | 'xz' | 'lz4' | 'zstd'

/** Bytes of the image; every metadata block of a table lies within its region. */
export interface Region {
  start: number
  /** Exclusive. */
  end: number
}

export interface Superblock {
  inodeCount: number
  /** Seconds since 1970; unsigned, so it reaches to 2106. */
  madeSeconds: number
  blockBytes: number
  fragmentCount: number
  compressor: Compressor
  /** Bits of `squashfsFlags`: how the image was made. */
  flags: number
  idCount: number
  rootReference: number
  usedBytes: number
  /** Where file contents may lie. */
  data: Region
  inodes: Region
  directories: Region
  idTable: number
  xattrTable: number | null
  fragmentTable: number | null
  exportTable: number | null
}

/** Throws a named error unless every field is possible. */
export function readSuperblock(device: BlockDevice): Superblock {
  if (device.size < superblockBytes) throw notSquashfs()
  const bytes = new Uint8Array(superblockBytes)
  device.readSync(bytes, 0)
  const raw = readFields(superblockFields, bytes)
  if (raw.magic !== squashfsMagic) throw notSquashfs()
  if (raw.major !== 4 || raw.minor !== 0) throw unsupported(`it is of version ${raw.major}.${raw.minor}, and only 4.0 is known`)
  const compressor = compressors[raw.compressor]
  if (!compressor) throw unsupported(`nothing is known about its compressor, number ${raw.compressor}`)
  if (!isPowerOfTwo(raw.blockBytes) || raw.blockBytes < 4096 || raw.blockBytes > 1024 * 1024)
    throw damaged(`its block size cannot be ${raw.blockBytes}`)
  if (2 ** raw.blockLog !== raw.blockBytes) throw damaged('its two block sizes differ')
  if (raw.inodeCount === 0 || raw.idCount === 0) throw damaged('it says that it is without files or owners')
  if (raw.usedBytes < superblockBytes) throw damaged('its length is shorter than its first structure')
  if (raw.usedBytes > device.size) throw truncated(raw.usedBytes, device.size)

  const optional = (name: 'xattrTable' | 'fragmentTable' | 'exportTable', unused: boolean) => {
    // Every bit set means that there is none, which the field table reads as Infinity.
    if (unused || raw[name] === Number.POSITIVE_INFINITY) return null
    return raw[name]
  }
  const tables = {
    idTable: raw.idTable,
    xattrTable: optional('xattrTable', false),
    fragmentTable: optional('fragmentTable', raw.fragmentCount === 0),
    exportTable: optional('exportTable', false),
  }
  if (raw.fragmentCount > 0 && tables.fragmentTable === null) throw damaged('it has fragments, but no table of them')
  const { inodeTable, directoryTable } = raw
  const ends = Object.values(tables).filter((start) => start !== null)
  for (const start of ends)
    if (start <= directoryTable || start > raw.usedBytes) throw damaged('a table does not lie after its folders')
  if (inodeTable < superblockBytes || inodeTable >= directoryTable)
    throw damaged('its tables of inodes and folders are out of order')
  return {
    inodeCount: raw.inodeCount,
    madeSeconds: raw.madeSeconds,
    blockBytes: raw.blockBytes,
    fragmentCount: raw.fragmentCount,
    compressor,
    flags: raw.flags,
    idCount: raw.idCount,
    rootReference: raw.rootReference,
    usedBytes: raw.usedBytes,
    data: { start: superblockBytes, end: inodeTable },
    inodes: { start: inodeTable, end: directoryTable },
    directories: { start: directoryTable, end: Math.min(...ends) },
    ...tables,
  }
}
