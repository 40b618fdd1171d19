import type { BlockDevice } from '../block/device.ts'
import { readExtFacts } from './ext-facts.ts'
import { groupHeadBlocks, inodeTableBlocks } from './ext-groups.ts'
import { type ExtSuperblock, extSuperblockBytes, extSuperblockOffset } from './ext-superblock.ts'
import { readFields, u8, u32 } from './fields.ts'
import { pieceOf } from './piece.ts'

/** struct ext4_super_block: s_jnl_blocks keeps a copy of the journal's inode, its size in the last two of 17 words, where the type is 1. */
const fields = { journalCopy: u8(0xfd), journalSizeHigh: u32(0x10c + 15 * 4), journalSizeLow: u32(0x10c + 16 * 4) }
const journalCopied = 1
/** A block bitmap and an inode bitmap. */
const bitmapsPerGroup = 2

/**
 * What the files and folders of an ext volume take, in whole blocks, by its counters: all that is used, without what the filesystem itself is made of.
 * A little too much where the journal's size is not noted. Null where the counters are wrong.
 */
export function extContentBytes(device: BlockDevice): number | null {
  const { value: facts } = readExtFacts(device)
  const bytes = pieceOf(device, extSuperblockOffset, extSuperblockBytes)
  if (!facts || !bytes || facts.freeBytes === null) return null
  const raw = readFields(fields, bytes)
  const journalBytes = raw.journalCopy === journalCopied ? raw.journalSizeHigh * 0x1_0000_0000 + raw.journalSizeLow : 0
  const content = facts.totalBytes - facts.freeBytes - ownBlocks(facts.superblock) * facts.blockBytes - journalBytes
  return content >= 0 ? content : null
}

function ownBlocks(sb: ExtSuperblock): number {
  let blocks = sb.firstDataBlock + sb.groupCount * (bitmapsPerGroup + inodeTableBlocks(sb))
  for (let group = 0; group < sb.groupCount; group += 1) blocks += groupHeadBlocks(sb, group)
  return blocks
}
