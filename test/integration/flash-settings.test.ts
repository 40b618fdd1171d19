import assert from 'node:assert/strict'
import { existsSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { furnish } from '../support/furnished.ts'
import { makeLampone } from '../support/lampone.ts'
import { lamponeTools } from '../support/lampone-parts.ts'
import { makePlainCard, plainCardTools } from '../support/plain-card.ts'
import { jsonLines, runCli } from '../support/run-cli.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'
import { cannotWasm } from '../support/wasm.ts'

const skip = cannotWasm(...lamponeTools, 'debugfs', 'gzip') ?? false

interface Result {
  exitCode: number
  job: { state: string; targets: { next?: string[] }[] }
  settings: { ok: boolean; error: { code: string } | null }[]
  error: { code: string } | null
}

const resultOf = (stdout: string) => jsonLines(stdout).at(-1) as unknown as Result

test('an image of Lampone Pi is known: its card, its next steps, and settings with it', { skip, timeout: 180_000 }, async (t) => {
  const folder = testFolder(t)
  const at = (name: string) => join(folder, name)
  const card = makeLampone(folder, { layout: 'lampone', persistenceMiB: 24, furnish: furnish({ network: null, init: 'systemd' }) })
  const env = { XDG_STATE_HOME: at('state') }
  const packed = `${card.path}.gz`
  tool('sh', ['-c', `gzip -1 < "${card.path}" > "${packed}"`])

  const tooSmall = await runCli(['flash', packed, at('small.img'), '--size', '500MB', '--plan', '--json'], { env })
  assert.equal(resultOf(tooSmall.stdout).error?.code, 'image-too-large', 'by its table, as gzip does not tell the length')
  assert.equal(existsSync(at('small.img')), false)

  writeFileSync(at('profile.json'), JSON.stringify({ hostname: 'atelier', rootPassword: 'correct horse' }))
  const words = ['--size', '1GB', '--yes', '--json', '--profile', at('profile.json')]
  const { stdout, stderr, code } = await runCli(['flash', packed, at('one.img'), at('two.img'), ...words], { env })
  assert.equal(code, 0, stderr)
  const { plan } = jsonLines(stdout)[0] as { plan: { image: { known: object }; warnings: { code: string }[] } }
  const { persistence } = card
  const endBytes = persistence.startBytes + persistence.sizeBytes
  assert.deepEqual(plan.image.known, { system: 'lampone', name: 'Lampone Pi', endBytes, leastCardBytes: 7_200_000_000 })
  assert.equal(plan.warnings.filter((warning) => warning.code === 'small-card').length, 2)
  const { job, settings } = resultOf(stdout)
  assert.deepEqual(
    job.targets.map(({ next }) => next),
    [
      ['enlarge', 'customise'],
      ['enlarge', 'customise'],
    ],
  )
  assert.deepEqual(
    settings.map(({ ok }) => ok),
    [true, true],
  )
  for (const name of ['one.img', 'two.img']) {
    assert.equal(statSync(at(name)).size, 1_000_000_000)
    assert.equal(tool('debugfs', ['-R', 'cat /rw/etc/hostname', `${at(name)}?offset=${persistence.startBytes}`]), 'atelier\n')
  }
  assert.equal(stdout.includes('correct horse'), false)

  // What was written stays good where the settings cannot be: the system does not have this language.
  writeFileSync(at('profile.json'), JSON.stringify({ locale: 'fr_FR.UTF-8' }))
  const again = await runCli(['flash', packed, at('one.img'), '--yes', '--json', '--no-verify', '--profile', at('profile.json')], {
    env,
  })
  assert.equal(again.code, 1)
  const second = resultOf(again.stdout)
  assert.equal(second.job.state, 'done')
  assert.equal(second.settings[0]?.error?.code, 'settings-locale-unknown')
  assert.match(again.stderr, /The image was written to .* and is good\. The settings were not:/)
})

test('an image that takes no settings is not written with a profile', {
  skip: missingTools(...plainCardTools) ?? false,
  timeout: 60_000,
}, async (t) => {
  const folder = testFolder(t)
  const image = makePlainCard(folder)
  writeFileSync(join(folder, 'profile.json'), '{"hostname":"atelier"}')
  const words = [
    'flash',
    image,
    join(folder, 'card.img'),
    '--size',
    '256MB',
    '--yes',
    '--json',
    '--profile',
    join(folder, 'profile.json'),
  ]
  const { stdout, code } = await runCli(words)
  assert.equal(code, 2)
  assert.equal(resultOf(stdout).error?.code, 'profile-not-for-this')
  assert.equal(existsSync(join(folder, 'card.img')), false)
})
