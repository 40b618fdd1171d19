import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type CardSettings, familyOf, isPublicKey, settingProblems, settingProblemTexts } from '../../native-helpers/contract.ts'
import { readSettings, sealSettings, wifiKey } from '../../native-helpers/systems/settings/seal.ts'
import { isPassword } from '../../native-helpers/systems/sha-crypt.ts'
import { deCustomise } from '../../renderer/i18n/de-customise.ts'
import { enCustomise } from '../../renderer/i18n/en-customise.ts'
import { emptyForm, formOfSettings, problemsOfForm, settingsOfForm } from '../../renderer/state/settings-form.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'

const codesOf = (settings: CardSettings) => settingProblems(settings).map(({ field, code }) => `${field} ${code}`)

test('what is wrong with a value is told by its field and a code', () => {
  const wrong: [CardSettings, string][] = [
    [{}, ' nothing-set'],
    [{ rootPassword: '' }, 'rootPassword password-empty'],
    [{ rootPassword: 'a\tb' }, 'rootPassword password-letters'],
    [{ rootPassword: 'password' }, 'rootPassword password-published'],
    [{ rootPassword: 'x'.repeat(257) }, 'rootPassword password-long'],
    [{ rootPassword: 'abc', rootPasswordHash: '$6$salt$hash' }, 'rootPassword password-twice'],
    [{ rootPasswordHash: 'plain' }, 'rootPasswordHash hash-form'],
    [{ rootPasswordHash: '$6$a:b$hash' }, 'rootPasswordHash hash-form'],
    [{ user: { name: 'Anna' } }, 'user.name user-name'],
    [{ user: { name: '../etc' } }, 'user.name user-name'],
    [{ user: { name: 'root' } }, 'user.name user-reserved'],
    [{ user: { name: 'anna', fullName: 'a:b' } }, 'user.fullName full-name'],
    [{ user: { name: 'anna', keys: ['ssh-rsa AAAA'] } }, 'user.keys.0 ssh-key'],
    [{ hostname: '-pi' }, 'hostname hostname'],
    [{ hostname: 'pi.local' }, 'hostname hostname'],
    [{ hostname: 'LocalHost' }, 'hostname hostname-localhost'],
    [{ wifi: { name: 'ä'.repeat(17) } }, 'wifi.name wifi-name'],
    [{ wifi: { name: 'Net', password: '1234567' } }, 'wifi.password wifi-password'],
    [{ wifi: { name: 'Net', password: 'pässword' } }, 'wifi.password wifi-password'],
    [{ wifi: { name: 'Net', key: 'abc' } }, 'wifi.key wifi-key'],
    [{ wifi: { name: 'Net', country: 'Germany' } }, 'wifi.country country'],
    [{ wifi: { name: 'Net', interface: '../wlan0' } }, 'wifi.interface interface'],
    [{ network: { addresses: [] } }, 'network.addresses addresses-needed'],
    [{ network: { addresses: ['192.168.1.20'] } }, 'network.addresses.0 address'],
    [{ network: { addresses: ['192.168.1.20/33'] } }, 'network.addresses.0 address'],
    [{ network: { addresses: ['10.0.0.2/8'], gateways: ['fe80::1'] } }, 'network.gateways.0 gateway-family'],
    [{ network: { addresses: ['10.0.0.2/8'], gateways: ['10.0.0.1', '10.0.0.3'] } }, 'network.gateways.1 gateway-twice'],
    [{ network: { addresses: ['10.0.0.2/8'], dns: ['router'] } }, 'network.dns.0 dns'],
    [{ locale: 'de_DE.UTF-8; reboot' }, 'locale locale'],
    [{ timezone: '../../etc/shadow' }, 'timezone timezone'],
    [{ keyboard: { layout: 'de"' } }, 'keyboard.layout layout'],
    [{ keyboard: { layout: 'de', variant: 'a b' } }, 'keyboard.variant variant'],
    [{ firstBoot: 'echo hello' }, 'firstBoot script-start'],
    [{ firstBoot: '#!/bin/sh\r\necho\r\n' }, 'firstBoot script-lines'],
    [{ firstBoot: `#!/bin/sh\n${'x'.repeat(300_000)}` }, 'firstBoot script-long'],
  ]
  for (const [settings, expected] of wrong) assert.deepEqual(codesOf(settings), [expected], JSON.stringify(settings).slice(0, 200))
})

test('what is usual is not wrong', () => {
  const usual: CardSettings = {
    rootPassword: 'Ein Kennwort mit Blanks',
    user: { name: 'anna_2', fullName: "Anna O'Neil Ångström", passwordHash: '$y$j9T$salt$hash', admin: true, keys: [] },
    hostname: 'pi-3',
    wifi: { name: 'Café 5G; "x"', password: 'a'.repeat(63), country: 'DE', interface: 'wlp2s0' },
    network: { addresses: ['192.168.1.20/24', 'fd00::20/64'], gateways: ['192.168.1.1', 'fe80::1'], dns: ['9.9.9.9', '::1'] },
    locale: 'sr_RS.UTF-8@latin',
    timezone: 'America/Argentina/Buenos_Aires',
    keyboard: { layout: 'us,de', variant: ',nodeadkeys', model: 'pc105' },
    firstBoot: '#!/usr/bin/env python3\nprint(1)\n',
  }
  assert.deepEqual(codesOf(usual), [])
  assert.equal(familyOf('::ffff:1.2.3.4', { prefix: false }), 6)
  assert.equal(familyOf('1.2.3', { prefix: false }), null)
})

