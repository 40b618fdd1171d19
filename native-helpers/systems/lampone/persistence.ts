import type { BlockDevice } from '../../block/device.ts'
import { decimalSize } from '../../decimal-size.ts'
import { type ExtFacts, readExtFacts } from '../../volumes/ext-facts.ts'
import { replayedInMemory } from '../../volumes/ext-replay.ts'
import { extSuperblockOffset } from '../../volumes/ext-superblock.ts'
import { openExt } from '../../volumes/ext-tree.ts'
import { readFields, u32 } from '../../volumes/fields.ts'
import { type LuksFacts, readLuksFacts } from '../../volumes/luks.ts'
import { pieceOf } from '../../volumes/piece.ts'
import type { Parsed, Problem } from '../../volumes/problem.ts'
import { childNamed, isWhiteout, type TreeNode, type VolumeTree, walkTree } from '../../volumes/tree.ts'
import { attempt } from '../attempt.ts'
import { textOf } from '../linux-root.ts'
import type { CardVolume } from '../system.ts'
import { isNamedPersistence } from './layout.ts'
import { confPath, maxConfBytes, type PersistentMount, parsePersistenceConf } from './persistence-conf.ts'

/** What a started system finds where it looks for changes. */
export type Persistence =
  | { state: 'encrypted'; volume: CardVolume; luks: Parsed<LuksFacts> }
  /** Another filesystem of Linux, which live-boot takes too and which is not looked into here. */
  | { state: 'other-kind'; volume: CardVolume }
  /** A kernel does not mount it. `tree` is what can be read of it all the same. */
  | { state: 'damaged' | 'cut-off'; volume: CardVolume; problem: Problem; changes: Changes | null }
  | { state: 'open'; volume: CardVolume; facts: ExtFacts; room: ExtRoom; changes: Changes }

/** The room of an ext volume in the terms of whoever runs out of it. */
export interface ExtRoom {
  totalBytes: number
  usedBytes: number
  /** What mke2fs keeps for the administrator; other programs are told "no space left" when only this remains. */
  reservedBytes: number
  freeInodes: number
  inodes: number
}

export interface Changes {
  /** persistence.conf; null where there is none. */
  mounts: PersistentMount[] | null
  /** The folder `rw` as a tree of its own. */
  upper: VolumeTree | null
  hasWork: boolean
  /** The marks that aufs leaves at the top of what it writes to (aufs(5)). */
  isAufs: boolean
}

/** struct ext4_super_block, fs/ext4/ext4.h */
const reservedFields = { low: u32(0x08), high: u32(0x154) }
const superblockBytes = 1024
const otherKinds = new Set(['btrfs', 'xfs', 'f2fs'])

/** The volume as a started system finds it: what waits in its journal is carried out in memory. */
export async function lookAtPersistence(volume: CardVolume): Promise<Persistence> {
  const { value, problem } = await attempt(() => lookAt(volume))
  return value ?? { state: 'damaged', volume, problem, changes: null }
}

function lookAt(volume: CardVolume): Persistence {
  const { device } = volume
  if (volume.identity?.type === 'crypto_LUKS') return { state: 'encrypted', volume, luks: readLuksFacts(device) }
  const kind = volume.identity?.type
  if (kind && otherKinds.has(kind) && isNamedPersistence(volume)) return { state: 'other-kind', volume }
  const damaged = (problem: Problem, changes: Changes | null = null): Persistence => ({
    state: 'damaged',
    volume,
    problem,
    changes,
  })
  if (kind && !kind.startsWith('ext'))
    return damaged({ code: 'persistence-formatted', detail: `there is a volume of the kind ${kind} in its place` })
  // What is read by a copy of the superblock is not mounted by a kernel.
  const { value: asItLies, problem: noSuperblock } = readExtFacts(device)
  const { value: replayed, problem: noJournal } = replayedInMemory(device)
  const { value: opened, problem: unread } = openExt(replayed?.device ?? device)
  if (!opened) return damaged(noSuperblock ?? unread)
  const { tree, facts } = opened
  const changes = changesIn(tree)
  if (!asItLies) return damaged({ ...noSuperblock, detail: `${noSuperblock.detail}, but a copy of it is whole` }, changes)
  if (asItLies.totalBytes > device.size) {
    const detail = `it has ${decimalSize(asItLies.totalBytes)}, of which ${decimalSize(device.size)} are there`
    return { state: 'cut-off', volume, problem: { code: 'ext-cut-off', detail }, changes }
  }
  const journalProblem = noJournal ?? replayed.problems.find(({ code }) => code !== 'ext-journal-fast')
  if (journalProblem) return damaged(journalProblem, changes)
  const { entries, problem: noRoot } = tree.root.list()
  if (noRoot && entries.length === 0) return damaged(noRoot)
  return { state: 'open', volume, facts: { ...facts, needsRecovery: asItLies.needsRecovery }, room: roomOf(device, facts), changes }
}

function changesIn(tree: VolumeTree): Changes {
  const conf = textOf(tree, confPath, maxConfBytes)
  const upper = childNamed(tree, tree.root, 'rw')
  return {
    mounts: conf === null ? null : parsePersistenceConf(conf),
    upper: upper?.kind === 'directory' ? { root: upper, foldsCase: false } : null,
    hasWork: childNamed(tree, tree.root, 'work')?.kind === 'directory',
    isAufs: childNamed(tree, tree.root, '.wh..wh.aufs') !== null,
  }
}

function roomOf(device: BlockDevice, facts: ExtFacts): ExtRoom {
  const superblock = pieceOf(device, extSuperblockOffset, superblockBytes) ?? new Uint8Array()
  const reserved = readFields(reservedFields, superblock)
  const reservedBlocks = reserved.low + (facts.features.includes('64bit') ? reserved.high * 0x1_0000_0000 : 0)
  const { totalBytes, freeBytes, freeInodes, inodes, blockBytes } = facts
  return {
    totalBytes,
    usedBytes: totalBytes - (freeBytes ?? 0),
    reservedBytes: Math.min(totalBytes, reservedBlocks * blockBytes),
    freeInodes,
    inodes,
  }
}

export interface ChangesSize {
  bytes: number
  files: number
  /** Files of the system that were deleted: marks that hide what lies below. */
  whiteouts: number
  /** False where there is more than was counted, or some of it cannot be read. */
  complete: boolean
}

/** What the changes come to, hard links once. Each entry costs an inode, so that very many are not all counted. */
export function sizeOfChanges(upper: VolumeTree, maxEntries = 50_000): ChangesSize {
  const size = { bytes: 0, files: 0, whiteouts: 0 }
  const counted = new Set<number>()
  const problems = walkTree(
    upper,
    (_path, node) => {
      if (isDeletionMark(node)) size.whiteouts += 1
      else if (node.kind === 'file' && isNew(node, counted)) {
        size.files += 1
        size.bytes += node.sizeBytes
      }
    },
    { maxEntries },
  )
  return { ...size, complete: problems.length === 0 }
}

function isNew(node: TreeNode, counted: Set<number>): boolean {
  if ((node.links ?? 1) < 2) return true
  if (counted.has(node.id)) return false
  counted.add(node.id)
  return true
}

/** A device 0:0, or since Linux 6.7 an empty file that says so. */
function isDeletionMark(node: TreeNode): boolean {
  if (isWhiteout(node)) return true
  return node.kind === 'file' && node.sizeBytes === 0 && (node.xattrs?.().value?.has('trusted.overlay.whiteout') ?? false)
}
