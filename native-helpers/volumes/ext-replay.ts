import type { BlockDevice } from '../block/device.ts'
import { extentsDevice } from '../block/extents.ts'
import { type ExtLog, emptyLogSuper, logMagic, logSuperBytes, readLog } from './ext-replay-log.ts'
import { isLater, type LoggedBlock, loggedBlockFits, readRevokes, scanLog } from './ext-replay-scan.ts'
import {
  changeExtSuperblock,
  extCompat,
  extIncompat,
  extState,
  extSuperblockBytes,
  extSuperblockOffset,
  parseExtSuperblock,
} from './ext-superblock.ts'
import { openExt } from './ext-tree.ts'
import { extMap } from './ext-tree-map.ts'
import type { ExtVolume } from './ext-tree-volume.ts'
import { readFields, u16, u32 } from './fields.ts'
import { pieceOf } from './piece.ts'
import { type Parsed, type Problem, parsed, unusable } from './problem.ts'

export interface ExtReplayed {
  /** The volume after the replay, only for reading; where nothing waits, as it was given. */
  device: BlockDevice
  /** How many finished transactions waited. */
  transactions: number
  /** Of how many blocks the journal holds what the volume does not yet. */
  blocks: number
  /** Which blocks of the volume those are. */
  targets: readonly number[]
  /** Why not all of it could be replayed. A running system might refuse to mount such a volume. */
  problems: Problem[]
}

/**
 * A volume that was not unmounted, as a system would find it that mounts it: what its journal holds is in its place. Nothing is
 * written, and nothing is copied: a block that is in the journal is read from there. What a mount does after that, removing files
 * that were deleted while they were in use, is not done. A problem where the journal cannot be used at all, or lies on another
 * device.
 */
export function replayedInMemory(device: BlockDevice): Parsed<ExtReplayed> {
  const { value: ext, problem } = openExt(device)
  if (!ext) return { value: null, problem }
  const { volume } = ext
  const nothing = (problems: Problem[]) => parsed({ device, transactions: 0, blocks: 0, targets: [], problems })
  const waits = (volume.sb.incompat & extIncompat.recover) !== 0
  if (!(volume.sb.compat & extCompat.hasJournal)) {
    return waits ? unusable('ext-journal', 'it is marked as not unmounted, but has no journal') : nothing([])
  }
  if (!waits) return nothing([])
  const { value: log, problem: noLog } = openLog(volume)
  if (!log) return { value: null, problem: noLog }
  return parsed(replay(volume, log))
}

function openLog(volume: ExtVolume): Parsed<ExtLog> {
  const { sb } = volume
  if (sb.journalInode === 0) return unusable('ext-journal-elsewhere', 'its journal is on another device')
  const { value: inode, problem } = volume.inode(sb.journalInode, true)
  if (!inode) return { value: null, problem }
  if (inode.kind !== 'file') return unusable('ext-journal', 'the journal is no file')
  const { extents, problem: unmapped } = extMap(volume, inode)
  if (unmapped) return { value: null, problem: unmapped }
  if (extents.some(({ start }) => start === null)) return unusable('ext-journal', 'the journal has holes')
  return readLog(extentsDevice(volume.device, extents), extents[0]?.start ?? 0, sb.blockBytes)
}

function replay(volume: ExtVolume, log: ExtLog): ExtReplayed {
  const scan = scanLog(log)
  const problems: Problem[] = scan.problem ? [scan.problem] : []
  const note = (detail: string) => {
    if (problems.length < maxProblems) problems.push({ code: 'ext-journal', detail })
  }
  const revoked = readRevokes(log, scan.revokes, new Set(scan.blocks.map(({ target }) => target)))
  const found = new Map<number, LoggedBlock>()
  const bytes = new Uint8Array(log.blockBytes)
  // The last state of a block is what remains, unless it cannot be read: so from the end.
  for (const block of scan.blocks.reverse()) {
    if (found.has(block.target)) continue
    const last = revoked.get(block.target)
    if (last !== undefined && !isLater(block.sequence, last)) continue
    if (!volume.holdsBlocks(block.target, 1)) {
      note(`the journal holds block ${block.target}, which the volume does not have`)
      continue
    }
    if (log.checksums >= 2) {
      log.device.readSync(bytes, block.place * log.blockBytes)
      if (!loggedBlockFits(log, block, bytes)) {
        note(`what the journal holds of block ${block.target} has a wrong checksum`)
        continue
      }
    }
    found.set(block.target, block)
  }
  const failed = scan.isUseless || problems.length > (scan.problem ? 1 : 0)
  if (holdsFastCommit(log, scan.nextSequence)) {
    problems.push({ code: 'ext-journal-fast', detail: 'the journal ends with fast commits, which are not replayed here' })
  }
  const patched = viewOf(volume.device, log, found)
  const finished = withPatches(patched, [
    ...superblockPatch(patched, { failed, hasError: log.error !== 0 || (scan.problem !== null && !scan.isUseless) }),
    logPatch(log, failed ? log.sequence : (scan.nextSequence + 1) >>> 0),
  ])
  return { device: finished, transactions: scan.transactions, blocks: found.size, targets: [...found.keys()], problems }
}

