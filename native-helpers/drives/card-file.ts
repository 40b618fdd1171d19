import { type BigIntStats, close, constants, fstat, ftruncate, open, read } from 'node:fs'
import { lstat, unlink } from 'node:fs/promises'
import { basename } from 'node:path'
import { promisify } from 'node:util'
import { alignedBuffer } from '../block/aligned.ts'
import type { StreamDevice } from '../block/device.ts'
import { fdDevice } from '../block/fd-device.ts'
import { LivecardError, systemCode } from '../errors.ts'
import { diskMadeOf } from './file-users.ts'

const openFile = promisify(open)
const closeFile = promisify(close)
const truncateFile = promisify(ftruncate)
const statFile = (fd: number) =>
  new Promise<BigIntStats>((resolve, reject) =>
    fstat(fd, { bigint: true }, (error, found) => (error ? reject(error) : resolve(found))),
  )
const readFile = promisify(read)

const sectorBytes = 512

/**
 * An empty card as a file: sparse, so that it takes only what is written to it. Nothing that exists is ever replaced, and a link is not followed.
 */
export async function createCardFile(path: string, sizeBytes: number): Promise<void> {
  if (sizeBytes <= 0 || sizeBytes % sectorBytes !== 0) throw oddSize(path, sizeBytes)
  let fd: number
  try {
    fd = await openFile(path, constants.O_CREAT | constants.O_EXCL | constants.O_RDWR, 0o666)
  } catch (thrown) {
    if (systemCode(thrown) === 'EEXIST') throw await occupied(path)
    throw named(thrown, path)
  }
  try {
    await truncateFile(fd, sizeBytes)
  } catch (thrown) {
    await unlink(path).catch(() => {})
    throw named(thrown, path)
  } finally {
    await closeFile(fd)
  }
}

/** The files that this process writes now, by device and inode: two jobs at once would leave a mixture. */
const beingWritten = new Set<string>()

/**
 * A card image as a device. There is no lock on the file, as none exists that other programs would heed: a virtual machine that has it open
 * at the same time sees it change.
 */
export async function openCardFile(path: string, options: { write: boolean }): Promise<StreamDevice> {
  const { fd, direct, sizeBytes, key } = await openRegular(path, options.write)
  const device = fdDevice({ handle: fd, direct, sizeBytes, sectorSize: sectorBytes, label: basename(path) })
  if (!options.write) return device
  if (beingWritten.has(key)) {
    await device.close()
    throw fileInUse(path, 'another job of Livecard writes it')
  }
  beingWritten.add(key)
  const close = () => device.close().finally(() => beingWritten.delete(key))
  return { ...device, close }
}

interface OpenedFile {
  fd: number
  direct: boolean
  sizeBytes: number
  key: string
}

async function openRegular(path: string, write: boolean): Promise<OpenedFile> {
  // Without O_NONBLOCK, opening a named pipe would wait for its other end for ever.
  const plain = (write ? constants.O_RDWR : constants.O_RDONLY) | (constants.O_NONBLOCK ?? 0)
  const fd = await openFile(path, plain).catch((thrown) => Promise.reject(named(thrown, path)))
  try {
    const stat = await statFile(fd)
    if (!stat.isFile()) throw notRegular(path)
    const disk = write ? await diskMadeOf(stat) : null
    if (disk !== null) throw fileInUse(path, `it is in use as the disk ${disk}`)
    const sizeBytes = Number(stat.size)
    const key = `${stat.dev}:${stat.ino}`
    const directFd = sizeBytes % sectorBytes === 0 && sizeBytes > 0 ? await openDirect(path, plain, stat.dev, stat.ino) : null
    if (directFd === null) return { fd, direct: false, sizeBytes, key }
    await closeFile(fd)
    return { fd: directFd, direct: true, sizeBytes, key }
  } catch (thrown) {
    await closeFile(fd)
    throw thrown
  }
}

/** Past the page cache, where the filesystem can and is content with sectors of 512 bytes; null where not (tmpfs, disks with larger sectors). */
async function openDirect(path: string, flags: number, dev: bigint, ino: bigint): Promise<number | null> {
  if (!constants.O_DIRECT) return null
  const fd = await openFile(path, flags | constants.O_DIRECT).catch(() => null)
  if (fd === null) return null
  try {
    const stat = await statFile(fd)
    if (stat.dev === dev && stat.ino === ino) {
      await readFile(fd, alignedBuffer(sectorBytes), 0, sectorBytes, 0)
      return fd
    }
  } catch {
    // A filesystem that takes the flag and refuses the transfer.
  }
  await closeFile(fd)
  return null
}

async function occupied(path: string): Promise<LivecardError> {
  const stat = await lstat(path).catch(() => null)
  if (stat && !stat.isFile()) return notRegular(path)
  return new LivecardError('refused', 'file-exists', {
    message: `There is a file ${path} already.`,
    meaning: 'It was left as it is.',
    next: 'Choose another name; or write to it as it is, without giving a size.',
  })
}

export function fileInUse(path: string, how: string): LivecardError {
  return new LivecardError('refused', 'file-in-use', {
    message: `${path} is not written: ${how}.`,
    meaning: 'Nothing was written.',
    next: 'End what uses it (a disk made of a file: losetup --detach), or choose another file.',
  })
}

function notRegular(path: string): LivecardError {
  return new LivecardError('usage', 'not-a-file', {
    message: `${path} is not a file that could hold a card.`,
    meaning: 'Nothing was written.',
    next: 'Name a file, or a drive as the list of drives shows it.',
  })
}

function oddSize(path: string, sizeBytes: number): LivecardError {
  return new LivecardError('usage', 'card-size', {
    message: `A card of ${sizeBytes} bytes cannot be made (${path}).`,
    meaning: 'Nothing was created.',
    next: `Give a size above zero that is a multiple of ${sectorBytes} bytes, such as 8GB.`,
  })
}

/** The errors of the file system that people meet, in words; the others as they are. */
function named(thrown: unknown, path: string): unknown {
  const code = systemCode(thrown)
  const make = (kind: 'failed' | 'usage' | 'privilege', name: string, message: string, next: string) =>
    new LivecardError(kind, name, { message, meaning: 'The card image is not complete.', next }, thrown)
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return make(
      'failed',
      'disk-full',
      `There is no room left where ${path} lies.`,
      'Make room, or choose another folder, and write it again.',
    )
  }
  if (code === 'EFBIG')
    return make(
      'usage',
      'file-too-large',
      `The filesystem of ${path} cannot hold a file that large.`,
      'Choose a smaller size or another folder.',
    )
  if (code === 'ENOENT' || code === 'ENOTDIR')
    return make('usage', 'file-not-found', `There is no ${path}.`, 'Look for a typing error in the name.')
  if (code === 'EISDIR') return notRegular(path)
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return make('privilege', 'file-not-writable', `You may not write ${path}.`, 'Choose a folder of your own.')
  }
  return thrown
}
