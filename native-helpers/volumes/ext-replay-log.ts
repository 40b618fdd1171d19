import type { BlockDevice } from '../block/device.ts'
import { crc32c } from './crc.ts'
import { allBits } from './ext-superblock.ts'
import { isPowerOfTwo } from './fields.ts'
import { type Parsed, parsed, unusable } from './problem.ts'

/** Numbers in a journal are big-endian (include/linux/jbd2.h). Every block of it that is no data begins with these three. */
export const logHeader = { magic: 0, type: 4, sequence: 8, bytes: 12 }
export const logMagic = 0xc03b3998
export const logBlockType = { descriptor: 1, commit: 2, superblock1: 3, superblock2: 4, revoke: 5 }
/** journal_superblock_t */
export const logSuperFields = {
  blockBytes: 0x0c,
  blocks: 0x10,
  first: 0x14,
  sequence: 0x18,
  start: 0x1c,
  error: 0x20,
  compat: 0x24,
  incompat: 0x28,
  roCompat: 0x2c,
  uuid: 0x30,
  checksumType: 0x50,
  fastBlocks: 0x54,
  checksum: 0xfc,
}
export const logSuperBytes = 1024
/** JBD2_FEATURE_* */
const logCompat = { checksum: 1 }
const logIncompat = { revoke: 1, bit64: 2, asyncCommit: 4, checksum2: 8, checksum3: 16, fastCommit: 32 }
const crc32cType = 4
/** JBD2_DEFAULT_FAST_COMMIT_BLOCKS */
const defaultFastBlocks = 256

/** Four GiB in blocks of 4 KiB: four times what mke2fs makes for the largest volumes. */
const maxLogBlocks = 1_048_576

/** A journal as its superblock describes it. */
export interface ExtLog {
  /** The journal's own blocks. */
  device: BlockDevice
  /** Where its superblock lies in the volume, in bytes. */
  offset: number
  blockBytes: number
  /** The ring lies from `first` to before `end`. */
  first: number
  end: number
  /** Where the oldest transaction begins; 0 where nothing waits. */
  start: number
  /** Of the oldest transaction. */
  sequence: number
  /** An error was noted in it before it could be noted in the volume. */
  error: number
  bit64: boolean
  asyncCommit: boolean
  /** Of which version checksums are; 0 for none. */
  checksums: 0 | 1 | 2 | 3
  checksumSeed: number
  /** Fast commits have room behind `end`. */
  hasFastCommits: boolean
}

/** Reads and checks the superblock of a journal. `device` is the file that it is, which begins at `offset` of the volume. */
export function readLog(device: BlockDevice, offset: number, blockBytes: number): Parsed<ExtLog> {
  const damaged = (detail: string) => unusable('ext-journal', `the journal ${detail}`)
  if (device.size < blockBytes || device.size < logSuperBytes) return damaged('has no superblock')
  const bytes = new Uint8Array(logSuperBytes)
  device.readSync(bytes, 0)
  const view = new DataView(bytes.buffer)
  const field = (offset: number) => view.getUint32(offset)
  const at = logSuperFields
  const type = field(logHeader.type)
  if (field(logHeader.magic) !== logMagic) return damaged('has no superblock')
  if (type !== logBlockType.superblock1 && type !== logBlockType.superblock2) return damaged('is of an unknown version')
  const isFirst = type === logBlockType.superblock1
  const [compat, incompat] = isFirst ? [0, 0] : [field(at.compat), field(at.incompat)]
  if (incompat & ~allBits(logIncompat)) return damaged('has features that are not known here')
  const has = (bit: number) => (incompat & bit) !== 0
  const checksums = has(logIncompat.checksum3) ? 3 : has(logIncompat.checksum2) ? 2 : compat & logCompat.checksum ? 1 : 0
  if (checksums >= 2 && !superblockSumFits(bytes)) return damaged('has a superblock with a wrong checksum')
  const blocks = field(at.blocks)
  const first = field(at.first)
  const fastBlocks = has(logIncompat.fastCommit) ? field(at.fastBlocks) || defaultFastBlocks : 0
  const end = blocks - fastBlocks
  if (field(at.blockBytes) !== blockBytes || !isPowerOfTwo(blockBytes)) return damaged('has blocks of another size')
  if (blocks * blockBytes > device.size) return damaged('is shorter than it says')
  if (blocks > maxLogBlocks) return damaged('is larger than is looked at')
  const start = field(at.start)
  if (first < 1 || first >= end || start >= end || (start !== 0 && start < first)) return damaged('has impossible limits')
  return parsed({
    device,
    offset,
    blockBytes,
    first,
    end,
    start,
    sequence: field(at.sequence),
    error: field(at.error),
    bit64: has(logIncompat.bit64),
    asyncCommit: has(logIncompat.asyncCommit),
    checksums,
    checksumSeed: crc32c(0xffffffff, bytes.subarray(at.uuid, at.uuid + 16)),
    hasFastCommits: fastBlocks > 0,
  })
}

function superblockSumFits(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  return bytes[logSuperFields.checksumType] === crc32cType && logSuperSum(bytes) === view.getUint32(logSuperFields.checksum)
}

/** jbd2_superblock_csum: over the superblock with its own checksum as 0. */
export function logSuperSum(bytes: Uint8Array): number {
  return crc32cWithout(0xffffffff, bytes.subarray(0, logSuperBytes), logSuperFields.checksum)
}

/** Changes a superblock so that nothing waits in the log any more. */
export function emptyLogSuper(bytes: Uint8Array, nextSequence: number, log: ExtLog): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  view.setUint32(logSuperFields.start, 0)
  view.setUint32(logSuperFields.sequence, nextSequence)
  view.setUint32(logSuperFields.error, 0)
  if (log.checksums >= 2) view.setUint32(logSuperFields.checksum, logSuperSum(bytes))
}

/** crc32c of bytes of which four stand for 0. */
export function crc32cWithout(start: number, bytes: Uint8Array, offset: number): number {
  const before = crc32c(start, bytes.subarray(0, offset))
  return crc32c(crc32c(before, new Uint8Array(4)), bytes.subarray(offset + 4))
}
