import { createHash } from 'node:crypto'
import type { BlockDevice } from '../block/device.ts'
import { crc32c } from './crc.ts'
import { isPowerOfTwo, readFields, u16, u32, u64 } from './fields.ts'
import { labelText, startsWith, uuidText } from './identity.ts'
import { pieceOf } from './piece.ts'
import { type Parsed, type Problem, parsed, unusable } from './problem.ts'

/** struct btrfs_super_block, include/uapi/linux/btrfs_tree.h. */
const fields = {
  address: u64(48),
  generation: u64(72),
  logRoot: u64(96),
  totalBytes: u64(112),
  usedBytes: u64(120),
  deviceCount: u64(136),
  sectorBytes: u32(144),
  nodeBytes: u32(148),
  sumKind: u16(196),
}
const superBytes = 4096
const sumBytes = 32
/** Where the copies lie; those behind the end are not there (BTRFS_SUPER_MIRROR_MAX). */
const copies = [65536, 64 * 1024 * 1024, 256 * 1024 * 1024 * 1024]

export interface BtrfsFacts {
  label: string | null
  uuid: string | null
  /** Of all devices together. */
  totalBytes: number
  /** Data and metadata, each counted once however often it is kept. */
  usedBytes: number
  deviceCount: number
  generation: number
  /** A log of the last fsyncs waits to be replayed: it was not unmounted. */
  unclean: boolean
  /** Null for a kind of checksum that is not computed here (xxhash, blake2). */
  sumFits: boolean | null
  problems: Problem[]
}

/** The superblock with the highest generation whose checksum is right, as `btrfs check` would take it. */
export function readBtrfsFacts(device: BlockDevice): Parsed<BtrfsFacts> {
  const problems: Problem[] = []
  let best: BtrfsFacts | null = null
  for (const [copy, address] of copies.entries()) {
    const bytes = address + superBytes <= device.size ? pieceOf(device, address, superBytes) : null
    if (!bytes) continue
    const facts = parseCopy(bytes, address)
    if (!facts) problems.push({ code: 'btrfs-copy', detail: `copy ${copy} of the superblock is damaged or missing` })
    else if (facts.sumFits === false)
      problems.push({ code: 'btrfs-checksum', detail: `copy ${copy} of the superblock has a wrong checksum` })
    else if (!best || facts.generation > best.generation) {
      if (best) problems.push({ code: 'btrfs-copies-differ', detail: `copy ${copy} of the superblock is newer than the first` })
      best = facts
    }
  }
  if (!best) return unusable('btrfs-none', problems[0]?.detail ?? 'there is no btrfs superblock')
  if (best.deviceCount > 1) problems.push({ code: 'btrfs-devices', detail: `it is spread over ${best.deviceCount} devices` })
  return parsed({ ...best, problems })
}

function parseCopy(bytes: Uint8Array, address: number): (Omit<BtrfsFacts, 'problems'> & { problems: [] }) | null {
  const raw = readFields(fields, bytes)
  if (!startsWith(bytes, '_BHRfS_M', 64) || raw.address !== address) return null
  const possible = [raw.totalBytes, raw.usedBytes, raw.generation].every(Number.isSafeInteger) && raw.usedBytes <= raw.totalBytes
  if (!possible || !isPowerOfTwo(raw.sectorBytes) || !isPowerOfTwo(raw.nodeBytes)) return null
  return {
    label: labelText(bytes.subarray(299, 299 + 256)),
    uuid: uuidText(bytes.subarray(32, 48)),
    totalBytes: raw.totalBytes,
    usedBytes: raw.usedBytes,
    deviceCount: raw.deviceCount,
    generation: raw.generation,
    unclean: raw.logRoot !== 0,
    sumFits: sumFits(bytes, raw.sumKind),
    problems: [],
  }
}

/** BTRFS_CSUM_TYPE_CRC32 is 0, _SHA256 is 2. */
function sumFits(bytes: Uint8Array, kind: number): boolean | null {
  const summed = bytes.subarray(sumBytes)
  if (kind === 0) return (crc32c(0xffffffff, summed) ^ 0xffffffff) >>> 0 === readFields({ sum: u32(0) }, bytes).sum
  if (kind === 2) return createHash('sha256').update(summed).digest().equals(bytes.subarray(0, sumBytes))
  return null
}
