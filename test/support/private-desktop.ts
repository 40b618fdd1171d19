/**
 * Runs inside namespaces of its own (mounts, network, processes), as their first process: gives them a /run, users and polkit rules of their own,
 * starts the services of a desktop that the plan asks for, and then the plan's programs as an ordinary user. When it ends, the kernel ends
 * everything in it. Nothing outside is touched but the block devices that the plan names.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

export interface Plan {
  services: { bus: boolean; udisks: boolean }
  /** polkit rules in JavaScript; null: those of a fresh polkit. */
  rules: string | null
  /** Our own policy, with the opener's path of this checkout. */
  policy: boolean
  /** Kernel names of devices that UDisks2 has to know before the programs run. */
  devices: string[]
  /** Shell commands of root in the namespaces, before each program. */
  steps: { before: string; words: string[] }[]
}

const uid = 54321
const ours = '/run/livecard'
const realTop = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '')

const sh = (command: string) => execFileSync('sh', ['-ec', command], { stdio: ['ignore', 'ignore', 'inherit'] })

/** What other tests have mounted at the moment came along as a copy, and would keep their drives in use here after they let them go. */
function leaveOthersMounts(): void {
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').split('\n').reverse()
  for (const line of lines) {
    const [place, source] = [line.split(' ')[4], line.split(' - ')[1]?.split(' ')[1]]
    if (place && source && /^\/dev\/(loop|zram)/.test(source)) spawnSync('umount', ['--lazy', place], { stdio: 'ignore' })
  }
}

function layOut(plan: Plan): void {
  leaveOthersMounts()
  sh('mount -t tmpfs -o mode=755 tmpfs /run')
  for (const folder of ['top', 'home', 'dbus', 'udev'])
    mkdirSync(join(folder === 'dbus' || folder === 'udev' ? '/run' : ours, folder), { recursive: true })
  // The checkout may lie where an ordinary user cannot go.
  sh(`mount --bind '${realTop}' ${ours}/top`)
  for (const [file, line] of [
    ['passwd', `tester:x:${uid}:${uid}::${ours}/home:/bin/sh\n`],
    ['group', `tester:x:${uid}:\n`],
  ] as const) {
    writeFileSync(`${ours}/${file}`, readFileSync(`/etc/${file}`, 'utf8') + line)
    sh(`mount --bind ${ours}/${file} /etc/${file}`)
  }
  sh('mount -t tmpfs -o mode=755 tmpfs /media')
  if (!existsSync('/etc/polkit-1/rules.d')) return
  sh('mount -t tmpfs -o mode=755 tmpfs /etc/polkit-1/rules.d')
  if (plan.rules !== null) writeFileSync('/etc/polkit-1/rules.d/10-test.rules', plan.rules)
  if (!plan.policy) return
  cpSync('/usr/share/polkit-1/actions', `${ours}/actions`, { recursive: true })
  const policy = readFileSync(`${ours}/top/build/polkit/org.livecard.open-drive.policy`, 'utf8')
  const opener = `${ours}/top/node_modules/.cache/livecard/access/open-drive`
  writeFileSync(`${ours}/actions/org.livecard.open-drive.policy`, policy.replace('/usr/lib/livecard/open-drive', opener))
  sh(`mount --bind ${ours}/actions /usr/share/polkit-1/actions`)
}

function service(command: string, words: string[]): void {
  spawn(command, words, { stdio: ['ignore', 'ignore', process.env.LIVECARD_TEST_VERBOSE ? 'inherit' : 'ignore'] })
}

async function until(what: string, test: () => boolean): Promise<void> {
  for (let tries = 0; tries < 150; tries++) {
    if (test()) return
    await sleep(100)
  }
  throw new Error(`${what} did not come up within 15 s`)
}

const answers = (words: string[]) =>
  spawnSync('dbus-send', ['--system', '--print-reply', '--reply-timeout=2000', ...words], { stdio: 'ignore' }).status === 0

async function startServices(plan: Plan): Promise<void> {
  if (!plan.services.bus) return
  service('dbus-daemon', ['--system', '--nofork', '--nopidfile'])
  await until('the system bus', () => existsSync('/run/dbus/system_bus_socket'))
  service('/usr/lib/polkit-1/polkitd', ['--no-debug'])
  const polkit = '--dest=org.freedesktop.PolicyKit1'
  await until('polkit', () => answers([polkit, '/org/freedesktop/PolicyKit1/Authority', 'org.freedesktop.DBus.Peer.Ping']))
  if (!plan.services.udisks) return
  service('/lib/systemd/systemd-udevd', [])
  await until('udev', () => existsSync('/run/udev/control'))
  sh('udevadm trigger --subsystem-match=block; udevadm settle --timeout=10')
  service('/usr/libexec/udisks2/udisksd', [])
  for (const device of plan.devices) {
    const path = `/org/freedesktop/UDisks2/block_devices/${device}`
    const property = ['org.freedesktop.DBus.Properties.Get', 'string:org.freedesktop.UDisks2.Block', 'string:Size']
    await until(`UDisks2 with ${device}`, () => answers(['--dest=org.freedesktop.UDisks2', path, ...property]))
  }
}

function runAsUser(words: string[]): unknown {
  const node = process.execPath.startsWith(realTop) ? join(ours, 'top', process.execPath.slice(realTop.length)) : process.execPath
  const identity = [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', '--reset-env']
  const done = spawnSync(
    'setpriv',
    [...identity, node, '--disable-warning=ExperimentalWarning', `${ours}/top/test/support/open-as-user.ts`, ...words],
    {
      encoding: 'utf8',
      timeout: 60_000,
    },
  )
  if (done.status !== 0) return { crashed: done.stderr || String(done.error ?? done.signal) }
  return JSON.parse(done.stdout)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const plan = JSON.parse(process.argv[2] ?? '') as Plan
  layOut(plan)
  await startServices(plan)
  const outcomes = plan.steps.map(({ before, words }) => {
    if (before) sh(before)
    return runAsUser(words)
  })
  process.stdout.write(`${JSON.stringify(outcomes)}\n`)
  process.exit(0)
}