const maxProblems = 100
const magicBytes = [24, 16, 8, 0].map((shift) => (logMagic >>> shift) & 0xff)

/** struct ext4_fc_tl and ext4_fc_head, fs/ext4/fast_commit.h, little-endian. They begin one block behind the ring. */
const fastFields = { tag: u16(0), transaction: u32(8) }
const fastHeadTag = 9

function holdsFastCommit(log: ExtLog, sequence: number): boolean {
  const place = (log.end + 1) * log.blockBytes
  if (!log.hasFastCommits || place + log.blockBytes > log.device.size) return false
  const bytes = new Uint8Array(log.blockBytes)
  log.device.readSync(bytes, place)
  const { tag, transaction } = readFields(fastFields, bytes)
  return tag === fastHeadTag && transaction === sequence
}

/** The blocks of `found` from the log, all others from the device. */
function viewOf(device: BlockDevice, log: ExtLog, found: ReadonlyMap<number, LoggedBlock>): BlockDevice {
  const { blockBytes } = log
  const readLogged = ({ place, escaped }: LoggedBlock, within: number, into: Uint8Array) => {
    log.device.readSync(into, place * blockBytes + within)
    for (let at = within; escaped && at < magicBytes.length && at - within < into.length; at += 1)
      into[at - within] = magicBytes[at] ?? 0
  }
  return {
    size: device.size,
    sectorSize: device.sectorSize,
    readSync(into, offset) {
      const end = offset + into.length
      for (let at = offset; at < end; ) {
        const index = Math.floor(at / blockBytes)
        const logged = found.get(index)
        let stop = Math.min(end, (index + 1) * blockBytes)
        if (logged) readLogged(logged, at - index * blockBytes, into.subarray(at - offset, stop - offset))
        else {
          while (stop < end && !found.has(stop / blockBytes)) stop = Math.min(end, stop + blockBytes)
          device.readSync(into.subarray(at - offset, stop - offset), at)
        }
        at = stop
      }
    },
  }
}

interface Patch {
  offset: number
  bytes: Uint8Array
}

function withPatches(device: BlockDevice, patches: readonly Patch[]): BlockDevice {
  return {
    size: device.size,
    sectorSize: device.sectorSize,
    readSync(into, offset) {
      device.readSync(into, offset)
      for (const patch of patches) {
        const start = Math.max(offset, patch.offset)
        const end = Math.min(offset + into.length, patch.offset + patch.bytes.length)
        if (start < end) into.set(patch.bytes.subarray(start - patch.offset, end - patch.offset), start - offset)
      }
    },
  }
}

/**
 * As e2fsck_run_ext3_journal leaves it: nothing waits, what failed asks for a check, and an error that the journal noted is noted
 * in the volume.
 */
function superblockPatch(device: BlockDevice, { failed, hasError }: { failed: boolean; hasError: boolean }): Patch[] {
  const bytes = pieceOf(device, extSuperblockOffset, extSuperblockBytes)
  const { value: sb } = parseExtSuperblock(bytes ?? new Uint8Array())
  if (!bytes || !sb) return []
  const state = (sb.state & (failed ? ~extState.valid : ~0)) | (hasError ? extState.error : 0)
  changeExtSuperblock(bytes, { incompat: sb.incompat & ~extIncompat.recover, state })
  return [{ offset: extSuperblockOffset, bytes }]
}

/** The first piece of the log is its superblock. */
function logPatch(log: ExtLog, nextSequence: number): Patch {
  const bytes = new Uint8Array(logSuperBytes)
  log.device.readSync(bytes, 0)
  emptyLogSuper(bytes, nextSequence, log)
  return { offset: log.offset, bytes }
}
