import { execFile } from 'node:child_process'
import { readdir, readFile, readlink } from 'node:fs/promises'
import { promisify } from 'node:util'
import { unmountWithUdisks } from '../../../access/udisks.ts'
import { driveMounted } from '../../errors.ts'
import type { DriveFacts, VolumeFacts } from '../../facts.ts'
import { driveName } from '../../name.ts'
import { currentMounts } from './gather.ts'
import type { Mount } from './mounts.ts'
import { blockNodes } from './sysfs.ts'

const run = promisify(execFile)
const unmountWaitMs = 60_000
const maximumRounds = 8

/** Unmounts what is mounted of the drive now, deepest first; a volume that is mounted in several places, from all of them. */
export async function unmountAll(facts: DriveFacts): Promise<void> {
  for (let round = 0; round < maximumRounds; round++) {
    const mounted = await mountsOfDrive(facts)
    if (mounted.length === 0) return
    for (const mount of mounted.toReversed()) await unmount(mount, facts)
  }
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
async function unmount(mount: Mount, facts: DriveFacts): Promise<void> {
  const cause = process.getuid?.() === 0 ? await unmountAsRoot(mount.at) : await unmountAsUser(mount.source)
  if (cause === null) return
  const still = (await currentMounts()).some((other) => other.at === mount.at && other.number === mount.number)
  if (still) throw driveMounted(driveName(facts), volumeWords(mount, facts), await usersOf(mount.at), cause)
}

async function unmountAsRoot(at: string): Promise<unknown> {
  const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' }
  return run('umount', ['--', at], { env, timeout: unmountWaitMs }).then(
    () => null,
    (thrown: unknown) => thrown,
  )
}

async function unmountAsUser(devicePath: string): Promise<unknown> {
  const answer = await unmountWithUdisks(devicePath)
  return answer.is === 'done' ? null : answer
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
