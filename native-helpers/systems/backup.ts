import type { BlockDevice } from '../block/device.ts'
import { replayedInMemory } from '../volumes/ext-replay.ts'
import { openExt } from '../volumes/ext-tree.ts'
import { type Parsed, parsed, unusable } from '../volumes/problem.ts'
import type { TreeNode } from '../volumes/tree.ts'
import type { ArchiveBase, ArchivePart, Manifest, PartForm } from './archive/manifest.ts'
import { problemOf } from './card.ts'

/** Something of a part, by its path below the part's folder ("" for that itself); or a place where something is that cannot be told. */
export type BackupMember = { path: string; node: TreeNode } | { path: string; node: null; why: string }

/** One thing on a card that can be saved. Nothing of it is read before it is asked for. */
export interface Backup {
  /** As `--what` names it. */
  what: string
  /** For people: "Your changes". */
  title: string
  note: string | null
  form: PartForm
  isDefault: boolean
  /** Why it cannot be saved, a clause; then it has no members. */
  problem: string | null
  origin: ArchivePart['origin']
  /** Parents before what is in them, always in the same order. */
  members(): Generator<BackupMember>
  /** Of the forms that are worth nothing without the image that they lie over. `progress` hears of bytes that were read for it. */
  base?(progress: (bytes: number) => void): ArchiveBase
  /** How much is read for that, where it is worth telling. */
  baseBytes?: number
}

/** What a family offers. */
export interface Backups {
  parts: Backup[]
  /** The kernel that the changes fit, where it lies beside the system. */
  kernel: KernelBackup | null
}

export interface KernelBackup {
  facts: NonNullable<Manifest['kernel']>
  /** By their paths in the archive. */
  files: { path: string; device: BlockDevice }[]
}

/** Deeper than the longest path of the kernel leads; a volume that goes deeper is damaged. */
const deepest = 2048

/** Everything in a folder, itself first. A folder that is met again is damage, and is not entered. */
export function* membersBelow(top: TreeNode): Generator<BackupMember> {
  const entered = new Set<number>([top.id])
  yield { path: '', node: top }
  const open: { path: string; entries: Iterator<TreeNode> }[] = []
  const enter = function* (path: string, node: TreeNode): Generator<BackupMember> {
    const { entries, problem } = node.list()
    if (problem) yield { path, node: null, why: problem.detail }
    open.push({ path, entries: entries[Symbol.iterator]() })
  }
  yield* enter('', top)
  for (let here = open.at(-1); here; here = open.at(-1)) {
    const { value: node, done } = here.entries.next()
    if (done) {
      open.pop()
      continue
    }
    const path = here.path === '' ? node.name : `${here.path}/${node.name}`
    if (node.kind !== 'directory') {
      yield { path, node }
      continue
    }
    if (entered.has(node.id) || open.length > deepest) {
      yield { path, node: null, why: 'it leads back to a folder above or beside it' }
      continue
    }
    entered.add(node.id)
    yield { path, node }
    yield* enter(path, node)
  }
}

export interface MountedRoot {
  root: TreeNode
  /** Why it may lack the last changes, a clause; null where it does not. */
  doubt: string | null
}

/** An ext volume as a system finds it that mounts it: what waits in its journal is carried out in memory. */
export function rootAsMounted(device: BlockDevice): Parsed<MountedRoot> {
  try {
    const { value: replayed, problem } = replayedInMemory(device)
    // A journal that cannot be used hides its last changes, not the files.
    const { value: opened, problem: unread } = openExt(replayed?.device ?? device)
    if (!opened) return { value: null, problem: unread }
    const failed = problem ?? replayed.problems[0]
    return parsed({ root: opened.tree.root, doubt: failed ? `the last changes may be missing: ${failed.detail}` : null })
  } catch (thrown) {
    const { code, detail } = problemOf(thrown)
    return unusable(code, detail)
  }
}

export function* membersAsMounted({ root, doubt }: MountedRoot, top = root): Generator<BackupMember> {
  if (doubt !== null) yield { path: '', node: null, why: doubt }
  yield* membersBelow(top)
}

/** One file that is not in a folder: a store, a container. Null for `extents`: without holes. */
export function* soleFile(name: string, device: BlockDevice, filledBytes: number | null = null): Generator<BackupMember> {
  yield { path: '', node: plainNode('', 'directory', {}) }
  const extents = filledBytes === null ? [{ start: 0, lengthBytes: device.size }] : sparse(filledBytes, device.size)
  yield {
    path: name,
    node: plainNode(name, 'file', { sizeBytes: device.size, open: () => parsed(device), extents: () => parsed(extents) }),
  }
}

function sparse(filledBytes: number, sizeBytes: number) {
  const filled = { start: 0, lengthBytes: Math.min(filledBytes, sizeBytes) }
  return filled.lengthBytes < sizeBytes ? [filled, { start: null, lengthBytes: sizeBytes - filled.lengthBytes }] : [filled]
}

/** A mark that a file of what lies below is gone. */
export function deletionMark(name: string): TreeNode {
  return plainNode(name, 'character-device', { mode: 0, rdev: { major: 0, minor: 0 } })
}

/** Of our own making: what stands alone, or is only a mark. */
export function plainNode(name: string, kind: TreeNode['kind'], own: Partial<TreeNode>): TreeNode {
  return {
    ...{ name, kind, sizeBytes: 0, mode: kind === 'directory' ? 0o700 : 0o600, ownerId: 0, groupId: 0 },
    ...{ modifiedSeconds: 0, target: null, id: -1 },
    list: () => ({ entries: [], problem: null }),
    extents: () => unusable('backup-no-file', `"${name}" is no file`),
    open: () => unusable('backup-no-file', `"${name}" is no file`),
    ...own,
  }
}
