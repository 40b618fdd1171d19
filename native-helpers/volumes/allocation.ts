import { extAllocationProblem, readExtAllocation } from './ext-allocation.ts'
import {
  type ExtSuperblock,
  extCompat,
  extIncompat,
  extSuperblockBytes,
  extSuperblockOffset,
  parseExtSuperblock,
} from './ext-superblock.ts'
import { fatAllocationProblem, readFatAllocation } from './fat-allocation.ts'
import { fatBootBytes, parseFatBoot } from './fat-boot.ts'
import type { Problem } from './problem.ts'
import { type FreeSink, type Reading, remembering } from './reading.ts'

export interface VolumeAllocation {
  filesystem: 'ext2' | 'ext3' | 'ext4' | 'fat12' | 'fat16' | 'fat32' | null
  /** Why nothing, or nothing more, was told of this volume. */
  problem: Problem | null
}

/** Up to and with the superblock of btrfs. A volume that is shorter is not worth a map. */
const probeBytes = 65536 + 4096

/**
 * What else may own a volume that still carries an old superblock of ext or boot sector of FAT, because its maker wipes less than that.
 * (libblkid/src/superblocks of util-linux; drivers/md/md.c)
 */
const otherOwners: { offset: number; magic: Buffer }[] = [
  { offset: 0, magic: Buffer.from('LUKS\xba\xbe', 'latin1') },
  { offset: 0, magic: Buffer.from('XFSB', 'latin1') },
  { offset: 0, magic: Buffer.from('hsqs', 'latin1') },
  { offset: 0, magic: Buffer.from([0xfc, 0x4e, 0x2b, 0xa9]) },
  { offset: 4096, magic: Buffer.from([0xfc, 0x4e, 0x2b, 0xa9]) },
  { offset: 3, magic: Buffer.from('NTFS    ', 'latin1') },
  { offset: 3, magic: Buffer.from('EXFAT   ', 'latin1') },
  { offset: 512, magic: Buffer.from('LABELONE', 'latin1') },
  { offset: 4096 + 24, magic: Buffer.from([0xc6, 0x85, 0x73, 0xf6]) },
  { offset: 32769, magic: Buffer.from('CD001', 'latin1') },
  { offset: 65536 + 64, magic: Buffer.from('_BHRfS_M', 'latin1') },
]

/**
 * Recognises an ext or FAT filesystem and tells what it does not use. All that is not told of is to be kept: a volume of another kind, one
 * that is damaged, in use or uses something that is not known here, is not told of at all.
 */
export function* readAllocation(volumeBytes: number, free: FreeSink): Reading<VolumeAllocation> {
  if (volumeBytes < probeBytes) return { filesystem: null, problem: { code: 'volume-small', detail: 'it is too small' } }
  const lent = yield { start: 0, length: probeBytes }
  if (!lent) return { filesystem: null, problem: { code: 'volume-unread', detail: 'its start cannot be read' } }
  const start = Uint8Array.from(lent)
  const ext = parseExtSuperblock(start.subarray(extSuperblockOffset, extSuperblockOffset + extSuperblockBytes))
  const fat = parseFatBoot(start.subarray(0, fatBootBytes))
  const foreign = otherOwners.some(({ offset, magic }) => magic.equals(start.subarray(offset, offset + magic.length)))
  if ((ext.value || fat.value) && (foreign || (ext.value && fat.value))) {
    return { filesystem: null, problem: { code: 'volume-ambiguous', detail: 'it carries the marks of two kinds of filesystem' } }
  }
  if (ext.value) {
    const problem = extAllocationProblem(ext.value, volumeBytes) ?? (yield* remembering(start, readExtAllocation(ext.value, free)))
    return { filesystem: extName(ext.value), problem }
  }
  if (fat.value) {
    const problem = fatAllocationProblem(fat.value, volumeBytes) ?? (yield* remembering(start, readFatAllocation(fat.value, free)))
    return { filesystem: `fat${fat.value.entryBits}`, problem }
  }
  const looksLikeExt = ext.problem !== null && ext.problem.code !== 'ext-none'
  return { filesystem: null, problem: looksLikeExt ? ext.problem : { code: 'volume-unknown', detail: 'it is of another kind' } }
}

/** As libblkid tells them apart: a journal makes ext3, what ext3 does not know makes ext4. */
function extName(sb: ExtSuperblock): 'ext2' | 'ext3' | 'ext4' {
  const ext3Incompat = extIncompat.filetype | extIncompat.recover | extIncompat.metaBg
  const ext3RoCompat = 0x7
  if (sb.incompat & ~ext3Incompat || sb.roCompat & ~ext3RoCompat) return 'ext4'
  return sb.compat & extCompat.hasJournal ? 'ext3' : 'ext2'
}
