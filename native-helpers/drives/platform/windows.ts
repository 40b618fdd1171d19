import { execFile } from 'node:child_process'
import { close, open } from 'node:fs'
import { stat } from 'node:fs/promises'
import { win32 } from 'node:path'
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

export const windows: Platform = { gather, locate, unmountAll, open: openDrive, reread: async () => {}, hints: everyTwoSeconds }

/**
 * drivelist finds the system's own disk by the folders of Windows on it. A volume with a letter is the user's, and is shown by that letter;
 * the letter of Windows itself is not, wherever drivelist saw it.
 */
async function gather(): Promise<DriveFacts[]> {
  return (await listed()).map((drive) => {
    const facts = factsFromListed(drive)
    const letters = facts.whole.mounts.map((mount) => mount.toUpperCase())
    return { ...facts, isSystem: facts.isSystem || letters.some((letter) => systemLetters().has(letter.slice(0, 2))), uses: [] }
  })
}

function systemLetters(): Set<string> {
  const folders = [process.env.SystemDrive, process.env.SystemRoot, process.env.ProgramData, process.env.USERPROFILE]
  return new Set(folders.filter((folder) => folder !== undefined).map((folder) => folder.toUpperCase().slice(0, 2)))
}

async function locate(path: string): Promise<Located> {
  const drives = await gather()
  const whole = drives.find((drive) => drive.path.toLowerCase() === path.toLowerCase())
  if (whole) return { is: 'drive', facts: whole }
  const letter = /^(?:\\\\[.?]\\)?([a-z]:)\\?$/i.exec(path)?.[1]?.toUpperCase()
  const holder = letter && drives.find((drive) => drive.whole.mounts.some((mount) => mount.toUpperCase().startsWith(letter)))
  if (holder) return { is: 'partition', whole: holder }
  if (/^\\\\[.?]\\/.test(path)) return { is: 'absent' }
  const facts = await stat(path).catch(() => null)
  if (facts === null) return { is: 'absent' }
  return { is: 'other', what: facts.isDirectory() ? 'a folder' : 'a file' }
}

/** `mountvol X: /p` takes the letter away and dismounts the volume, so that nothing of it is cached or written any more. */
async function unmountAll(facts: DriveFacts): Promise<void> {
  const mountvol = win32.join(process.env.SystemRoot ?? 'C:\\Windows', 'System32', 'mountvol.exe')
  for (const mount of facts.whole.mounts) {
    try {
      await run(mountvol, [mount, '/p'], { timeout: 60_000 })
    } catch (thrown) {
      throw driveMounted(driveName(facts), mount, [], thrown)
    }
  }
}

/** \\.\PhysicalDriveN; which drive it is, is told by listing once more while the descriptor is held, as the number stays taken meanwhile. */
async function openDrive(facts: DriveFacts, mode: OpenMode): Promise<OpenedDrive> {
  let fd: number
  try {
    fd = await openFile(facts.path, mode === 'write' ? 'r+' : 'r')
  } catch (thrown) {
    throw openError(thrown, driveName(facts))
  }
  try {
    const now = (await gather()).find((drive) => drive.path === facts.path)
    return {
      fd,
      direct: true,
      facts: { deviceNumber: null, attachment: null, serial: now?.serial ?? null, sizeBytes: now?.sizeBytes ?? 0 },
    }
  } catch (thrown) {
    await promisify(close)(fd)
    throw thrown
  }
}
