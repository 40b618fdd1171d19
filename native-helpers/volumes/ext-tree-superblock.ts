import type { BlockDevice } from '../block/device.ts'
import { groupFirstBlock, groupHasSuperblock } from './ext-groups.ts'
import {
  type ExtSuperblock,
  extIncompat,
  extRoCompat,
  extSuperblockBytes,
  extSuperblockOffset,
  parseExtSuperblock,
} from './ext-superblock.ts'
import { identify } from './identify.ts'
import { pieceOf } from './piece.ts'
import { type Parsed, type Problem, parsed, unusable } from './problem.ts'

export interface FoundSuperblock {
  sb: ExtSuperblock
  bytes: Uint8Array
  /** 0 for the first one, which is the one in use. */
  group: number
  problem: Problem | null
}

/**
 * The superblock of a volume or, where it is gone or damaged, the first copy that can be read. Copies are only looked for where
 * nothing else was put over the volume: they outlive it when it is formatted with something else.
 */
export function findExtSuperblock(device: BlockDevice): Parsed<FoundSuperblock> {
  const bytes = pieceOf(device, extSuperblockOffset, extSuperblockBytes) ?? new Uint8Array()
  const first = parseExtSuperblock(bytes)
  const { volume, problem: ambiguous } = first.value ? { volume: null, problem: null } : identify(device)
  const isJournal = volume?.type === 'jbd' || ((first.value?.incompat ?? 0) & extIncompat.journalDevice) !== 0
  if (isJournal) return unusable('ext-journal-device', 'it is the journal of another volume')
  if (first.value) return parsed({ sb: first.value, bytes, group: 0, problem: null })
  if (ambiguous || (volume && !volume.type.startsWith('ext'))) return { value: null, problem: first.problem }
  for (const place of copyPlaces()) {
    const copy = pieceOf(device, place.offset, extSuperblockBytes)
    const sb = copy && parseExtSuperblock(copy).value
    if (!sb || !copy || !belongsThere(sb, place)) continue
    const copied = `the copy in group ${place.group} is read, which tells how it was when it was made or checked`
    const detail = `its superblock is damaged (${first.problem.detail}); ${copied}`
    return parsed({ sb, bytes: copy, group: place.group, problem: { code: 'ext-superblock-copy', detail } })
  }
  return { value: null, problem: first.problem }
}

interface CopyPlace {
  offset: number
  group: number
  blockBytes: number
}

/** As large as a bitmap of one block can tell of, which is what mke2fs makes; clusters as it makes them with bigalloc. */
const blockSizes = [1024, 2048, 4096, 8192, 16384, 32768, 65536]
const blocksPerCluster = [1, 16]
const groups = [1, 3, 5, 7, 9, 25, 27]

function* copyPlaces(): Generator<CopyPlace> {
  for (const group of groups) {
    for (const ratio of blocksPerCluster) {
      for (const blockBytes of blockSizes) {
        const first = blockBytes === 1024 && ratio === 1 ? 1 : 0
        yield { offset: (first + group * blockBytes * 8 * ratio) * blockBytes, group, blockBytes }
      }
    }
  }
}

/** A superblock in the content of a file, as of an image that lies in the volume, does not. */
function belongsThere(sb: ExtSuperblock, { offset, group, blockBytes }: CopyPlace): boolean {
  if (sb.blockBytes !== blockBytes || group >= sb.groupCount || !groupHasSuperblock(sb, group)) return false
  if (groupFirstBlock(sb, group) * blockBytes !== offset) return false
  // Some versions left the number out; where there is a checksum it is right.
  const numbered = sb.groupNumber === group
  return numbered || (sb.groupNumber === 0 && (sb.roCompat & extRoCompat.metadataChecksum) === 0)
}
