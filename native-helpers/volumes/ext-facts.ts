import type { BlockDevice } from '../block/device.ts'
import { descriptorBlock, descriptorBlocks, descriptorsPerBlock, parseExtGroup } from './ext-groups.ts'
import {
  type ExtSuperblock,
  extCompat,
  extIncompat,
  extRoCompat,
  extState,
  extSuperblockBytes,
  extSuperblockOffset,
  parseExtSuperblock,
} from './ext-superblock.ts'
import { readFields, u32 } from './fields.ts'
import { extType } from './identify-linux.ts'
import { labelText, uuidText } from './identity.ts'
import { pieceOf } from './piece.ts'
import { type Parsed, type Problem, parsed } from './problem.ts'

/** 32 TiB of 4 KiB blocks, and what bounds the reading. */
const maxGroups = 262_144
const timeFields = {
  lastMounted: u32(0x2c),
  lastWritten: u32(0x30),
  lastChecked: u32(0x40),
  freeInodes: u32(0x10),
  inodes: u32(0x00),
}

export interface ExtFacts {
  type: string
  label: string | null
  uuid: string | null
  blockBytes: number
  totalBytes: number
  /** By the group descriptors, which are right where the superblock's own count lags behind; null where one of them is wrong. */
  freeBytes: number | null
  inodes: number
  /** By the group descriptors too, or by the superblock where one of them is wrong. */
  freeInodes: number
  /** Unmounted, and no error noted. Says nothing of a journal that waits. */
  clean: boolean
  /** The journal holds what is not in its place yet. */
  needsRecovery: boolean
  errorCount: number
  /** As dumpe2fs lists them. */
  features: string[]
  /** Every checksum depends on the UUID, so that changing it means rewriting all metadata. */
  sumsFollowUuid: boolean
  lastWrittenSeconds: number
  problems: Problem[]
  superblock: ExtSuperblock
}

/** Names of lib/e2p/feature.c of e2fsprogs, in the order of the bits. */
const featureNames: [word: 'compat' | 'incompat' | 'roCompat', bit: number, name: string][] = [
  ['compat', extCompat.dirPrealloc, 'dir_prealloc'],
  ['compat', extCompat.imagicInodes, 'imagic_inodes'],
  ['compat', extCompat.hasJournal, 'has_journal'],
  ['compat', extCompat.extAttr, 'ext_attr'],
  ['compat', extCompat.resizeInode, 'resize_inode'],
  ['compat', extCompat.dirIndex, 'dir_index'],
  ['compat', extCompat.sparseSuper2, 'sparse_super2'],
  ['compat', extCompat.fastCommit, 'fast_commit'],
  ['compat', extCompat.stableInodes, 'stable_inodes'],
  ['compat', extCompat.orphanFile, 'orphan_file'],
  ['incompat', extIncompat.filetype, 'filetype'],
  ['incompat', extIncompat.recover, 'needs_recovery'],
  ['incompat', extIncompat.journalDevice, 'journal_dev'],
  ['incompat', extIncompat.metaBg, 'meta_bg'],
  ['incompat', extIncompat.extents, 'extent'],
  ['incompat', extIncompat.bit64, '64bit'],
  ['incompat', extIncompat.mmp, 'mmp'],
  ['incompat', extIncompat.flexBg, 'flex_bg'],
  ['incompat', extIncompat.eaInode, 'ea_inode'],
  ['incompat', extIncompat.checksumSeed, 'metadata_csum_seed'],
  ['incompat', extIncompat.largeDir, 'large_dir'],
  ['incompat', extIncompat.inlineData, 'inline_data'],
  ['incompat', extIncompat.encrypt, 'encrypt'],
  ['incompat', extIncompat.casefold, 'casefold'],
  ['roCompat', extRoCompat.sparseSuper, 'sparse_super'],
  ['roCompat', extRoCompat.largeFile, 'large_file'],
  ['roCompat', extRoCompat.hugeFile, 'huge_file'],
  ['roCompat', extRoCompat.gdtChecksum, 'uninit_bg'],
  ['roCompat', extRoCompat.dirNlink, 'dir_nlink'],
  ['roCompat', extRoCompat.extraIsize, 'extra_isize'],
  ['roCompat', extRoCompat.quota, 'quota'],
  ['roCompat', extRoCompat.bigalloc, 'bigalloc'],
  ['roCompat', extRoCompat.metadataChecksum, 'metadata_csum'],
  ['roCompat', extRoCompat.readonly, 'read-only'],
  ['roCompat', extRoCompat.project, 'project'],
  ['roCompat', extRoCompat.verity, 'verity'],
  ['roCompat', extRoCompat.orphanPresent, 'orphan_present'],
]

