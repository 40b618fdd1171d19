import type { BlockDevice } from '../../block/device.ts'
import type { ChunkMap } from '../../block/merged.ts'
import type { ExtInode } from '../../volumes/ext-inode.ts'
import { ExtNode, type ExtOpened } from '../../volumes/ext-tree.ts'
import { extMap } from '../../volumes/ext-tree-map.ts'
import type { TreeNode } from '../../volumes/tree.ts'
import { type BackupMember, deletionMark } from '../backup.ts'

/** A filesystem and what became of it through a snapshot. */
export interface ChangedSystem {
  before: ExtOpened
  now: ExtOpened
  /** Which of its bytes are not those of before; the rest is equal without being looked at. */
  isChanged(offset: number, lengthBytes: number): boolean
}

/** By the copies in a store, and the blocks that wait in the journal on top of them. */
export function changedBytes(
  chunks: ChunkMap,
  replayed: { blockBytes: number; blocks: readonly number[] } | null,
): ChangedSystem['isChanged'] {
  const { chunkBytes } = chunks
  const waiting = new Set(replayed?.blocks)
  const blockBytes = replayed?.blockBytes ?? chunkBytes
  return (offset, lengthBytes) => {
    const end = offset + lengthBytes
    for (let chunk = Math.floor(offset / chunkBytes); chunk * chunkBytes < end; chunk += 1)
      if (chunks.find(chunk) !== null) return true
    if (waiting.size === 0) return false
    for (let block = Math.floor(offset / blockBytes); block * blockBytes < end; block += 1) if (waiting.has(block)) return true
    return false
  }
}

/**
 * What differs, in the notation of overlayfs: a file that is new or not as it was, with the folders above it, and a mark for every file that is gone. A file of
 * the system that several names lead to is taken with all of them. What only was read since (its access time) is as it was.
 */
export function* changedMembers(system: ChangedSystem): Generator<BackupMember> {
  yield* new Comparison(system).below()
}

const deepest = 2048

interface Level {
  path: string
  node: TreeNode
  /** Whether it was told of: it is when it differs itself, or something in it. */
  told: boolean
  children: Iterator<TreeNode>
  /** Of the same folder before, by name; what is left of it at the end is gone. Null: it held the same names for the same inodes. */
  left: Map<string, TreeNode> | null
}

class Comparison {
  readonly #system: ChangedSystem
  readonly #entered = new Set<number>()
  readonly #levels: Level[] = []

  constructor(system: ChangedSystem) {
    this.#system = system
  }

  *below(): Generator<BackupMember> {
    const { before, now } = this.#system
    yield* this.#enter('', now.tree.root, before.tree.root)
    for (let here = this.#levels.at(-1); here; here = this.#levels.at(-1)) {
      const { value: node, done } = here.children.next()
      if (done) {
        yield* this.#marks(here)
        this.#levels.pop()
      } else yield* this.#child(here, node)
    }
  }

