import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  realpathSync,
  statfsSync,
} from 'node:fs'
import { dirname, join, sep } from 'node:path'
import type { BlockDevice } from '../block/device.ts'
import type { Extent } from '../block/extents.ts'
import { systemCode } from '../errors.ts'
import { type Parsed, type Problem, parsed, unusable } from '../volumes/problem.ts'
import { kindOfMode, type TreeNode, type VolumeTree } from '../volumes/tree.ts'
import type { Usage } from '../volumes/usage.ts'

/** Open at the same time; more are closed and opened again when they are needed. */
const maxOpen = 32
/** include/uapi/linux/magic.h: FAT, exFAT, NTFS, FUSE (which carries exFAT and NTFS), ISO 9660. */
const foldingKinds = new Set([0x4d44, 0x2011bab0, 0x5346544e, 0x7366746e, 0x65735546, 0x9660])

export interface FolderTree extends VolumeTree {
  /** Of the filesystem that the folder lies in; null where the host does not tell. */
  usage: Usage | null
  close(): void
}

/**
 * A folder of this computer as a tree, where a stick is mounted for one. Everything is opened for reading only; a symbolic link is a node with its target
 * and is never opened itself; nothing outside of the folder is reached, and no other filesystem that is mounted inside of it.
 * Throws the host's error where the folder itself cannot be read.
 */
export function openFolderTree(path: string): FolderTree {
  const top = realpathSync(path)
  const own = lstatSync(top)
  readdirSync(top)
  const files = openFiles(top)
  const ids = new Map<string, number>()

  const idOf = (facts: { dev: number; ino: number }): number => {
    const key = `${facts.dev}:${facts.ino}`
    const known = ids.get(key) ?? ids.size
    ids.set(key, known)
    return known
  }

  const node = (name: string, at: string): TreeNode | null => {
    const facts = lstatSync(at, { throwIfNoEntry: false })
    const kind = facts && kindOfMode(facts.mode)
    if (!facts || !kind) return null
    const noFile = unusable('folder-no-file', `"${name}" is no file`)
    return {
      name,
      kind,
      sizeBytes: kind === 'file' ? facts.size : 0,
      mode: facts.mode & 0o7777,
      ownerId: facts.uid,
      groupId: facts.gid,
      modifiedSeconds: Math.floor(facts.mtimeMs / 1000),
      target: kind === 'symlink' ? linkTarget(at) : null,
      id: idOf(facts),
      list: () => (kind === 'directory' && facts.dev === own.dev ? listed(at) : { entries: [], problem: null }),
      extents: (): Parsed<Extent[]> =>
        kind === 'file' ? unusable('folder-host-file', `"${name}" is a file of this computer's own filesystem`) : noFile,
      open: () => (kind === 'file' ? files.open(at, name) : noFile),
    }
  }

  const listed = (at: string): { entries: TreeNode[]; problem: Problem | null } => {
    try {
      if (!isWithin(top, realpathSync(at))) return { entries: [], problem: outside(at) }
      const entries = readdirSync(at).flatMap((name) => node(name, join(at, name)) ?? [])
      return { entries, problem: null }
    } catch (thrown) {
      return { entries: [], problem: hostProblem(thrown) }
    }
  }

  const root = node('', top)
  if (root?.kind !== 'directory') throw new TypeError(`${path} is no folder`)
  return { root, foldsCase: foldsCase(top), usage: usageOf(top), close: files.close }
}

/** At most so many descriptors at a time; a device opens its file again when its own was closed meanwhile. */
function openFiles(top: string) {
  const open = new Map<string, number>()

  const descriptor = (path: string): number => {
    const known = open.get(path)
    if (known !== undefined) {
      open.delete(path)
      open.set(path, known)
      return known
    }
    if (!isWithin(top, realpathSync(dirname(path)))) throw new RangeError(`${path} lies outside of ${top}`)
    // A pipe that took the file's place must not keep the reader waiting.
    const fd = openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0))
    for (const [oldest, number] of open) {
      if (open.size < maxOpen) break
      open.delete(oldest)
      closeSync(number)
    }
    open.set(path, fd)
    return fd
  }

  return {
    open(path: string, name: string): Parsed<BlockDevice> {
      try {
        const facts = fstatSync(descriptor(path))
        if (!facts.isFile()) return unusable('folder-no-file', `"${name}" is no file`)
        return parsed({
          size: facts.size,
          sectorSize: 512,
          readSync: (into, offset) => readAll(descriptor(path), into, offset, path),
        })
      } catch (thrown) {
        return { value: null, problem: hostProblem(thrown) }
      }
    },
    close() {
      for (const fd of open.values()) closeSync(fd)
      open.clear()
    },
  }
}

function readAll(fd: number, into: Uint8Array, offset: number, path: string): void {
  for (let done = 0; done < into.length; ) {
    const count = readSync(fd, into, done, into.length - done, offset + done)
    if (count === 0) throw new RangeError(`${path} ends at byte ${offset + done}`)
    done += count
  }
}

function isWithin(top: string, real: string): boolean {
  return real === top || real.startsWith(top.endsWith(sep) ? top : top + sep)
}

function linkTarget(path: string): string | null {
  try {
    return readlinkSync(path)
  } catch {
    return null
  }
}

function outside(path: string): Problem {
  return { code: 'folder-outside', detail: `"${path}" leads out of the folder` }
}

function hostProblem(thrown: unknown): Problem {
  const code = systemCode(thrown)
  if (code === 'EACCES' || code === 'EPERM') return { code: 'folder-not-allowed', detail: 'this user may not read it' }
  return {
    code: 'folder-unread',
    detail: `it cannot be read (${code ?? (thrown instanceof Error ? thrown.message : String(thrown))})`,
  }
}

function foldsCase(path: string): boolean {
  if (process.platform === 'win32' || process.platform === 'darwin') return true
  try {
    return foldingKinds.has(statfsSync(path).type)
  } catch {
    return false
  }
}

function usageOf(path: string): Usage | null {
  try {
    const { blocks, bfree, bsize } = statfsSync(path)
    return { usedBytes: (blocks - bfree) * bsize, totalBytes: blocks * bsize }
  } catch {
    return null
  }
}
