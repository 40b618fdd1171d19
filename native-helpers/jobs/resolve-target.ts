import { type BigIntStats, statfs } from 'node:fs'
import { realpath, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { promisify } from 'node:util'
import type { Drive, FlashOptions, ImageFacts, PlanTarget, Target } from '../contract.ts'
import { fileInUse } from '../drives/card-file.ts'
import { diskMadeOf, isKernelsPlace } from '../drives/file-users.ts'
import { sightDrive } from '../drives/find.ts'
import type { Sighting } from '../drives/identity.ts'
import { decimalSize } from '../drives/name.ts'
import { isUrl } from '../imaging/http-request.ts'
import { changedSince, driveRefused, fileTarget, imageOnTarget, imageTooLarge } from './plan-errors.ts'
import { cardImageLoss, volumeLoss } from './plan-sentences.ts'
import { chosenMap } from './write-maps.ts'

/** A target that was looked at: what it is, and what will be gone. `key` is the same for the same thing under another name. */
export interface ResolvedTarget {
  key: string
  plan: PlanTarget
  /** Of a drive: what it is compared with before it is written. */
  sighting?: Sighting
}

/** Throws when the target must not, or cannot, take this image. Changes nothing. */
export async function resolveForWriting(target: Target, image: ImageFacts, options: FlashOptions): Promise<ResolvedTarget> {
  const resolved = target.kind === 'drive' ? await resolveDrive(target, image, options) : await resolveFile(target, image, options)
  const { label, sizeBytes } = resolved.plan
  if (image.contentBytes !== null && image.contentBytes > sizeBytes) throw imageTooLarge(image, label, sizeBytes)
  // Unpacked it has its last partition at least, whatever its format tells of its length.
  if (image.known && image.known.endBytes > sizeBytes) {
    throw imageTooLarge({ ...image, contentBytes: image.known.endBytes }, label, sizeBytes)
  }
  return resolved
}

async function resolveDrive(target: Target & { kind: 'drive' }, image: ImageFacts, options: FlashOptions): Promise<ResolvedTarget> {
  const { drive, sighting } = await sightDrive(target.identity.path)
  const { path } = drive.identity
  const refusals = drive.refusals.filter(({ code }) => !(code === 'virtual' && options.allowVirtual))
  if (refusals.length > 0) throw driveRefused(path, drive.name, refusals)
  if (drive.identity.serial !== target.identity.serial || drive.identity.sizeBytes !== target.identity.sizeBytes) {
    throw changedSince(target.identity, drive.identity)
  }
  const mounts = mountsOf(drive)
  if (await liesOn(image, mounts)) throw imageOnTarget(image, drive.name)
  const volumes = [...drive.partitions, { ...drive.whole, sizeBytes: drive.identity.sizeBytes }]
  return {
    key: path,
    sighting,
    plan: {
      target: { kind: 'drive', identity: drive.identity },
      label: drive.name,
      sizeBytes: drive.identity.sizeBytes,
      loses: volumes.filter(({ label, fs }) => label !== null || fs !== null).map(volumeLoss),
      unmounts: mounts,
    },
  }
}

function mountsOf(drive: Drive): string[] {
  return [...new Set([...drive.whole.mounts, ...drive.partitions.flatMap(({ mounts }) => mounts)])]
}

/** A file and its volume's mount point have the same device number. */
async function liesOn(image: ImageFacts, mounts: readonly string[]): Promise<boolean> {
  if (isUrl(image.ref.location) || mounts.length === 0) return false
  const file = await statOrNull(image.ref.location)
  if (!file) return false
  const devices = await Promise.all(mounts.map(async (mount) => (await statOrNull(mount))?.dev))
  return devices.includes(file.dev)
}

async function resolveFile(target: Target & { kind: 'file' }, image: ImageFacts, options: FlashOptions): Promise<ResolvedTarget> {
  const path = resolve(target.path)
  const real = await realpath(path).catch(async () =>
    resolve(await realpath(dirname(path)).catch(() => dirname(path)), fileLabel(path)),
  )
  if (isKernelsPlace(real))
    throw fileTarget('not-a-file', `${path} is no place for a file.`, 'Name a drive as the list shows it, or a file in a folder.')
  const found = await statOrNull(path)
  if (found) return resolveExisting(path, found, target.sizeBytes, image, options)
  const sizeBytes = target.sizeBytes
  if (sizeBytes === null) {
    throw fileTarget(
      'size-needed',
      `There is no file ${path}, and no size for a new one was given.`,
      'Say how large it shall be: 8GB.',
    )
  }
  const folder = dirname(path)
  const parent = await statOrNull(folder)
  if (!parent?.isDirectory()) {
    throw fileTarget('folder-not-found', `There is no folder ${folder}.`, 'Make it first, or name another place.')
  }
  await checkRoom(folder, path, image.contentBytes ?? 0, image, options)
  const plan = { target: { kind: 'file' as const, path, sizeBytes }, label: fileLabel(path), sizeBytes, loses: [], unmounts: [] }
  return { key: real, plan }
}

async function resolveExisting(
  path: string,
  found: BigIntStats,
  sizeBytes: number | null,
  image: ImageFacts,
  options: FlashOptions,
): Promise<ResolvedTarget> {
  if (!found.isFile()) throw fileTarget('not-a-file', `${path} is not a file.`, 'Name a file for the card image, or a drive.')
  const foundBytes = Number(found.size)
  if (sizeBytes !== null && sizeBytes !== foundBytes) {
    const next = 'Write into it as it is by giving no size, choose another name, or delete it first.'
    throw fileTarget('file-exists', `There is a file ${path} already, of ${foundBytes} bytes.`, next, 'refused')
  }
  const source = isUrl(image.ref.location) ? null : await statOrNull(image.ref.location)
  if (source && source.dev === found.dev && source.ino === found.ino) throw imageOnTarget(image, path)
  const disk = await diskMadeOf(found)
  if (disk !== null) throw fileInUse(path, `it is in use as the disk ${disk}`)
  const allocatedBytes = Math.min(foundBytes, Number(found.blocks) * 512)
  await checkRoom(dirname(path), path, Math.max(0, (image.contentBytes ?? 0) - allocatedBytes), image, options)
  return {
    // Two names may be one file, by a link of either kind.
    key: `${found.dev}:${found.ino}`,
    plan: {
      target: { kind: 'file', path, sizeBytes: null },
      label: fileLabel(path),
      sizeBytes: foundBytes,
      loses: [cardImageLoss(fileLabel(path), foundBytes)],
      unmounts: [],
    },
  }
}

/** A map may leave out so much that it fits; that shows only while writing. */
async function checkRoom(
  folder: string,
  path: string,
  neededBytes: number,
  image: ImageFacts,
  options: FlashOptions,
): Promise<void> {
  if (chosenMap(image, options).kind !== 'none') return
  const { bavail, bsize } = await promisify(statfs)(folder)
  const freeBytes = bavail * bsize
  if (neededBytes <= freeBytes) return
  throw fileTarget(
    'no-room',
    `${path} would need ${decimalSize(neededBytes)}, and there are ${decimalSize(freeBytes)} left in its folder.`,
    'Make room, or choose another folder.',
    'refused',
  )
}

export async function statOrNull(path: string): Promise<BigIntStats | null> {
  return stat(path, { bigint: true }).catch(() => null)
}

function fileLabel(path: string): string {
  return path.slice(dirname(path).length).replace(/^[/\\]+/, '')
}
