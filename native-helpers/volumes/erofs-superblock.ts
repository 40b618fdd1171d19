import type { BlockDevice } from '../block/device.ts'
import { crc32c } from './crc.ts'
import { readFields, u8, u16, u32, u64 } from './fields.ts'
import { erofsSuperOffset } from './identify-linux.ts'
import { labelText, uuidText } from './identity.ts'
import { pieceOf } from './piece.ts'
import { type Parsed, type Problem, parsed, unusable } from './problem.ts'

/** struct erofs_super_block, fs/erofs/erofs_fs.h */
const fields = {
  magic: u32(0),
  checksum: u32(4),
  compat: u32(8),
  blockShift: u8(12),
  rootNode: u16(14),
  inodes: u64(16),
  buildSeconds: u64(24),
  blocks: u32(36),
  metaBlock: u32(40),
  incompat: u32(80),
  extraDevices: u16(86),
  directoryShift: u8(90),
  packedNode: u64(96),
}
const superBytes = 128
const magic = 0xe0f5e1e2
const compatSum = 1
export const erofsIncompat = {
  zeroPadding: 0x1,
  bigClusters: 0x2,
  chunkedFiles: 0x4,
  /** A second head per cluster, or further devices. */
  secondHead: 0x8,
  tailPacking: 0x10,
  /** Also what deduplicates. */
  fragments: 0x20,
  prefixes: 0x40,
}
const knownIncompat = Object.values(erofsIncompat).reduce((bits, bit) => bits | bit, 0)

export interface ErofsFacts {
  label: string | null
  uuid: string | null
  blockBytes: number
  totalBytes: number
  inodes: number
  buildSeconds: number
  /** Null where it keeps none. */
  sumFits: boolean | null
  incompat: number
  metaStart: number
  rootNode: number
  /** A file that holds the ends of others, or all of them; null where there is none. */
  packedNode: number | null
  problems: Problem[]
}

export function readErofsFacts(device: BlockDevice): Parsed<ErofsFacts> {
  const bytes = pieceOf(device, erofsSuperOffset, superBytes)
  const raw = bytes && readFields(fields, bytes)
  if (!bytes || !raw || raw.magic !== magic) return unusable('erofs-none', 'there is no EROFS superblock')
  if (raw.blockShift < 9 || raw.blockShift > 16) return unusable('erofs-superblock', 'its blocks have an impossible size')
  const blockBytes = 2 ** raw.blockShift
  const totalBytes = raw.blocks * blockBytes
  const sumFits = raw.compat & compatSum ? superSumFits(device, blockBytes, raw.checksum) : null
  const problems: Problem[] = []
  if (sumFits === false) problems.push({ code: 'erofs-checksum', detail: 'the checksum of its superblock is wrong' })
  if (totalBytes > device.size) {
    problems.push({ code: 'erofs-cut-off', detail: `it has ${totalBytes} bytes, its place only ${device.size}` })
  }
  if (raw.incompat & ~knownIncompat) problems.push({ code: 'erofs-features', detail: 'it has features that are not known here' })
  else if (raw.extraDevices > 0) problems.push({ code: 'erofs-features', detail: 'it is spread over several devices' })
  else if (raw.directoryShift !== 0)
    problems.push({ code: 'erofs-features', detail: 'its directories have blocks of another size' })
  return parsed({
    label: labelText(bytes.subarray(64, 80)),
    uuid: uuidText(bytes.subarray(48, 64)),
    blockBytes,
    totalBytes,
    inodes: raw.inodes,
    buildSeconds: raw.buildSeconds,
    sumFits,
    incompat: raw.incompat,
    metaStart: raw.metaBlock * blockBytes,
    rootNode: raw.rootNode,
    packedNode: raw.incompat & erofsIncompat.fragments && raw.packedNode > 0 ? raw.packedNode : null,
    problems,
  })
}

/** From the superblock to the end of its block, the checksum itself taken as zero (erofs_superblock_csum_verify, fs/erofs/super.c). */
function superSumFits(device: BlockDevice, blockBytes: number, checksum: number): boolean {
  const summed = pieceOf(device, erofsSuperOffset, blockBytes > erofsSuperOffset ? blockBytes - erofsSuperOffset : blockBytes)
  if (!summed) return false
  summed.fill(0, 4, 8)
  return crc32c(0xffffffff, summed) === checksum
}
