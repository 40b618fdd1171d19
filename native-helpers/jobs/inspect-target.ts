import type { BigIntStats } from 'node:fs'
import { constants, type FileHandle, open, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { FileSpec } from '../block/spec.ts'
import type { Drive } from '../contract.ts'
import { findDrive } from '../drives/find.ts'
import { openForReading } from '../drives/open.ts'
import { LivecardError, systemCode } from '../errors.ts'
import { formatOf } from '../imaging/format.ts'
import {
  baseNoFile,
  baseNotMeant,
  targetEmpty,
  targetNoCard,
  targetNotFound,
  targetNotReadable,
  targetPacked,
  targetPartition,
  targetUnread,
} from './inspect-errors.ts'

/** What a thread needs to look at a target: plain data, with descriptors of this process. */
export type InspectSource =
  | { kind: 'drive' | 'file'; path: string; device: FileSpec; base: FileSpec | null }
  | { kind: 'folder'; path: string }

export interface InspectTarget {
  source: InspectSource
  drive: Drive | null
  /** After nobody reads any more. */
  close(): Promise<void>
}

/** Opens a target for reading only, a drive with whatever privilege that needs. Throws a named error; nothing stays open then. */
export async function openTarget(name: string, base: string | null): Promise<InspectTarget> {
  const path = isWindowsDrive(name) ? name : resolve(name)
  const facts = isWindowsDrive(name) ? null : await factsOf(path)
  if (facts?.isDirectory()) {
    if (base !== null) throw baseNotMeant(path)
    return { source: { kind: 'folder', path }, drive: null, close: async () => {} }
  }
  if (facts?.isFile()) return openFile(path, base)
  const what = facts && kindWords(facts)
  if (what !== null) throw targetNoCard(path, what)
  if (base !== null) throw baseNotMeant(path)
  return openDrive(path)
}

async function openDrive(name: string): Promise<InspectTarget> {
  try {
    const drive = await findDrive(name)
    const { path, sizeBytes } = drive.identity
    if (sizeBytes === 0) throw targetEmpty(path)
    const device = await openForReading(path)
    const { fd, direct, sectorSize, label } = device
    if (fd === undefined) throw new TypeError('a drive that was opened has a descriptor')
    const spec: FileSpec = { kind: 'file', fd, writable: false, sizeBytes, sectorSize, direct, label }
    return { source: { kind: 'drive', path, device: spec, base: null }, drive, close: () => device.close() }
  } catch (thrown) {
    throw inReadersWords(thrown, name)
  }
}

/** The drives' own errors speak of writing. */
function inReadersWords(thrown: unknown, path: string): unknown {
  if (!(thrown instanceof LivecardError)) return thrown
  const meaning = 'Nothing was changed; inspecting only reads.'
  switch (thrown.code) {
    case 'drive-not-found':
      return targetNotFound(path)
    case 'drive-partition':
      return targetPartition(path, /whole drive is (\S+)/.exec(thrown.message)?.[1] ?? 'the whole drive')
    default:
      return new LivecardError(thrown.kind, thrown.code, { message: thrown.message, meaning, next: thrown.next }, thrown)
  }
}

async function openFile(path: string, base: string | null): Promise<InspectTarget> {
  const handle = await openRegular(path, () => targetNoCard(path, 'no file any more'))
  const handles = [handle]
  try {
    const device = await specOf(handle, path)
    if (device.sizeBytes === 0) throw targetEmpty(path)
    const format = formatOf(await headOf(handle))
    if (format !== 'raw') throw targetPacked(path, format)
    const baseHandle = base === null ? null : await openRegular(resolve(base), () => baseNoFile(base))
    if (baseHandle) handles.push(baseHandle)
    const baseSpec = baseHandle && base !== null ? await specOf(baseHandle, base) : null
    if (baseSpec?.sizeBytes === 0) throw targetEmpty(base ?? '')
    return { source: { kind: 'file', path, device, base: baseSpec }, drive: null, close: () => closeAll(handles) }
  } catch (thrown) {
    await closeAll(handles)
    throw thrown
  }
}

/** Without O_NONBLOCK a pipe that took the name meanwhile would keep everything waiting. */
async function openRegular(path: string, otherwise: () => LivecardError): Promise<FileHandle> {
  const handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)).catch((thrown) => {
    throw openError(thrown, path)
  })
  if ((await handle.stat()).isFile()) return handle
  await handle.close()
  throw otherwise()
}

async function specOf(handle: FileHandle, path: string): Promise<FileSpec> {
  return { kind: 'file', fd: handle.fd, writable: false, sizeBytes: (await handle.stat()).size, label: path }
}

const magicBytes = 16

async function headOf(handle: FileHandle): Promise<Uint8Array> {
  const head = new Uint8Array(magicBytes)
  const { bytesRead } = await handle.read(head, 0, magicBytes, 0)
  return head.subarray(0, bytesRead)
}

async function closeAll(handles: readonly FileHandle[]): Promise<void> {
  await Promise.all(handles.map((handle) => handle.close()))
}

async function factsOf(path: string): Promise<BigIntStats> {
  return stat(path, { bigint: true }).catch((thrown) => {
    throw openError(thrown, path)
  })
}

function openError(thrown: unknown, path: string): LivecardError {
  switch (systemCode(thrown)) {
    case 'ENOENT':
    case 'ENOTDIR':
      return targetNotFound(path)
    case 'EACCES':
    case 'EPERM':
      return targetNotReadable(path, thrown)
    default:
      return targetUnread(path, thrown)
  }
}

/** Null for what may be a drive; macOS has drives that are character devices too. */
function kindWords(facts: BigIntStats): string | null {
  if (facts.isFIFO()) return 'a pipe'
  if (facts.isSocket()) return 'a socket'
  return facts.isCharacterDevice() && process.platform === 'linux' ? 'a device that is no drive' : null
}

function isWindowsDrive(path: string): boolean {
  return process.platform === 'win32' && path.startsWith('\\\\.\\')
}