  *#child(here: Level, node: TreeNode): Generator<BackupMember> {
    const path = here.path === '' ? node.name : `${here.path}/${node.name}`
    const before = here.left ? (here.left.get(node.name) ?? null) : this.#sameBefore(node)
    here.left?.delete(node.name)
    if (node.kind === 'directory') yield* this.#enter(path, node, before?.kind === 'directory' ? before : null)
    else if (!before || this.#differs(node, before)) {
      yield* this.#tellAbove()
      yield { path, node }
    }
  }

  *#enter(path: string, node: TreeNode, before: TreeNode | null): Generator<BackupMember> {
    if (this.#entered.has(node.id) || this.#levels.length > deepest) {
      yield { path, node: null, why: 'it leads back to a folder above or beside it' }
      return
    }
    this.#entered.add(node.id)
    const isSame = before !== null && this.#isUntouched(node, before)
    const { entries, problem } = node.list()
    const listed = isSame ? null : (before?.list() ?? { entries: [], problem: null })
    this.#levels.push({
      ...{ path, node, told: false },
      children: entries[Symbol.iterator](),
      // Where it cannot be read whole, nothing in it counts as gone.
      left: listed && new Map(problem ? [] : listed.entries.map((entry) => [entry.name, entry])),
    })
    // The top is always there, so that there is a folder to put things into.
    if (path === '' || !before || problem || (!isSame && !sameFacts(node, before))) yield* this.#tellAbove()
    if (problem) yield { path, node: null, why: problem.detail }
    if (listed?.problem) yield { path, node: null, why: `what it held before is not known: ${listed.problem.detail}` }
  }

  #sameBefore({ id, name }: TreeNode): TreeNode {
    return new ExtNode(this.#system.before.volume, id, name, 0)
  }

  *#tellAbove(): Generator<BackupMember> {
    for (const level of this.#levels) {
      if (level.told) continue
      level.told = true
      yield { path: level.path, node: level.node }
    }
  }

  *#marks({ path, left }: Level): Generator<BackupMember> {
    for (const name of left?.keys() ?? []) {
      yield* this.#tellAbove()
      yield { path: path === '' ? name : `${path}/${name}`, node: deletionMark(name) }
    }
  }

  #differs(node: TreeNode, before: TreeNode): boolean {
    if (this.#isUntouched(node, before)) return false
    return !sameFacts(node, before) || !sameContent(node, before)
  }

  /** The same inode, of which neither itself nor what it leads to was written since: nothing has to be read twice. */
  #isUntouched(node: TreeNode, before: TreeNode): boolean {
    if (node.id !== before.id) return false
    const { isChanged, now } = this.#system
    const { value: inode } = (node as ExtNode).inode()
    if (!inode || isChanged(inode.offset, now.volume.sb.inodeBytes)) return false
    if (inode.xattrBlock !== 0 && isChanged(inode.xattrBlock * now.volume.sb.blockBytes, now.volume.sb.blockBytes)) return false
    return !leadsToChanged(now, inode, isChanged)
  }
}

function leadsToChanged({ volume }: ExtOpened, inode: ExtInode, isChanged: ChangedSystem['isChanged']): boolean {
  // A long target of a link never changes in its place.
  if (inode.kind !== 'file' && inode.kind !== 'directory') return false
  const { extents, problem } = extMap(volume, inode)
  return problem !== null || extents.some(({ start, lengthBytes }) => start !== null && isChanged(start, lengthBytes))
}

/** Everything about a file that is not its content, as far as it is kept. Folders have other counts of links and other sizes without being different. */
function sameFacts(one: TreeNode, other: TreeNode): boolean {
  const isFolder = one.kind === 'directory'
  return (
    one.kind === other.kind &&
    one.mode === other.mode &&
    one.ownerId === other.ownerId &&
    one.groupId === other.groupId &&
    one.modifiedSeconds === other.modifiedSeconds &&
    (one.modifiedNanoseconds ?? 0) === (other.modifiedNanoseconds ?? 0) &&
    one.target === other.target &&
    one.rdev?.major === other.rdev?.major &&
    one.rdev?.minor === other.rdev?.minor &&
    (isFolder || (one.sizeBytes === other.sizeBytes && one.links === other.links)) &&
    sameXattrs(one, other)
  )
}

function sameXattrs(one: TreeNode, other: TreeNode): boolean {
  const [mine, yours] = [one.xattrs?.().value, other.xattrs?.().value]
  if (!mine || !yours) return false
  return mine.size === yours.size && [...mine].every(([name, value]) => isEqual(value, yours.get(name)))
}

function isEqual(one: Uint8Array, other: Uint8Array | undefined): boolean {
  return other !== undefined && Buffer.compare(one, other) === 0
}

const compareBytes = 256 * 1024

/** What cannot be read counts as different: it is read again, and told of, when it is saved. */
function sameContent(one: TreeNode, other: TreeNode): boolean {
  if (one.kind !== 'file') return true
  const [mine, yours] = [one.open().value, other.open().value]
  if (!mine || !yours || mine.size !== yours.size) return false
  try {
    for (let at = 0; at < mine.size; at += compareBytes) {
      const length = Math.min(compareBytes, mine.size - at)
      if (!isEqual(bytesOf(mine, at, length), bytesOf(yours, at, length))) return false
    }
    return true
  } catch {
    return false
  }
}

function bytesOf(device: BlockDevice, at: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  device.readSync(bytes, at)
  return bytes
}
