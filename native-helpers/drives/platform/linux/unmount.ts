import { execFile } from 'node:child_process'
import { readdir, readFile, readlink } from 'node:fs/promises'
import { promisify } from 'node:util'
import { privilegeRefused } from '../../../access/errors.ts'
import { unmountWithUdisks } from '../../../access/udisks.ts'
import type { LivecardError } from '../../../errors.ts'
import { driveBusy, driveMounted } from '../../errors.ts'
import type { DriveFacts, VolumeFacts } from '../../facts.ts'
import { driveName } from '../../name.ts'
import { mountOwner } from '../../system-paths.ts'
import { currentMounts } from './gather.ts'
import type { Mount } from './mounts.ts'
import { blockNodes } from './sysfs.ts'

const run = promisify(execFile)
const unmountWaitMs = 60_000
const maximumRounds = 8

/**
 * Unmounts what is mounted of the drive now, deepest first; a volume that is mounted in several places, from all of them. What this user may
 * not unmount stays: whoever opens the drive for him with privilege unmounts it then, or the exclusive open fails. What the computer mounted for itself
 * since the drive was looked at, and what another drive's volume lies over, is left alone.
 */
export async function unmountAll(facts: DriveFacts): Promise<void> {
  for (let round = 0; round < maximumRounds; round++) {
    const mounted = await mountsOfDrive(facts)
    if (mounted.length === 0) return
    refuseOthers(mounted, await currentMounts(), facts)
    for (const mount of mounted.toReversed()) if ((await unmount(mount, facts)) === 'not permitted') return
  }
}

function refuseOthers(mounted: Mount[], all: Mount[], facts: DriveFacts): void {
  for (const mount of mounted) {
    // umount(8) takes what lies on top, whatever that is.
    const top = all.findLast(({ at }) => at === mount.at)
    const isOurs = mounted.some(({ number, source, at }) => at === mount.at && number === top?.number && source === top.source)
    if (!isOurs || mountOwner(mount.at) !== 'user') throw driveMounted(driveName(facts), volumeWords(mount, facts), [])
  }
}

/** What to say of a drive that the kernel keeps for somebody else: its mounted volume and who uses it, or that it is busy. */
export async function busyError(facts: DriveFacts, cause: unknown): Promise<LivecardError> {
  const mount = (await mountsOfDrive(facts)).at(-1)
  if (!mount) return driveBusy(driveName(facts), cause)
  return driveMounted(driveName(facts), volumeWords(mount, facts), await usersOf(mount.at), cause)
}

async function mountsOfDrive(facts: DriveFacts): Promise<Mount[]> {
  const nodes = await blockNodes()
  const own = [...nodes.values()].filter((node) => node.number === facts.deviceNumber || node.parent === facts.deviceNumber)
  const numbers = new Set(own.map((node) => node.number))
  const paths = new Set(own.map((node) => node.path))
  return (await currentMounts()).filter(
    (mount) => numbers.has(mount.number) || (mount.number.startsWith('0:') && paths.has(mount.source)),
  )
}

/** Only root may call umount(8) for what somebody else mounted; a desktop's user asks UDisks2, which mounted it. */
async function unmount(mount: Mount, facts: DriveFacts): Promise<'done' | 'not permitted'> {
  const failure = process.getuid?.() === 0 ? await unmountAsRoot(mount.at) : await unmountAsUser(mount.source, driveName(facts))
  if (failure === null) return 'done'
  const still = (await currentMounts()).some((other) => other.at === mount.at && other.number === mount.number)
  if (!still) return 'done'
  if (failure === 'not permitted') return failure
  throw driveMounted(driveName(facts), volumeWords(mount, facts), await usersOf(mount.at), failure)
}

async function unmountAsRoot(at: string): Promise<unknown> {
  const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' }
  return run('umount', ['--', at], { env, timeout: unmountWaitMs }).then(
    () => null,
    (thrown: unknown) => thrown,
  )
}

async function unmountAsUser(devicePath: string, name: string): Promise<unknown> {
  const answer = await unmountWithUdisks(devicePath)
  if (answer.is === 'done') return null
  if (answer.is === 'dismissed') throw privilegeRefused(name)
  return answer.is === 'unavailable' || answer.is === 'unauthorized' ? 'not permitted' : answer
}

function volumeWords(mount: Mount, facts: DriveFacts): string {
  const volumes: Pick<VolumeFacts, 'label' | 'mounts'>[] = [...facts.volumes, facts.whole]
  const label = volumes.find((volume) => volume.mounts.includes(mount.at))?.label
  return label ? `"${label}" (mounted at ${mount.at})` : mount.at
}

/** Processes with a file open or their working folder there, as far as we may see them. */
export async function usersOf(folder: string): Promise<string[]> {
  const users: string[] = []
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    if (users.length === 3) return [...users, 'others']
    if (await uses(pid, folder)) {
      const name = (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')).trim()
      users.push(`${name} (process ${pid})`)
    }
  }
  return users
}

async function uses(pid: string, folder: string): Promise<boolean> {
  const open = await readdir(`/proc/${pid}/fd`).catch(() => [])
  for (const link of ['cwd', 'root', 'exe', ...open.map((fd) => `fd/${fd}`)]) {
    const target = await readlink(`/proc/${pid}/${link}`).catch(() => '')
    if (target === folder || target.startsWith(`${folder}/`)) return true
  }
  return false
}
