import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import {
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { exitCodes, LivecardError } from '../../native-helpers/errors.ts'
import { planCardChange } from '../../native-helpers/jobs/change.ts'
import { sealedOptions, wifiKey } from '../../native-helpers/systems/settings/seal.ts'
import { isPassword } from '../../native-helpers/systems/sha-crypt.ts'
import { type Furniture, furnish } from '../support/furnished.ts'
import { mounted } from '../support/kernel-mount.ts'
import { copyOfCard, type LamponeCard, type LamponeOptions, makeLampone } from '../support/lampone.ts'
import { lamponeTools } from '../support/lampone-parts.ts'
import { cannotOverlay, runningSystem } from '../support/overlay-mount.ts'
import { jsonLines, runCli } from '../support/run-cli.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'
import { cannotWasm } from '../support/wasm.ts'

const skip = cannotWasm(...lamponeTools, 'e2fsck', 'openssl', 'unsquashfs', 'ssh-keygen') ?? false
const running = cannotOverlay() ?? missingTools('pwck', 'grpck') ?? false
const secrets = { root: 'correct horse', user: 'battery staple', wifi: 'wireless secret' }

interface Sample {
  folder: string
  card: LamponeCard
  key: string
}

/** Small, as it is hashed and copied: what is written lies in the last partition. */
const small = { bootMiB: 8, kernelMiB: 8, persistenceMiB: 24 }

/** Made once, and copied for each test. */
const shelf = mkdtempSync(join(tmpdir(), 'livecard-customise-'))
after(() => rmSync(shelf, { recursive: true, force: true }))
const made = new Map<string, LamponeCard>()

function sample(t: TestContext, furniture: Furniture, options: Partial<LamponeOptions> = {}): Sample {
  const folder = testFolder(t)
  const kind = JSON.stringify([furniture, options])
  const whole = made.get(kind) ?? makeLampone(shelf, { layout: 'lampone', ...small, ...options, furnish: furnish(furniture) })
  made.set(kind, whole)
  tool('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'anna@desk', '-f', join(folder, 'id')])
  return { folder, card: copyOfCard(whole, folder), key: readFileSync(join(folder, 'id.pub'), 'utf8').trim() }
}

function profileOf({ key }: Sample) {
  return {
    rootPassword: secrets.root,
    rootKeys: [key],
    user: { name: 'anna', fullName: 'Anna Ångström', password: secrets.user, admin: true, keys: [key] },
    hostname: 'atelier',
    wifi: { name: 'Café; "5G"', password: secrets.wifi, country: 'DE' },
    network: { addresses: ['192.168.1.20/24', 'fd00::20/64'], gateways: ['192.168.1.1'], dns: ['9.9.9.9'], interface: 'eth0' },
    locale: 'de_DE.UTF-8',
    timezone: 'Europe/Berlin',
    keyboard: { layout: 'de', variant: 'nodeadkeys' },
    firstBoot: '#!/bin/sh\necho hello > /root/hello\n',
  }
}

async function customised(one: Sample, profile: object, ...words: string[]) {
  const path = join(one.folder, 'profile.json')
  writeFileSync(path, JSON.stringify(profile))
  const env = { XDG_STATE_HOME: join(one.folder, 'state') }
  return runCli(['customise', one.card.path, '--profile', path, '--json', '--yes', ...words], { env })
}

function sumOf(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex')
}

/** What lies before the persistence: table, boot partition, system, kernel. */
function shippedPart({ card }: Sample): string {
  return createHash('sha256').update(readFileSync(card.path).subarray(0, card.persistence.startBytes)).digest('hex')
}

function squashfsOf({ folder, card }: Sample): string {
  const [iso, squashfs] = [join(folder, 'system.iso'), join(folder, 'system.squashfs')]
  if (existsSync(squashfs)) return squashfs
  const { startBytes, sizeBytes } = card.system
  writeFileSync(iso, readFileSync(card.path).subarray(startBytes, startBytes + sizeBytes))
  tool('xorriso', ['-osirrox', 'on', '-indev', iso, '-extract', '/live/filesystem.squashfs', squashfs])
  return squashfs
}

function inRunningSystem<T>(one: Sample, use: (root: string) => T): T {
  const { startBytes, sizeBytes } = one.card.persistence
  return runningSystem({ squashfs: squashfsOf(one), image: one.card.path, startBytes, sizeBytes }, use)
}

function checkPersistence({ card }: Sample): void {
  tool('e2fsck', ['-f', '-n', `${card.path}?offset=${card.persistence.startBytes}`])
}

test('a profile is set as the running system finds it', { skip: skip || running, timeout: 120_000 }, async (t) => {
  const one = sample(t, { network: 'NetworkManager', init: 'systemd' })
  const [shipped, before] = [shippedPart(one), sumOf(one.card.path)]
  const { code, stdout, stderr } = await customised(one, profileOf(one))
  assert.equal(code, 0, stderr)
  const [plan, result] = jsonLines(stdout) as [
    { plan: { steps: string[] } },
    { undo: string; report: { findings: { id: string }[] } },
  ]
  assert.match(plan.plan.steps.join('\n'), /password will be set/)
  assert.deepEqual(
    result.report.findings.filter(({ id }) => id === 'root-password-public'),
    [],
  )
  checkPersistence(one)
  assert.equal(shippedPart(one), shipped, 'the system, its kernel and the table are not touched')

  const taken = { ...one, card: { ...one.card, path: join(one.folder, 'taken-back.img') } }
  copyFileSync(one.card.path, taken.card.path)
  const back = await runCli(['undo', result.undo, taken.card.path, '--yes'])
  assert.equal(back.code, 0, back.stderr)
  assert.equal(sumOf(taken.card.path), before, 'taken back to the last byte')

  // The secrets stand nowhere, in clear.
  const state = readdirSync(join(one.folder, 'state'), { recursive: true, withFileTypes: true }).filter((file) => file.isFile())
  const kept = [one.card.path, ...state.map(({ parentPath, name }) => join(parentPath, name))].map((path) =>
    readFileSync(path, 'latin1'),
  )
  for (const secret of Object.values(secrets)) {
    for (const text of [Buffer.from(stdout), Buffer.from(stderr), ...kept]) assert.equal(text.includes(secret), false)
  }

  inRunningSystem(one, (root) => {
    const text = (path: string) => readFileSync(join(root, path), 'utf8')
    const rights = (path: string) => {
      const { mode, uid, gid } = lstatSync(join(root, path))
      return `${(mode & 0o7777).toString(8)} ${uid}:${gid}`
    }
    tool('pwck', ['-r', '-q', '-R', root])
    tool('grpck', ['-r', '-R', root])
    const shadow = new Map(
      text('etc/shadow')
        .split('\n')
        .map((line) => [line.split(':')[0], line.split(':')[1] ?? '']),
    )
    assert.equal(isPassword(shadow.get('root') ?? '', secrets.root), true)
    const [, , salt = ''] = (shadow.get('anna') ?? '').split('$')
    assert.equal(tool('openssl', ['passwd', '-6', '-salt', salt, secrets.user]).trim(), shadow.get('anna'))
    assert.equal(shadow.get('user'), '!')
    assert.equal(rights('etc/shadow'), '640 0:42')
    assert.match(tool('getfattr', ['-d', '--absolute-names', join(root, 'etc/shadow')]), /user\.origin="shipped"/)
    assert.match(text('etc/passwd'), /^anna:x:1001:1001:Anna Ångström,,,:\/home\/anna:\/bin\/bash$/m)
    assert.match(text('etc/group'), /^sudo:x:27:user,anna$/m)
    assert.match(text('etc/group'), /^netdev:x:108:anna$/m)
    assert.match(text('etc/gshadow'), /^sudo:\*::user,anna$/m)
    assert.equal(text('etc/subuid'), 'user:100000:65536\nanna:165536:65536\n')
    assert.equal(rights('home/anna'), '700 1001:1001')
    assert.equal(rights('home/anna/.config/app'), '600 1001:1001')
    assert.equal(readlinkSync(join(root, 'home/anna/.profile')), '.bashrc')
    assert.equal(rights('home/anna/.profile'), '777 1001:1001')
    for (const [home, owner] of [
      ['root', '0:0'],
      ['home/anna', '1001:1001'],
    ] as const) {
      assert.equal(rights(`${home}/.ssh`), `700 ${owner}`)
      assert.equal(rights(`${home}/.ssh/authorized_keys`), `600 ${owner}`)
      assert.match(tool('ssh-keygen', ['-l', '-f', join(root, home, '.ssh/authorized_keys')]), /anna@desk \(ED25519\)/)
    }
    assert.equal(text('etc/hostname'), 'atelier\n')
    assert.equal(text('etc/hosts'), '127.0.0.1\tlocalhost\n127.0.1.1\tatelier\n::1\tlocalhost ip6-localhost\n')
    assert.equal(text('etc/default/locale'), 'LANG=de_DE.UTF-8\n')
    assert.equal(readlinkSync(join(root, 'etc/localtime')), '/usr/share/zoneinfo/Europe/Berlin')
    assert.equal(text('etc/timezone'), 'Europe/Berlin\n')
    assert.match(text('etc/default/keyboard'), /^# comment\nXKBMODEL="pc104"\nXKBLAYOUT="de"\nXKBVARIANT="nodeadkeys"\n/)
    const wifi = 'etc/NetworkManager/system-connections/livecard-wifi.nmconnection'
    assert.equal(rights(wifi), '600 0:0')
    const ssid = [...Buffer.from('Café; "5G"')].map((byte) => `${byte};`).join('')
    assert.ok(text(wifi).includes(`\nssid=${ssid}\n`))
    assert.ok(text(wifi).includes(`\npsk=${wifiKey('Café; "5G"', secrets.wifi)}\n`))
    const wired = text('etc/NetworkManager/system-connections/livecard-wired.nmconnection')
    assert.match(wired, /\[ipv4\]\nmethod=manual\naddress1=192\.168\.1\.20\/24,192\.168\.1\.1\ndns=9\.9\.9\.9;\n/)
    assert.match(wired, /\[ipv6\]\nmethod=manual\naddress1=fd00::20\/64\n/)
    assert.equal(rights('var/lib/livecard/first-boot'), '700 0:0')
    const wanted = 'etc/systemd/system/multi-user.target.wants/livecard-first-boot.service'
    assert.equal(readlinkSync(join(root, wanted)), '/etc/systemd/system/livecard-first-boot.service')
  })
})

test('said again, settings change what was set and double nothing', { skip: skip || running, timeout: 120_000 }, async (t) => {
  const one = sample(t, { network: 'ifupdown', init: 'sysvinit' }, { layout: 'resilient' })
  const first = profileOf(one)
  assert.equal((await customised(one, first)).code, 0)
  // The hash has another salt each time it is made of a password.
  const hash = tool('openssl', ['passwd', '-6', '-salt', 'abc', 'another one']).trim()
  const second = {
    rootPasswordHash: hash,
    user: { name: 'anna', passwordHash: hash, admin: true, keys: [] },
    hostname: 'office',
    wifi: { name: 'Office', password: 'other secret' },
    network: { addresses: ['10.0.0.5/8'], interface: 'eth0' },
    timezone: 'Pacific/Auckland',
  }
  assert.equal((await customised(one, second)).code, 0)
  checkPersistence(one)
  const third = await customised(one, second)
  assert.equal(third.code, 0)
  const [{ plan }] = jsonLines(third.stdout) as [{ plan: { steps: string[]; writeBytes: number; notes: string[] } }]
  assert.deepEqual([plan.steps, plan.writeBytes, plan.notes], [[], 0, ['All of this is set on the card already.']])
  inRunningSystem(one, (root) => {
    const text = (path: string) => readFileSync(join(root, path), 'utf8')
    const lines = (path: string, start: string) =>
      text(path)
        .split('\n')
        .filter((line) => line.startsWith(start))
    assert.equal(lines('etc/passwd', 'anna:').length, 1)
    assert.equal(lines('etc/shadow', 'anna:').length, 1)
    assert.equal(lines('etc/shadow', 'root:')[0]?.split(':')[1], hash)
    assert.deepEqual(lines('etc/group', 'sudo:'), ['sudo:x:27:user,anna'])
    assert.equal(text('home/anna/.ssh/authorized_keys'), '')
    assert.equal(text('etc/hosts').match(/office/g)?.length, 1)
    assert.doesNotMatch(text('etc/hosts'), /atelier/)
    assert.equal(readlinkSync(join(root, 'etc/localtime')), '/usr/share/zoneinfo/Pacific/Auckland')
    const interfaces = text('etc/network/interfaces')
    assert.match(interfaces, /^# put aside by Livecard: iface eth0 inet dhcp$/m)
    assert.match(interfaces, /^iface lo inet loopback$/m)
    assert.equal(interfaces.match(/^source \/etc\/network\/interfaces\.d\/\*$/gm)?.length, 1)
    assert.deepEqual(readdirSync(join(root, 'etc/network/interfaces.d')).sort(), ['livecard-wifi', 'livecard-wired'])
    assert.equal(
      text('etc/network/interfaces.d/livecard-wired'),
      'allow-hotplug eth0\niface eth0 inet static\n    address 10.0.0.5/8\n',
    )
    const supplicant = text('etc/wpa_supplicant/livecard.conf')
    assert.ok(supplicant.includes(`ssid=${Buffer.from('Office').toString('hex')}\n`))
    assert.equal(supplicant.match(/network=/g)?.length, 1)
    assert.equal(readlinkSync(join(root, 'etc/rc2.d/S99livecard-first-boot')), '../init.d/livecard-first-boot')
    tool('sh', ['-n', join(root, 'etc/init.d/livecard-first-boot')])
  })
})

test('what the system does not have is refused by name, and nothing is written', { skip, timeout: 120_000 }, async (t) => {
  const one = sample(t, { network: null, init: 'systemd' })
  const before = sumOf(one.card.path)
  const wrong: [profile: object, exit: number, code: string][] = [
    [{ timezone: 'Europe/Atlantis' }, 1, 'settings-timezone-unknown'],
    [{ locale: 'fr_FR.UTF-8' }, 1, 'settings-locale-unknown'],
    [{ keyboard: { layout: 'xx' } }, 1, 'settings-layout-unknown'],
    [{ keyboard: { layout: 'de', variant: 'upsidedown' } }, 1, 'settings-variant-unknown'],
    [{ rootKeys: [one.key] }, 1, 'settings-no-ssh-server'],
    [{ wifi: { name: 'Net' } }, 1, 'settings-no-network'],
    [{ user: { name: 'systemd-network', password: 'x y z' } }, 1, 'settings-user-of-system'],
    [{ user: { name: 'anna' } }, 1, 'settings-user-without-password'],
    [{ user: { name: 'sudo', password: 'x y z' } }, 1, 'settings-group-there'],
    [{ rootPassword: 'password' }, 2, 'settings-wrong'],
    [{ hostname: 'no good name' }, 2, 'settings-wrong'],
    [{ pasword: 'slip' }, 2, 'settings-form'],
    [{}, 2, 'settings-wrong'],
  ]
  for (const [profile, exit, code] of wrong) {
    const planned = async () => {
      const options = sealedOptions({ settings: JSON.stringify(profile) })
      await planCardChange({ job: 'customise', path: one.card.path, base: null, options, allowVirtual: false, undo: null })
    }
    const thrown = await planned().catch((error) => error)
    assert.ok(thrown instanceof LivecardError, JSON.stringify(profile))
    assert.deepEqual([thrown.code, exitCodes[thrown.kind]], [code, exit], JSON.stringify(profile))
  }
  assert.equal(sumOf(one.card.path), before)
})

test('a card that was pulled out is brought in order first', { skip: skip || running, timeout: 120_000 }, async (t) => {
  const one = sample(t, { network: null, init: 'systemd' })
  const { startBytes, sizeBytes } = one.card.persistence
  const pulled = join(one.folder, 'pulled.img')
  mounted(one.card.path, `rw,offset=${startBytes},sizelimit=${sizeBytes}`, (top) => {
    writeFileSync(join(top, 'rw/etc/letter'), 'written last\n')
    tool('sync', ['-f', top])
    copyFileSync(one.card.path, pulled)
  })
  copyFileSync(pulled, one.card.path)
  const { code, stdout, stderr } = await customised(one, { hostname: 'atelier' })
  assert.equal(code, 0, stderr)
  assert.match(stdout, /was not left cleanly/)
  checkPersistence(one)
  inRunningSystem(one, (root) => {
    assert.equal(readFileSync(join(root, 'etc/letter'), 'utf8'), 'written last\n')
    assert.equal(readFileSync(join(root, 'etc/hostname'), 'utf8'), 'atelier\n')
  })
})

test('a card that never started is given settings, one that is encrypted is not', { skip, timeout: 120_000 }, async (t) => {
  const furniture = { network: 'networkd', init: 'systemd' } as const
  const fresh = sample(t, furniture, { changes: 'none' })
  const done = await customised(fresh, { ...profileOf(fresh), network: { addresses: ['10.0.0.5/8'] } })
  assert.equal(done.code, 0, done.stderr)
  checkPersistence(fresh)
  const volume = `${fresh.card.path}?offset=${fresh.card.persistence.startBytes}`
  const listed = tool('debugfs', ['-R', 'ls -p /rw/etc/systemd/network', volume])
  assert.match(listed, /\/100644\/0\/0\/10-livecard-wired\.network\//)
  assert.match(tool('debugfs', ['-R', 'ls -p /', volume]), /\/040755\/0\/0\/work\//)

  const locked = sample(t, furniture, { encrypted: true })
  const refused = await customised(locked, { hostname: 'pi' })
  const { error } = jsonLines(refused.stdout).at(-1) as { error: { code: string; message: string } }
  assert.equal(error.code, 'customise-impossible')
  assert.match(error.message, /encrypted/)
})

test('passwords come from standard input and files, and a password on the command line is not understood', {
  skip,
  timeout: 120_000,
}, async (t) => {
  const one = sample(t, { network: null, init: 'systemd' })
  mkdirSync(join(one.folder, 'state'))
  const env = { XDG_STATE_HOME: join(one.folder, 'state') }
  const without = await runCli(['customise', one.card.path, '--root-password', '--yes'], { env })
  assert.equal(without.code, 2)
  assert.match(without.stderr, /no terminal here/)
  const onLine = await runCli(['customise', one.card.path, '--root-password=secret', '--yes'], { env })
  assert.equal(onLine.code, 2)
  writeFileSync(join(one.folder, 'password'), `${secrets.root}\nnot this line\n`)
  const words = ['customise', one.card.path, '--root-password-file', join(one.folder, 'password'), '--yes', '--plan']
  const planned = await runCli(words, { env })
  assert.equal(planned.code, 0, planned.stderr)
  assert.match(planned.stdout, /The administrator \(root\): its password will be set\./)
  assert.equal(planned.stdout.includes(secrets.root), false)
  const main = fileURLToPath(new URL('../../native-helpers/cli/main.ts', import.meta.url))
  const fromInput = [
    'customise',
    one.card.path,
    '--root-password-file',
    '-',
    '--user',
    'anna',
    '--user-password-file',
    '-',
    '--yes',
  ]
  const input = `${secrets.root}\r\n${secrets.user}\nnobody asks for this\n`
  tool(process.execPath, ['--disable-warning=ExperimentalWarning', main, ...fromInput], { input, env })
  const volume = `${one.card.path}?offset=${one.card.persistence.startBytes}`
  const shadow = tool('debugfs', ['-R', 'cat /rw/etc/shadow', volume])
  const hashOf = (name: string) =>
    shadow
      .split('\n')
      .find((line) => line.startsWith(`${name}:`))
      ?.split(':')[1] ?? ''
  assert.equal(isPassword(hashOf('root'), secrets.root), true)
  assert.equal(isPassword(hashOf('anna'), secrets.user), true)
})
