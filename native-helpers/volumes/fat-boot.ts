import { isPowerOfTwo, readFields, u8, u16, u32 } from './fields.ts'
import { type Parsed, parsed, unusable } from './problem.ts'

/** The BIOS parameter block (Microsoft, "FAT: General Overview of On-Disk Format", 1.03; include/uapi/linux/msdos_fs.h). */
const fields = {
  jump: u8(0),
  sectorBytes: u16(11),
  sectorsPerCluster: u8(13),
  reservedSectors: u16(14),
  fatCount: u8(16),
  rootEntries: u16(17),
  totalSectors16: u16(19),
  media: u8(21),
  fatSectors16: u16(22),
  totalSectors32: u32(32),
  /** FAT12 and FAT16: where Linux notes that the volume is in use. */
  state16: u8(37),
  fatSectors32: u32(36),
  flags32: u16(40),
  rootCluster32: u32(44),
  state32: u8(65),
  bootSignature: u16(510),
}
const bootSignature = 0xaa55
const rootEntryBytes = 32
const stateDirty = 1
/** Bit 7: the copies of the table are not kept equal, only the one named in the low bits is in use. */
const flagNotMirrored = 0x80

export const fatBootBytes = 512
/** Cluster counts decide, not the text in the boot sector. FAT32's own layout decides for FAT32, as in fs/fat/inode.c. */
const maxFat12Clusters = 4084
const maxFat16Clusters = 65524
const maxFat32Clusters = 0x0ffffff5

export interface FatVolume {
  entryBits: 12 | 16 | 32
  sectorBytes: number
  clusterBytes: number
  reservedSectors: number
  fatCount: number
  fatSectors: number
  /** Where cluster 2 begins, in bytes from the start of the volume. */
  dataStart: number
  /** How many clusters there are; the first has the number 2. */
  clusterCount: number
  /** FAT32 only; 0 for the others, whose root directory lies before the data. */
  rootCluster: number
  media: number
  mirrored: boolean
  dirty: boolean
  totalBytes: number
}

export function parseFatBoot(sector: Uint8Array): Parsed<FatVolume> {
  if (sector.length < fatBootBytes) return unusable('fat-short', 'the boot sector is not whole')
  const raw = readFields(fields, sector)
  const none = (detail: string) => unusable('fat-none', `this is no FAT boot sector: ${detail}`)
  if (raw.bootSignature !== bootSignature || (raw.jump !== 0xeb && raw.jump !== 0xe9)) return none('signature')
  if (!isPowerOfTwo(raw.sectorBytes) || raw.sectorBytes < 512 || raw.sectorBytes > 4096) return none('sector size')
  if (!isPowerOfTwo(raw.sectorsPerCluster)) return none('cluster size')
  if (raw.reservedSectors === 0 || raw.fatCount === 0 || raw.fatCount > 4 || raw.media < 0xf0) return none('layout')
  const fat32 = raw.fatSectors16 === 0
  const fatSectors = fat32 ? raw.fatSectors32 : raw.fatSectors16
  if (fatSectors === 0 || (fat32 ? raw.rootEntries !== 0 : raw.rootEntries === 0)) return none('table size')

  const totalSectors = raw.totalSectors16 || raw.totalSectors32
  const rootSectors = Math.ceil((raw.rootEntries * rootEntryBytes) / raw.sectorBytes)
  const dataSector = raw.reservedSectors + raw.fatCount * fatSectors + rootSectors
  const clusterCount = Math.floor((totalSectors - dataSector) / raw.sectorsPerCluster)
  if (clusterCount < 1 || clusterCount > (fat32 ? maxFat32Clusters : maxFat16Clusters)) return none('number of clusters')
  const entryBits = fat32 ? 32 : clusterCount > maxFat12Clusters ? 16 : 12
  if ((clusterCount + 2) * entryBits > fatSectors * raw.sectorBytes * 8) return none('the table is too short')
  if (fat32 && (raw.rootCluster32 < 2 || raw.rootCluster32 >= clusterCount + 2)) return none('root directory')
  return parsed({
    entryBits,
    sectorBytes: raw.sectorBytes,
    clusterBytes: raw.sectorsPerCluster * raw.sectorBytes,
    reservedSectors: raw.reservedSectors,
    fatCount: raw.fatCount,
    fatSectors,
    dataStart: dataSector * raw.sectorBytes,
    clusterCount,
    rootCluster: fat32 ? raw.rootCluster32 : 0,
    media: raw.media,
    mirrored: !fat32 || (raw.flags32 & flagNotMirrored) === 0,
    dirty: ((fat32 ? raw.state32 : raw.state16) & stateDirty) !== 0,
    totalBytes: totalSectors * raw.sectorBytes,
  })
}
