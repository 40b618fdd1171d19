import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { buildAccess } from '../../build/access.ts'
import { isRootsOwn } from '../../native-helpers/access/programs.ts'
import type { ErrorValue } from '../../native-helpers/contract.ts'
import { exitCodes } from '../../native-helpers/errors.ts'
import { cannotLoop, withLoop } from '../support/devices.ts'
import type { Plan } from '../support/private-desktop.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'

const mebibyte = 1024 * 1024

/** An ordinary user, with the services of a desktop in namespaces of their own. */
function cannotAskAsUser(): string | null {
  const daemons = ['/usr/libexec/udisks2/udisksd', '/usr/lib/polkit-1/polkitd', '/lib/systemd/systemd-udevd'].filter(
    (file) => !existsSync(file),
  )
  if (daemons.length > 0) return `not installed: ${daemons.join(', ')}`
  return cannotLoop() ?? missingTools('pkexec', 'dbus-daemon', 'dbus-send', 'udevadm', 'setpriv', 'unshare', 'cc')
}

const skip = cannotAskAsUser() ?? false

interface Outcome {
  uid: number
  value?: Record<string, unknown>
  error?: ErrorValue
}

function onPrivateDesktop(plan: Plan): Outcome[] {
  const script = fileURLToPath(new URL('../support/private-desktop.ts', import.meta.url))
  const namespaces = ['--mount', '--net', '--pid', '--fork', '--kill-child', '--mount-proc', '--propagation', 'private']
  const words = [...namespaces, process.execPath, '--disable-warning=ExperimentalWarning', script, JSON.stringify(plan)]
  const printed = execFileSync('unshare', words, { encoding: 'utf8', timeout: 120_000, stdio: ['ignore', 'pipe', 'pipe'] })
  return JSON.parse(printed) as Outcome[]
}

const rule = (condition: string) => `polkit.addRule(function (action, subject) {
  if (subject.user == "tester" && ${condition}) return polkit.Result.YES;
});`
const yesToUdisks = rule('action.id.indexOf("org.freedesktop.udisks2.") == 0')
const yesToBroker = rule('action.id == "org.livecard.open-drive"')

const nameOf = (path: string) => path.replace('/dev/', '')
const plan = (changes: Partial<Plan>): Plan => ({
  services: { bus: true, udisks: false },
  rules: null,
  policy: false,
  devices: [],
  steps: [],
  ...changes,
})

function byteAt(file: string, offset: number): number {
  const fd = openSync(file, 'r')
  const byte = new Uint8Array(1)
  readSync(fd, byte, 0, 1, offset)
  closeSync(fd)
  return byte[0] ?? -1
}

before(async () => {
  if (!skip) await buildAccess()
})

test('an ordinary user writes a drive that UDisks2 opens for him', { skip }, (t) => {
  const { path, backing } = withLoop(t, { sizeBytes: 16 * mebibyte })
  const steps = ['write', 'read'].map((verb) => ({ before: '', words: [verb, path] }))
  const [wrote, read] = onPrivateDesktop(
    plan({ services: { bus: true, udisks: true }, rules: yesToUdisks, devices: [nameOf(path)], steps }),
  )
  assert.ok(wrote?.uid !== 0)
  assert.equal(wrote?.error, undefined)
  assert.deepEqual([wrote?.value?.sizeBytes, wrote?.value?.direct], [16 * mebibyte, true])
  assert.deepEqual([byteAt(backing, 8191), byteAt(backing, 8192), byteAt(backing, 12288)], [0, 0xa5, 0])
  assert.equal(read?.value?.byte, 0xa5)
})

test('a volume that his desktop mounted is unmounted through UDisks2', { skip }, (t) => {
  const { path, backing } = withLoop(t, { sizeBytes: 16 * mebibyte })
  tool('mkfs.ext4', ['-q', '-L', 'STICK', path])
  const mount = `setpriv --reuid=54321 --regid=54321 --clear-groups udisksctl mount --block-device ${path} --no-user-interaction; grep -q ^${path} /proc/mounts`
  const [wrote] = onPrivateDesktop(
    plan({
      services: { bus: true, udisks: true },
      rules: yesToUdisks,
      devices: [nameOf(path)],
      steps: [{ before: mount, words: ['write', path] }],
    }),
  )
  assert.equal(wrote?.error, undefined)
  assert.equal(byteAt(backing, 8192), 0xa5)
})

test('without permission, and nobody to ask for a password, it says so and ends with 5', { skip }, (t) => {
  const { path, backing } = withLoop(t, { sizeBytes: 16 * mebibyte })
  const [outcome] = onPrivateDesktop(
    plan({ services: { bus: true, udisks: true }, devices: [nameOf(path)], steps: [{ before: '', words: ['write', path] }] }),
  )
  assert.equal(outcome?.error?.code, 'privilege-no-agent')
  assert.equal(exitCodes[outcome?.error?.kind ?? 'failed'], 5)
  assert.match(outcome?.error?.message ?? '', /UDisks2 says that you are not authorized/)
  assert.match(outcome?.error?.next ?? '', /terminal|root/)
  assert.equal(byteAt(backing, 8192), 0)
})

