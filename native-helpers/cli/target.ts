import { stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { ImageRef, Target } from '../contract.ts'
import { isKernelsPlace } from '../drives/file-users.ts'
import { LivecardError, systemCode } from '../errors.ts'
import { usageError } from './args.ts'

const sectorBytes = 512

/** What a TARGET of the command line is: a drive by any of its names, a card image that exists, or one to be made. */
export async function resolveTarget(name: string, sizeBytes: number | null, image: ImageRef): Promise<Target> {
  const path = isWindowsDrive(name) ? name : resolve(name)
  const kind = await kindOf(path)
  if (kind === 'drive') {
    const { findDrive } = await import('../drives/find.ts')
    if (sizeBytes !== null) throw usageError('size-of-drive', `--size is for card images; ${name} is a drive.`, 'Leave --size out.')
    return { kind: 'drive', identity: (await findDrive(path)).identity }
  }
  if (kind === 'file') return { kind: 'file', path, sizeBytes }
  return { kind: 'file', path, sizeBytes: sizeBytes ?? (await sizeOfImage(image)) }
}

/** The same for comparing: it must be there, and is left as it is. */
export async function resolveExisting(name: string): Promise<Target> {
  const path = isWindowsDrive(name) ? name : resolve(name)
  const kind = await kindOf(path)
  if (kind === 'absent')
    throw usageError('target-not-found', `There is no ${name}.`, 'Check the name; "livecard drives --all" lists the drives.')
  if (kind === 'file') return { kind: 'file', path, sizeBytes: null }
  const { findDrive } = await import('../drives/find.ts')
  return { kind: 'drive', identity: (await findDrive(path)).identity }
}

async function kindOf(path: string): Promise<'drive' | 'file' | 'absent'> {
  if (isWindowsDrive(path)) return 'drive'
  try {
    const facts = await stat(path)
    if (facts.isFile()) return 'file'
    if (facts.isDirectory())
      throw usageError('target-is-folder', `${path} is a folder.`, 'Name a drive, or a file for a card image.')
    // Block devices, and whatever else has a name in /dev: the drives' own lookup says what it is.
    return 'drive'
  } catch (thrown) {
    const code = systemCode(thrown)
    if (code === 'EACCES') throw notAllowed(path)
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw thrown
  }
  // A slip in a drive's name must not fill the memory behind /dev with a file of that name.
  if (isKernelsPlace(path)) return 'drive'
  const folder = dirname(path)
  const inFolder = await stat(folder).catch(() => null)
  if (!inFolder?.isDirectory())
    throw usageError('folder-not-found', `There is no folder ${folder}.`, 'Make it first, or name another place.')
  return 'absent'
}

function notAllowed(path: string): LivecardError {
  return new LivecardError('privilege', 'target-not-readable', {
    message: `You may not look into the folder of ${path}.`,
    meaning: 'Nothing was written.',
    next: 'Choose a place of your own.',
  })
}

function isWindowsDrive(path: string): boolean {
  return process.platform === 'win32' && path.startsWith('\\\\.\\')
}

async function sizeOfImage(image: ImageRef): Promise<number> {
  const { probeImage } = await import('../imaging/probe.ts')
  const { contentBytes, name } = await probeImage(image)
  if (contentBytes !== null && contentBytes > 0) return Math.ceil(contentBytes / sectorBytes) * sectorBytes
  throw usageError(
    'size-needed',
    `How large the image in ${name} is shows only once it is unpacked.`,
    'Say how large the card image shall be: --size 8GB.',
  )
}
