import { readFile, stat, writeFile } from 'node:fs/promises'
import { homedir, release, type as systemName } from 'node:os'
import { dirname, isAbsolute, join } from 'node:path'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { Drive } from '../contract.ts'
import type { Report } from '../contract-report.ts'
import { isKernelsPlace } from '../drives/file-users.ts'
import { LivecardError, systemCode } from '../errors.ts'
import type { CardPiece } from '../systems/card-pieces.ts'
import { version } from '../version.ts'
import type { TarEntry } from '../volumes/tar/entry.ts'
import { tarEnd, tarHeader, tarPadding } from '../volumes/tar/writer.ts'
import { hasModules } from '../wasm/modules.ts'
import { type InspectOptions, type InspectRequest, inspectTarget } from './inspect.ts'
import { defaultStateFolder } from './state-folder.ts'

export interface BundleRequest extends InspectRequest {
  /** A full path; where a file is there already, a number is put into the name. */
  to: string
  /** Whether the drive's serial number may be in it. */
  serials: boolean
}

const historyLines = 20
const mostNames = 100
const about = `This is a support bundle of Livecard: what it saw on one card, for people who help.

report.json       the report, as "livecard inspect --json" prints it
tables/           the first and last sectors of the card, which hold its partition tables
volumes/          where each filesystem describes itself: superblocks, boot sectors, volume descriptors
pieces.json       where on the card each of those files was read
drive.json        make and size of the drive
history.jsonl     the last jobs of Livecard on this computer
environment.json  versions

It holds no files of the card and no lists of them. The names and UUIDs of its partitions and filesystems are in it. The drive's serial
number is in it only where the user agreed. The path of the user's own folder is shown as "~".
`

export interface SavedBundle {
  path: string
  sizeBytes: number
  report: Report
}

/** Inspects a target and saves what helps others to understand it, as a .tar.gz. Answers where it lies, and the report. */
export async function saveBundle(request: BundleRequest, options: InspectOptions = {}): Promise<SavedBundle> {
  await checkPlace(request.to)
  const { report, pieces, drive } = await inspectTarget(request, { ...options, pieces: true })
  const files: [name: string, content: Uint8Array][] = [
    ['README.txt', text(about)],
    ['report.json', text(json(report))],
    ...pieces.map(({ name, bytes }): [string, Uint8Array] => [name, bytes]),
    ['pieces.json', text(json(pieces.map(pieceFacts)))],
    ...(drive ? [['drive.json', text(json(driveFacts(drive, request.serials)))] as [string, Uint8Array]] : []),
    ['history.jsonl', text(await recentJobs())],
    ['environment.json', text(json(environment()))],
  ]
  const packed = await promisify(gzip)(tarOf(files))
  return { path: await writeNew(request.to, packed), sizeBytes: packed.length, report }
}

function pieceFacts({ name, offset, bytes }: CardPiece) {
  return { name, offset, length: bytes.length }
}

function driveFacts({ identity, name, vendor, model, bus, removable, readOnly, virtual, sectorSize }: Drive, serials: boolean) {
  const facts = { name, vendor, model, bus, removable, readOnly, virtual, sectorSize, sizeBytes: identity.sizeBytes }
  return serials ? { ...facts, serial: identity.serial } : facts
}

function environment() {
  const { node, electron } = process.versions as { node: string; electron?: string }
  const system = `${systemName()} ${release()} ${process.arch}`
  return { livecard: version, system, node, electron: electron ?? null, toolsForExt: hasModules(), root: process.getuid?.() === 0 }
}

async function recentJobs(): Promise<string> {
  const lines = (await readFile(join(defaultStateFolder(), 'history.jsonl'), 'utf8').catch(() => '')).split('\n')
  const kept = lines.filter((line) => line !== '').slice(-historyLines)
  return withoutHome(kept.map((line) => `${line}\n`).join(''))
}

function json(value: unknown): string {
  return withoutHome(`${JSON.stringify(value, null, 2)}\n`)
}

/** A user's name stands in the path of his folder. */
function withoutHome(shown: string): string {
  const home = homedir()
  return home.length > 1 ? shown.replaceAll(home, '~') : shown
}

function text(shown: string): Uint8Array {
  return new TextEncoder().encode(shown)
}

function tarOf(files: readonly [name: string, content: Uint8Array][]): Uint8Array {
  const parts = files.flatMap(([name, content]) => {
    const entry = entryOf(name, content.length)
    return [tarHeader(entry), content, tarPadding(entry)]
  })
  return Buffer.concat([...parts, tarEnd()])
}

function entryOf(path: string, sizeBytes: number): TarEntry {
  const modified = { seconds: Math.floor(Date.now() / 1000), nanoseconds: 0 }
  const none = { accessed: null, changed: null, created: null, major: 0, minor: 0, target: '', extents: null, uid: 0, gid: 0 }
  return { ...none, kind: 'file', path: `livecard-support/${path}`, permissions: 0o644, sizeBytes, modified, xattrs: new Map() }
}

async function checkPlace(to: string): Promise<void> {
  if (!isAbsolute(to)) throw cannotSave('usage', 'bundle-path', `${to} is no full path`, null)
  if (isKernelsPlace(to)) throw cannotSave('usage', 'bundle-path', `${to} is no place for a file`, null)
  const folder = await stat(dirname(to)).catch(() => null)
  if (!folder?.isDirectory()) throw cannotSave('usage', 'folder-not-found', `there is no folder ${dirname(to)}`, null)
}

/** Never over a file that is there. */
async function writeNew(to: string, bytes: Uint8Array): Promise<string> {
  const [, stem = to, ending = ''] = /^(.*?)((?:\.tar)?\.gz|\.tgz)?$/s.exec(to) ?? []
  for (let number = 1; number <= mostNames; number += 1) {
    const path = number === 1 ? to : `${stem}-${number}${ending}`
    try {
      await writeFile(path, bytes, { flag: 'wx', mode: 0o600 })
      return path
    } catch (thrown) {
      if (systemCode(thrown) !== 'EEXIST')
        throw cannotSave('failed', 'bundle-unsaved', `${path} cannot be written (${systemCode(thrown)})`, thrown)
    }
  }
  throw cannotSave('failed', 'bundle-unsaved', `there are ${mostNames} files of that name already`, null)
}

function cannotSave(kind: 'usage' | 'failed', code: string, why: string, cause: unknown): LivecardError {
  return new LivecardError(
    kind,
    code,
    { message: `The support bundle is not saved: ${why}.`, meaning: 'Nothing was changed.', next: 'Choose another place.' },
    cause ?? undefined,
  )
}
