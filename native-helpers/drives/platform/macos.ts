import { execFile } from 'node:child_process'
import { close, constants, open } from 'node:fs'
import { realpath, stat } from 'node:fs/promises'
import { promisify } from 'node:util'
import { driveMounted } from '../errors.ts'
import type { DriveFacts } from '../facts.ts'
import { driveName } from '../name.ts'
import { listed } from './listed.ts'
import { everyTwoSeconds, factsFromListed } from './listed-facts.ts'
import { openError } from './open-error.ts'
import type { Located, OpenedDrive, OpenMode, Platform } from './types.ts'

const run = promisify(execFile)
const openFile = promisify(open)

export const macos: Platform = { gather, locate, unmountAll, open: openDrive, reread, hints: everyTwoSeconds }

/** drivelist folds the volumes of an APFS container into the disk that holds it. */
async function gather(): Promise<DriveFacts[]> {
  return (await listed()).map(factsFromListed)
}

/** /dev/rdisk4 is the unbuffered face of /dev/disk4, /dev/disk4s1 its first volume. */
async function locate(path: string): Promise<Located> {
  const real = await realpath(path).catch(() => null)
  if (real === null) return { is: 'absent' }
  const match = /^\/dev\/r?(disk\d+)(s\d+)*$/.exec(real)
  if (!match) {
    const facts = await stat(real)
    return { is: 'other', what: facts.isDirectory() ? 'a folder' : facts.isFile() ? 'a file' : 'something else' }
  }
  const whole = (await gather()).find((drive) => drive.path === `/dev/${match[1]}`)
  if (!whole) return { is: 'absent' }
  return match[2] === undefined ? { is: 'drive', facts: whole } : { is: 'partition', whole }
}

async function unmountAll(facts: DriveFacts): Promise<void> {
  try {
    await run('/usr/sbin/diskutil', ['unmountDisk', facts.path], { timeout: 60_000 })
  } catch (thrown) {
    throw driveMounted(driveName(facts), facts.whole.label ?? facts.path, [], thrown)
  }
}

/**
 * The raw device, as the buffered one is many times slower. O_EXLOCK makes the system refuse when anybody else has it open. Which drive it is,
 * is told by listing once more while it is held.
 */
async function openDrive(facts: DriveFacts, mode: OpenMode): Promise<OpenedDrive> {
  // O_EXLOCK and O_NONBLOCK of <sys/fcntl.h>; Node names neither of them on every platform.
  const exclusive = 0x20 | 0x4
  const flags = mode === 'write' ? constants.O_RDWR | exclusive : constants.O_RDONLY
  let fd: number
  try {
    fd = await openFile(facts.path.replace('/dev/disk', '/dev/rdisk'), flags)
  } catch (thrown) {
    throw openError(thrown, driveName(facts))
  }
  try {
    const now = (await gather()).find((drive) => drive.path === facts.path)
    const found = now ?? { deviceNumber: null, attachment: null, serial: null, sizeBytes: 0 }
    return {
      fd,
      direct: true,
      facts: { deviceNumber: found.deviceNumber, attachment: found.attachment, serial: found.serial, sizeBytes: found.sizeBytes },
    }
  } catch (thrown) {
    await promisify(close)(fd)
    throw thrown
  }
}

/** Mounts what the card holds now, so that the Finder shows it. */
async function reread(facts: DriveFacts): Promise<void> {
  await run('/usr/sbin/diskutil', ['mountDisk', facts.path], { timeout: 15_000 }).catch(() => {})
}