/** The state of an ext volume by its superblock and group descriptors, as it lies there: a journal is not replayed. */
export function readExtFacts(device: BlockDevice): Parsed<ExtFacts> {
  const bytes = pieceOf(device, extSuperblockOffset, extSuperblockBytes) ?? new Uint8Array()
  const { value: sb, problem } = parseExtSuperblock(bytes)
  return sb ? parsed(extFactsBy(device, sb, bytes)) : { value: null, problem }
}

/** The same by a superblock that was read from wherever it lies. */
export function extFactsBy(device: BlockDevice, sb: ExtSuperblock, bytes: Uint8Array): ExtFacts {
  const times = readFields(timeFields, bytes)
  const problems: Problem[] = []
  const totalBytes = sb.blocksCount * sb.blockBytes
  if (totalBytes > device.size) {
    problems.push({ code: 'ext-cut-off', detail: `it has ${totalBytes} bytes, its place only ${device.size}` })
  }
  const free = freeIn(device, sb, problems)
  const hasSums = (sb.roCompat & extRoCompat.metadataChecksum) !== 0
  return {
    type: extType(sb),
    label: labelText(Buffer.from(sb.label)),
    uuid: uuidText(sb.uuid),
    blockBytes: sb.blockBytes,
    totalBytes,
    freeBytes: free?.bytes ?? null,
    inodes: times.inodes,
    freeInodes: free?.inodes ?? times.freeInodes,
    clean: (sb.state & extState.valid) !== 0 && (sb.state & extState.error) === 0,
    needsRecovery: (sb.incompat & extIncompat.recover) !== 0,
    errorCount: sb.errorCount,
    features: featureNames.filter(([word, bit]) => sb[word] & bit).map(([, , name]) => name),
    sumsFollowUuid: hasSums && (sb.incompat & extIncompat.checksumSeed) === 0,
    lastWrittenSeconds: times.lastWritten,
    problems,
    superblock: sb,
  }
}

function freeIn(device: BlockDevice, sb: ExtSuperblock, problems: Problem[]): { bytes: number; inodes: number } | null {
  if (sb.incompat & extIncompat.journalDevice) return null
  if (sb.groupCount > maxGroups) {
    problems.push({ code: 'ext-large', detail: 'it has more groups than are looked at' })
    return null
  }
  const perBlock = descriptorsPerBlock(sb)
  let freeClusters = 0
  let inodes = 0
  for (let index = 0; index < descriptorBlocks(sb); index += 1) {
    const block = pieceOf(device, descriptorBlock(sb, index) * sb.blockBytes, sb.blockBytes)
    for (let group = index * perBlock; group < Math.min(sb.groupCount, (index + 1) * perBlock); group += 1) {
      const offset = (group - index * perBlock) * sb.descriptorBytes
      const descriptor = block && parseExtGroup(sb, group, block.subarray(offset, offset + sb.descriptorBytes))
      if (!descriptor) {
        problems.push({ code: 'ext-group', detail: `the descriptor of group ${group} is wrong` })
        return null
      }
      freeClusters += descriptor.freeClusters
      inodes += descriptor.freeInodes
    }
  }
  const bytes = freeClusters * sb.blocksPerCluster * sb.blockBytes
  return bytes <= sb.blocksCount * sb.blockBytes && inodes <= sb.inodesCount ? { bytes, inodes } : null
}
