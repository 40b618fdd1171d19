import type { BlockDevice } from '../block/device.ts'
import { readExtFacts } from './ext-facts.ts'
import {
  descriptorBlock,
  descriptorsPerBlock,
  type ExtGroup,
  groupFirstBlock,
  groupHeadBlocks,
  inodeTableBlocks,
  parseExtGroup,
} from './ext-groups.ts'
import { type ExtSuperblock, extSuperblockBytes, extSuperblockOffset } from './ext-superblock.ts'
import { pieceOf } from './piece.ts'
import { type Parsed, parsed, unusable } from './problem.ts'

/** A run of bytes of the volume. */
export interface ExtRun {
  start: number
  /** Exclusive. */
  end: number
}

export interface ExtMaps {
  /** Tables of inodes, bitmaps, and the group descriptors with all their copies; not in order. */
  runs: ExtRun[]
  superblock: ExtRun
}

/** Four tebibytes of 4 KiB blocks, as where what is free is looked up. */
const maxGroups = 32768

/** Where an ext volume describes what belongs to whom, by its group descriptors. Folders and what files hold lie elsewhere. */
export function extMaps(device: BlockDevice): Parsed<ExtMaps> {
  const { value: facts, problem } = readExtFacts(device)
  if (!facts) return { value: null, problem }
  const sb = facts.superblock
  if (sb.groupCount > maxGroups) return unusable('ext-large', 'it has more groups than are looked at')
  const runs: ExtRun[] = []
  const take = (block: number, count: number) => {
    if (count > 0) runs.push({ start: block * sb.blockBytes, end: (block + count) * sb.blockBytes })
  }
  for (let index = 0; index < sb.groupCount; index += 1) {
    const group = groupOf(device, sb, index)
    if (!group) return unusable('ext-group', `the descriptor of group ${index} is wrong`)
    take(groupFirstBlock(sb, index), groupHeadBlocks(sb, index))
    take(group.blockBitmap, 1)
    take(group.inodeBitmap, 1)
    take(group.inodeTable, inodeTableBlocks(sb))
  }
  return parsed({ runs, superblock: { start: extSuperblockOffset, end: extSuperblockOffset + extSuperblockBytes } })
}

function groupOf(device: BlockDevice, sb: ExtSuperblock, index: number): ExtGroup | null {
  const perBlock = descriptorsPerBlock(sb)
  const start = descriptorBlock(sb, Math.floor(index / perBlock)) * sb.blockBytes + (index % perBlock) * sb.descriptorBytes
  const bytes = pieceOf(device, start, sb.descriptorBytes)
  return bytes && parseExtGroup(sb, index, bytes)
}
