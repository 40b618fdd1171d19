import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { openFileDevice } from '../../native-helpers/block/file-device.ts'
import { setFirstBoot } from '../../native-helpers/systems/settings/first-boot.ts'
import { archiveLocales } from '../../native-helpers/systems/settings/locale-archive.ts'
import { setNetwork, setWifi } from '../../native-helpers/systems/settings/network.ts'
import { sealSettings } from '../../native-helpers/systems/settings/seal.ts'
import type { Union } from '../../native-helpers/systems/settings/union.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'

/** A folder in the place of a card, for what only writes files and links: with paths that lead back into it. */
function folderUnion(root: string): Union {
  const at = (path: string) => join(root, path)
  const made = (path: string) => mkdirSync(dirname(at(path)), { recursive: true })
  return {
    has: (path: string) => existsSync(at(path)),
    isFolder: (path: string) => existsSync(at(path)),
    target: (path: string) => (existsSync(at(path)) ? '' : null),
    text: (path: string) => (existsSync(at(path)) ? readFileSync(at(path), 'utf8') : null),
    write(path: string, content: string, { mode = 0o644 } = {}) {
      made(path)
      writeFileSync(at(path), content.replaceAll(/(?<=[ !]|^)\/(var|etc)\//gm, `${root}/$1/`))
      chmodSync(at(path), mode)
    },
    link(path: string, target: string) {
      made(path)
      symlinkSync(target, at(path))
    },
  } as unknown as Union
}

function emptySystem(t: TestContext, ...paths: string[]): string {
  const root = testFolder(t)
  for (const path of paths) {
    mkdirSync(join(root, dirname(path)), { recursive: true })
    writeFileSync(join(root, path), '')
  }
  return root
}

for (const init of ['systemd', 'sysvinit'] as const) {
  test(`a first-boot script runs once and is gone, with ${init}`, (t) => {
    const root = emptySystem(t, ...(init === 'systemd' ? ['lib/systemd/systemd'] : ['etc/init.d/x', 'etc/rc2.d/x']))
    setFirstBoot(folderUnion(root), `#!/bin/sh\necho once >> ${root}/ran\nexit 3\n`)
    const before = readdirSync(root, { recursive: true }).filter((path) => `${path}`.includes('first-boot'))
    assert.ok(before.length > 3, before.join(' '))
    const start =
      init === 'systemd'
        ? (/^ExecStart=(.*)$/m.exec(readFileSync(join(root, 'etc/systemd/system/livecard-first-boot.service'), 'utf8'))?.[1] ?? '')
        : `${join(root, 'etc/init.d/livecard-first-boot')} start`
    const command = start.startsWith(root) ? start : join(root, start)
    assert.throws(() => tool('sh', ['-c', command]), { status: 3 }, 'its own exit code')
    assert.equal(readFileSync(join(root, 'ran'), 'utf8'), 'once\n')
    assert.deepEqual(
      readdirSync(root, { recursive: true }).filter((path) => /first-boot|livecard/.test(`${path}`)),
      [],
    )
  })
}

test('the unit is one that systemd takes', { skip: missingTools('systemd-analyze') ?? false }, (t) => {
  const root = emptySystem(t, 'lib/systemd/systemd')
  setFirstBoot(folderUnion(root), '#!/bin/sh\n')
  const unit = join(root, 'etc/systemd/system/livecard-first-boot.service')
  const text = readFileSync(unit, 'utf8').replace(/^ExecStart=.*$/m, `ExecStart=${join(root, 'var/lib/livecard/run-first-boot')}`)
  writeFileSync(unit, text)
  tool('systemd-analyze', ['verify', '--man=no', '--recursive-errors=no', unit])
})

test('languages are found in the archive that localedef makes', { skip: missingTools('localedef') ?? false }, (t) => {
  const folder = testFolder(t)
  if (!existsSync('/usr/share/i18n/locales/de_DE')) return t.skip('the sources of the languages are not installed (locales)')
  mkdirSync(join(folder, 'usr/lib/locale'), { recursive: true })
  for (const [source, name] of [
    ['de_DE', 'de_DE.UTF-8'],
    ['sr_RS@latin', 'sr_RS.UTF-8@latin'],
  ] as const)
    tool('localedef', ['-i', source, '-f', 'UTF-8', '--prefix', folder, name])
  const expected = tool('localedef', ['--prefix', folder, '--list-archive']).trim().split('\n').sort()
  const path = join(folder, 'usr/lib/locale/locale-archive')
  const device = openFileDevice({ path, writable: false })
  t.after(() => device.close())
  assert.deepEqual(archiveLocales(device), expected)
  truncateSync(path, 100)
  const cut = openFileDevice({ path, writable: false })
  t.after(() => cut.close())
  assert.deepEqual(archiveLocales(cut), [], 'one that is cut off has none')
})

test('systemd-networkd is told by files of its own', (t) => {
  const wants = 'etc/systemd/system/multi-user.target.wants/systemd-networkd.service'
  const root = emptySystem(t, wants, 'sbin/wpa_supplicant', 'lib/systemd/system/wpa_supplicant@.service')
  const union = folderUnion(root)
  const { wifi } = sealSettings({ wifi: { name: 'IEEE', password: 'password', hidden: true, country: 'DE', interface: 'wlan1' } })
  assert.ok(wifi)
  setWifi(union, wifi)
  setNetwork(union, { addresses: ['10.0.0.5/8', 'fd00::5/64'], gateways: ['10.0.0.1'], dns: ['9.9.9.9'] })
  const text = (path: string) => readFileSync(join(root, path), 'utf8')
  assert.equal(
    text('etc/wpa_supplicant/wpa_supplicant-wlan1.conf'),
    `ctrl_interface=DIR=/run/wpa_supplicant GROUP=netdev
country=DE
network={
    ssid=49454545
    scan_ssid=1
    psk=f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e
}
`,
  )
  assert.equal(
    text('etc/systemd/network/10-livecard-wired.network'),
    '[Match]\nName=en* eth*\n\n[Network]\nAddress=10.0.0.5/8\nAddress=fd00::5/64\nGateway=10.0.0.1\nDNS=9.9.9.9\n',
  )
  assert.equal(text('etc/modprobe.d/livecard-wifi.conf'), 'options cfg80211 ieee80211_regdom=DE\n')
})

test('a password is asked for on the terminal, twice, and is not seen', { skip: missingTools('script') ?? false }, async (t) => {
  const main = fileURLToPath(new URL('../../native-helpers/cli/main.ts', import.meta.url))
  const folder = testFolder(t)
  const asked = async (first: string, second: string) => {
    const words = [process.execPath, main, 'customise', join(folder, 'none.img'), '--root-password', '--plan'].join(' ')
    const child = spawn('script', ['-q', '-e', '-c', words, join(folder, 'typescript')], { stdio: ['pipe', 'pipe', 'inherit'] })
    t.after(() => child.kill('SIGKILL'))
    let seen = ''
    const replies: [RegExp, string][] = [
      [/Password of the administrator: $/, `${first}\n`],
      [/The same again: $/, `${second}\n`],
    ]
    child.stdout.on('data', (chunk) => {
      seen += chunk
      if (replies[0]?.[0].test(seen)) child.stdin.write(replies.shift()?.[1] ?? '')
    })
    const code = await new Promise((resolve) => child.once('close', resolve))
    return { code, seen }
  }
  const different = await asked('unseen words', 'other words')
  assert.equal(different.code, 2, different.seen)
  assert.match(different.seen, /The two passwords are not the same/)
  const same = await asked('unseen words', 'unseen words')
  assert.match(same.seen, /none\.img/, 'then the card is looked for')
  for (const { seen } of [different, same]) assert.doesNotMatch(seen, /unseen|other words/)
})
