import { close, constants, fstat, open } from 'node:fs'
import { promisify } from 'node:util'
import { openWithPrivilege } from '../../../access/open-drive.ts'
import { type LivecardError, systemCode } from '../../../errors.ts'
import { driveChanged, driveGone, driveMounted, driveReadOnly, driveRefused } from '../../errors.ts'
import type { DriveFacts } from '../../facts.ts'
import { driveName } from '../../name.ts'
import { openError } from '../open-error.ts'
import type { OpenedDrive, OpenedFacts, OpenMode } from '../types.ts'
import { describe } from './describe.ts'
import { deviceNumber } from './numbers.ts'
import { nodeOfNumber } from './sysfs.ts'
import { busyError } from './unmount.ts'

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
        if (process.getuid?.() === 0) throw openError(thrown, driveName(facts))
        return privileged(facts, mode, thrown)
      case 'EBUSY':
        throw await busyError(facts, thrown)
      default:
        throw openError(thrown, driveName(facts))
    }
  }
}

async function privileged(facts: DriveFacts, mode: OpenMode, denied: unknown): Promise<number> {
  const name = driveName(facts)
  const answer = await openWithPrivilege({
    path: facts.path,
    deviceNumber: facts.deviceNumber ?? '',
    sizeBytes: facts.sizeBytes,
    mode,
    virtual: facts.kind === 'virtual',
    name,
  })
  if (answer.is === 'opened') return answer.fd
  if (answer.is === 'denied') throw answer.error
  throw await answerError(answer, facts, denied)
}

/** The codes that access/broker.c gives. */
async function answerError(answer: { code: string; text: string }, facts: DriveFacts, denied: unknown): Promise<LivecardError> {
  const name = driveName(facts)
  const cause = new Error(answer.text, { cause: denied })
  switch (answer.code) {
    case 'busy':
      return busyError(facts, cause)
    case 'mounted':
      return driveMounted(name, answer.text, [], cause)
    case 'read-only':
      return driveReadOnly(name, cause)
    case 'changed':
      return driveChanged({ path: facts.path, serial: facts.serial, sizeBytes: facts.sizeBytes }, answer.text)
    case 'refused':
      return driveRefused(facts.path, name, [
        { code: 'unknown', reason: `The program that would open it refuses: ${answer.text}.` },
      ])
    default:
      return driveGone(name, cause)
  }
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
