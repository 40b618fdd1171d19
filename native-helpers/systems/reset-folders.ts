import type { BlockDevice } from '../block/device.ts'
import { LivecardError } from '../errors.ts'
import { readExtFacts } from '../volumes/ext-facts.ts'
import { findNode, type VolumeTree } from '../volumes/tree.ts'
import { type ExtFiles, rootInode } from '../wasm/ext-files.ts'
import { checkVolume, performSync } from '../wasm/ext-programs.ts'
import { ExtWriter } from '../wasm/ext-writer.ts'
import { hasModules } from '../wasm/modules.ts'
import type { ChangeContext, ChangeDraft } from './change.ts'
import { endInExtOrder } from './ext-order.ts'
import { cannotKeep } from './reset.ts'
import { markUnclean } from './unclean.ts'

/** Folders of overlayfs in an ext volume: what was changed, and what the kernel needs beside it. */
export interface UpperFolders {
  name: string
  /** Paths in the volume. */
  upper: string
  work: string
}

const folderPermissions = 0o755
/** By which a folder hides what lies below it, or stands for one that had another name (Documentation/filesystems/overlayfs.rst). */
const hidingMarks = ['trusted.overlay.opaque', 'trusted.overlay.redirect']
const lostAndFound = 'lost+found'

/** An ext volume of a card that is changed in a draft. */
export interface ExtPart {
  name: string
  device: BlockDevice
  /** Where it begins on the card. */
  startBytes: number
  /** It lies there in one piece, as a partition does. */
  inOnePiece?: true
  settle?(): void
}

/** Opens a part for a change, one that was not left cleanly after it was checked; everything is put in its place and closed when `change` is through. */
export function changeExt(
  part: ExtPart,
  draft: ChangeDraft,
  { seconds }: ChangeContext,
  change: (writer: ExtWriter) => void,
): void {
  const { name, device, startBytes } = part
  if (!hasModules()) throw impossible(name, 'this Livecard was built without the tools for ext volumes')
  draft.witnesses.push({ offset: startBytes, lengthBytes: Math.min(device.size, 4096) })
  const { value: facts, problem } = readExtFacts(device)
  if (!facts) throw impossible(name, problem.detail)
  markUnclean(draft, device, startBytes, seconds)
  if (!facts.clean || facts.needsRecovery || facts.errorCount > 0) {
    performSync(checkVolume({ mode: 'repair', seconds }), device)
    draft.steps.push(`${name}: carry out what waits in its journal and mend it, as e2fsck does.`)
  }
  const writer = new ExtWriter(device, { seconds })
  change(writer)
  writer.close()
  const { size, sectorSize } = device
  const look = performSync(checkVolume({ mode: 'look', seconds }), {
    size,
    sectorSize,
    readSync: (into, at) => device.readSync(into, at),
  })
  if (look.state !== 'clean') throw impossible(name, 'it would be damaged afterwards')
  part.settle?.()
  if (part.inOnePiece) endInExtOrder(draft, device, startBytes)
  else draft.endGroup()
}

/** How many entries went. `lower` is the system below, where it can be seen. */
export function emptyUpper(
  writer: ExtWriter,
  { name, upper, work }: UpperFolders,
  keep: readonly string[],
  lower: VolumeTree | null,
): number {
  const top = madeFolder(writer, upper)
  const kept = keep.filter((path) => isChanged(writer, top, path, lower, name))
  const gone = emptyFolder(writer, top, kept)
  for (const path of kept) showBelow(writer, top, path)
  for (const mark of hidingMarks) if (writer.xattrs(top).has(mark)) writer.setXattr(top, mark, null)
  emptyFolder(writer, madeFolder(writer, work), [])
  return gone
}

/** Removes everything in a folder but the paths that are kept; answers how many entries went. */
export function emptyFolder(writer: ExtWriter, folder: number, keep: readonly string[]): number {
  let gone = 0
  for (const { name, inode } of writer.list(folder)) {
    if (folder === rootInode && name === lostAndFound) continue
    if (keep.includes(name)) continue
    const below = keep.flatMap((path) => (path.startsWith(`${name}/`) ? [path.slice(name.length + 1)] : []))
    if (below.length > 0) gone += emptyFolder(writer, inode, below)
    else {
      gone += countBelow(writer, inode)
      writer.removeTree(folder, name)
    }
  }
  return gone
}

function countBelow(files: ExtFiles, inode: number, entered = new Set<number>()): number {
  if (files.attributes(inode).kind !== 'folder' || entered.has(inode)) return 1
  entered.add(inode)
  return files.list(inode).reduce((sum, entry) => sum + countBelow(files, entry.inode, entered), 1)
}

/** What was not changed needs no keeping; what is nowhere was misspelt, and that must not cost anybody a file. */
function isChanged(writer: ExtWriter, top: number, path: string, lower: VolumeTree | null, name: string): boolean {
  const parts = path.split('/')
  let here = top
  for (const part of parts) {
    const next = writer.lookup(here, part)
    if (next === null) {
      if (lower && findNode(lower, path)) return false
      throw cannotKeep(path, lower ? 'there is no such file or folder in the system' : `it is not among the changes in ${name}`)
    }
    const { kind, major, minor } = writer.attributes(next)
    if (kind === 'char' && major === 0 && minor === 0) throw cannotKeep(path, 'it was deleted in the system')
    here = next
  }
  return true
}

/** Around what is kept the delivered system shows again. */
function showBelow(writer: ExtWriter, top: number, path: string): void {
  let here = top
  for (const part of path.split('/').slice(0, -1)) {
    here = writer.lookup(here, part) ?? here
    for (const mark of hidingMarks) if (writer.xattrs(here).has(mark)) writer.setXattr(here, mark, null)
  }
}

function madeFolder(writer: ExtWriter, path: string): number {
  const parts = path.split('/').filter((part) => part !== '')
  const name = parts.pop() ?? ''
  const parent = parts.length === 0 ? rootInode : writer.find(parts.join('/'))
  const there = writer.lookup(parent, name)
  if (there !== null && writer.attributes(there).kind === 'folder') return there
  if (there !== null) throw impossible(path, 'there is a file of this name where a folder should be')
  const made = writer.makeFolder(parent, name)
  writer.setAttributes(made, { permissions: folderPermissions })
  return made
}

export function impossible(what: string, why: string): LivecardError {
  return new LivecardError('failed', 'reset-impossible', {
    message: `${what} cannot be reset: ${why}.`,
    meaning: 'It was tried in memory only: nothing was changed.',
    next: '"livecard inspect" shows what is there, and what helps.',
  })
}