test('public SSH keys are known by what ssh-keygen makes', { skip: missingTools('ssh-keygen') ?? false }, (t) => {
  const folder = testFolder(t)
  for (const [kind, bits] of [
    ['ed25519', '256'],
    ['rsa', '2048'],
    ['ecdsa', '384'],
  ] as const) {
    const file = `${folder}/${kind}`
    tool('ssh-keygen', ['-q', '-t', kind, '-b', bits, '-N', '', '-C', 'me@home', '-f', file])
    const line = tool('cat', [`${file}.pub`]).trim()
    assert.equal(isPublicKey(line), true, line)
    assert.equal(isPublicKey(line.split(' ').slice(0, 2).join(' ')), true, 'without a comment')
    assert.equal(isPublicKey(`command="ls" ${line}`), false)
    assert.equal(isPublicKey(line.replace(/^\S+/, 'ssh-dss')), false)
    assert.equal(isPublicKey(`${line}\n${line}`), false, 'two in one')
    assert.equal(isPublicKey(tool('cat', [file])), false, 'a private one')
  }
})

test('sealed settings hold no password, and go on being the same', () => {
  const settings: CardSettings = {
    rootPassword: 'correct horse',
    user: { name: 'anna', password: 'battery staple' },
    wifi: { name: 'IEEE', password: 'password' },
  }
  const sealed = sealSettings(settings)
  for (const secret of ['correct horse', 'battery staple', '"password"'])
    assert.equal(JSON.stringify(sealed).includes(secret), false)
  assert.equal(isPassword(sealed.rootPasswordHash ?? '', 'correct horse'), true)
  assert.equal(isPassword(sealed.user?.passwordHash ?? '', 'battery staple'), true)
  // IEEE 802.11i, annex H.4.3, and of wpa_passphrase(8).
  assert.equal(sealed.wifi?.key, 'f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e')
  assert.equal(wifiKey('ThisIsASSID', 'ThisIsAPassword'), '0dc0d6eb90555ed6419756b9a15ec3e3209b63df707dd508d14581f8982721af')
  assert.deepEqual(sealSettings(sealed), sealed)
  assert.deepEqual(readSettings(JSON.stringify(sealed)), sealed)
})

test('errors about settings do not repeat what stands in them', () => {
  for (const json of ['{"rootPassword": 12345678}', '{"rootPassword":"hidden', '{"user":{"name":"Anna","password":"hidden"}}']) {
    assert.throws(
      () => readSettings(json),
      (thrown: Error & { code: string }) => /^settings-(form|wrong)$/.test(thrown.code) && !/hidden|12345678/.test(thrown.message),
    )
  }
})

test('a form asks for what is filled in, and is filled in again by it', () => {
  assert.deepEqual(settingsOfForm(emptyForm), {})
  assert.deepEqual(problemsOfForm(emptyForm), {})
  const form = {
    ...emptyForm,
    rootPassword: ' with blanks ',
    rootPasswordAgain: ' with blanks ',
    userName: ' anna ',
    userKeys: 'ssh-ed25519 A\n\n',
    wifiName: 'Net',
    wifiCountry: 'de',
    addresses: '10.0.0.2/8, fd00::2/64',
    dns: '9.9.9.9 1.1.1.1',
    layout: 'de',
    firstBoot: '#!/bin/sh\r\necho hello',
  }
  const settings = settingsOfForm(form)
  assert.deepEqual(settings, {
    rootPassword: ' with blanks ',
    user: { name: 'anna', keys: ['ssh-ed25519 A'] },
    wifi: { name: 'Net', country: 'DE' },
    network: { addresses: ['10.0.0.2/8', 'fd00::2/64'], dns: ['9.9.9.9', '1.1.1.1'] },
    keyboard: { layout: 'de' },
    firstBoot: '#!/bin/sh\necho hello\n',
  })
  assert.deepEqual(settingsOfForm(formOfSettings(settings)), settings)
  assert.deepEqual(problemsOfForm(form), { userKeys: 'ssh-key' })
})

test('a part of a section without what it is about is told at the field that is missing', () => {
  const problems = problemsOfForm({
    ...emptyForm,
    rootPassword: 'one',
    rootPasswordAgain: 'other',
    admin: true,
    wifiPassword: 'long enough',
    gateways: '10.0.0.1',
    variant: 'nodeadkeys',
  })
  assert.deepEqual(problems, {
    userName: 'user-name-needed',
    wifiName: 'wifi-name-needed',
    layout: 'layout-needed',
    addresses: 'addresses-needed',
    gateways: 'gateway-family',
    rootPasswordAgain: 'passwords-differ',
  })
})

test('each problem has its words in both languages', () => {
  for (const code of Object.keys(settingProblemTexts) as (keyof typeof settingProblemTexts)[]) {
    assert.ok(enCustomise.problems[code].endsWith('.'))
    assert.notEqual(deCustomise.problems[code], enCustomise.problems[code])
  }
})