test('without any service it says what to do, and ends with 5', { skip }, (t) => {
  const { path } = withLoop(t, { sizeBytes: 16 * mebibyte })
  const [outcome] = onPrivateDesktop(
    plan({ services: { bus: false, udisks: false }, steps: [{ before: '', words: ['write', path] }] }),
  )
  assert.deepEqual([outcome?.error?.code, outcome?.error?.kind], ['privilege-needed', 'privilege'])
  assert.match(outcome?.error?.next ?? '', /sudo.*group "disk"/)
})

test('pkexec lets our broker open the drive, after it unmounted what was mounted', { skip }, (t) => {
  const { path, backing } = withLoop(t, { sizeBytes: 16 * mebibyte })
  tool('mkfs.ext4', ['-q', path])
  const mount = `mkdir -p /media/tester; mount ${path} /media/tester`
  const [wrote] = onPrivateDesktop(plan({ rules: yesToBroker, policy: true, steps: [{ before: mount, words: ['write', path] }] }))
  assert.equal(wrote?.error, undefined)
  assert.ok(wrote?.uid !== 0)
  assert.equal(byteAt(backing, 8192), 0xa5)
})

test('pkexec is given only what nobody but root could have changed', { skip }, (t) => {
  const folder = testFolder(t)
  const program = join(folder, 'open-drive')
  writeFileSync(program, '', { mode: 0o755 })
  assert.ok(isRootsOwn(program))
  chmodSync(program, 0o775)
  assert.ok(!isRootsOwn(program), 'others may write it')
  chmodSync(program, 0o755)
  chownSync(program, 1000, 0)
  assert.ok(!isRootsOwn(program), 'somebody else owns it')
  chownSync(program, 0, 0)
  chownSync(folder, 1000, 0)
  assert.ok(!isRootsOwn(program), 'somebody else owns its folder')
})

test('the broker believes nothing that it is told', { skip }, (t) => {
  const { path, backing } = withLoop(t, { sizeBytes: 16 * mebibyte })
  t.after(() => rmSync('/dev/shm/livecard-link', { force: true }))
  const locked = withLoop(t, { sizeBytes: 16 * mebibyte, readOnly: true })
  const number = (name: string) => readFileSync(`/sys/class/block/${name}/dev`, 'utf8').trim()
  const request = (changes: object = {}) =>
    JSON.stringify({
      deviceNumber: number(nameOf(path)),
      sizeBytes: 16 * mebibyte,
      mode: 'write',
      virtual: true,
      name: 'x',
      ...changes,
    })
  const rows: [string, string, string, string, RegExp][] = [
    ['another size', '', path, request({ sizeBytes: 8 * mebibyte }), /changed .*size/],
    ['another number', '', path, request({ deviceNumber: '7:200' }), /changed .*another device/],
    ['no leave to be virtual', '', path, request({ virtual: false }), /refused .*virtual/],
    ['a way around', '', `/dev/../dev/${nameOf(path)}`, request(), /usage/],
    ['a link', 'ln -sf /dev/null /dev/shm/livecard-link', '/dev/shm/livecard-link', request(), /gone/],
    ['a file', '', '/etc/shadow', request({ mode: 'read' }), /usage/],
    ['a number with more behind it', '', path, request({ deviceNumber: `${number(nameOf(path))};sh` }), /usage/],
    ['write-protected', '', locked.path, request({ deviceNumber: number(nameOf(locked.path)) }), /read-only/],
    [
      'mounted at a place of the system',
      `mkfs.ext4 -q ${path}; mkdir -p /run/precious; mount ${path} /run/precious`,
      path,
      request(),
      /refused .*\/run\/precious/,
    ],
    [
      'held by a process',
      `umount /run/precious; mkdir -p /media/held; mount ${path} /media/held; (cd /media/held && sleep 30 &)`,
      path,
      request(),
      /mounted \/media\/held/,
    ],
  ]
  const root = statSync('/').dev
  const [major, minor] = [root >> 8, root & 0xff]
  const disk = readFileSync(`/sys/dev/block/${major}:${minor}/uevent`, 'utf8').match(/DEVNAME=(\S+)/)?.[1]
  if (disk) {
    const sizeBytes = Number(readFileSync(`/sys/dev/block/${major}:${minor}/size`, 'utf8')) * 512
    for (const mode of ['read', 'write']) {
      const words = request({ deviceNumber: `${major}:${minor}`, sizeBytes, virtual: false, mode })
      rows.unshift([`the system disk to ${mode}`, '', `/dev/${disk}`, words, /refused/])
    }
  }
  const outcomes = onPrivateDesktop(
    plan({
      rules: yesToBroker,
      policy: true,
      steps: rows.map(([, before, device, words]) => ({ before, words: ['broker', device, words] })),
    }),
  )
  for (const [index, [what, , , , expected]] of rows.entries()) {
    const value = outcomes[index]?.value
    assert.equal(value?.is, 'no', `${what}: ${JSON.stringify(outcomes[index])}`)
    assert.match(`${value?.code} ${value?.text}`, expected, what)
  }
  assert.notEqual(byteAt(backing, 8192), 0xa5)
})
