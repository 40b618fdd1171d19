import { close, constants, fstat, open } from 'node:fs'
import { promisify } from 'node:util'
import { type DriveRequest, openWithPrivilege } from '../../../access/open-drive.ts'
import { systemCode } from '../../../errors.ts'
import { driveBusy, driveGone, driveReadOnly } from '../../errors.ts'
import type { DriveFacts } from '../../facts.ts'
import { driveName } from '../../name.ts'
import type { OpenedDrive, OpenedFacts, OpenMode } from '../types.ts'
import { describe } from './describe.ts'
import { deviceNumber } from './numbers.ts'
import { nodeOfNumber } from './sysfs.ts'

const openFile = promisify(open)
const closeFile = promisify(close)

/** On a block device O_EXCL claims it: it fails while it, or a partition of it, is mounted, swapped on or held (bd_claim in block/bdev.c). */
const flagsOf: Record<OpenMode, number> = {
  write: constants.O_RDWR | constants.O_EXCL | constants.O_DIRECT,
  read: constants.O_RDONLY | constants.O_DIRECT,
}

/** Opens it as whoever we are, or asks UDisks2 and then pkexec for the descriptor. Node sets O_CLOEXEC on its own. */
export async function openDrive(facts: DriveFacts, mode: OpenMode): Promise<OpenedDrive> {
  const fd = await descriptor(facts, mode)
  try {
    return { fd, direct: true, facts: await openedFacts(fd) }
  } catch (thrown) {
    await closeFile(fd)
    throw thrown
  }
}

async function descriptor(facts: DriveFacts, mode: OpenMode): Promise<number> {
  try {
    return await openFile(facts.path, flagsOf[mode])
  } catch (thrown) {
    switch (systemCode(thrown)) {
      case 'EACCES':
      case 'EPERM':
        return openWithPrivilege(requestFor(facts, mode))
      case 'EBUSY':
        throw driveBusy(driveName(facts), thrown)
      case 'EROFS':
        throw driveReadOnly(driveName(facts), thrown)
      case 'ENOENT':
      case 'ENXIO':
      case 'ENODEV':
      case 'ENOMEDIUM':
        throw driveGone(driveName(facts), thrown)
      default:
        throw thrown
    }
  }
}

function requestFor(facts: DriveFacts, mode: OpenMode): DriveRequest {
  return { path: facts.path, deviceNumber: facts.deviceNumber ?? '', sizeBytes: facts.sizeBytes, mode, name: driveName(facts) }
}

/** What stands behind the descriptor, whatever its name was. BLKGETSIZE64 needs native code; the kernel shows the same number in sysfs. */
async function openedFacts(fd: number): Promise<OpenedFacts> {
  const stat = await new Promise<{ rdev: bigint; isBlockDevice(): boolean }>((resolve, reject) =>
    fstat(fd, { bigint: true }, (error, found) => (error ? reject(error) : resolve(found))),
  )
  if (!stat.isBlockDevice()) return { deviceNumber: null, attachment: null, serial: null, sizeBytes: 0 }
  const number = deviceNumber(stat.rdev)
  const node = await nodeOfNumber(number)
  if (node === null) return { deviceNumber: number, attachment: null, serial: null, sizeBytes: 0 }
  return { deviceNumber: number, attachment: node.sequence, serial: (await describe(node)).serial, sizeBytes: node.sizeBytes }
}
