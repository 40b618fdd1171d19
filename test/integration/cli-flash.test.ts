import assert from 'node:assert/strict'
import { closeSync, existsSync, openSync, readFileSync, statSync, symlinkSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { flashPlan, job } from '../../native-helpers/contract.ts'
import { cannotLoop } from '../support/devices.ts'
import { jsonLines, runCli } from '../support/run-cli.ts'
import { difference, isUnfinished, pack, sampleImage, sha256, usedCard } from '../support/sample-images.ts'
import { testFolder } from '../support/tools.ts'

const skip = cannotLoop() ?? false
const MiB = 1024 * 1024

test('a single byte that differs ends verify with 6, and the message says where', { skip }, async (t) => {
  const folder = testFolder(t)
  const image = sampleImage(folder)
  const card = usedCard(t)
  assert.equal((await runCli(['flash', image, card.path, '--yes', '--allow-virtual'])).code, 0)
  const offset = 5 * MiB + 1234
  const file = openSync(card.path, 'r+')
  writeSync(file, Buffer.from([~(readFileSync(image)[offset] ?? 0) & 0xff]), 0, 1, offset)
  closeSync(file)
  const before = sha256(card.path)
  const { code, stderr, stdout } = await runCli(['verify', image, card.path])
  assert.equal(code, 6, stderr)
  assert.match(stderr.replaceAll(/[., ](?=\d{3})/g, ''), new RegExp(String(offset)))
  assert.equal(stdout, '')
  assert.equal(sha256(card.path), before, 'comparing writes nothing')
})

test('--plan shows what would be done and lost, writes nothing, and ends with 0', { skip }, async (t) => {
  const folder = testFolder(t)
  const image = pack(sampleImage(folder), 'xz')
  const card = usedCard(t)
  const before = sha256(card.backing)
  const { code, stdout, stderr } = await runCli(['flash', image, card.path, '--plan', '--allow-virtual'])
  assert.equal(code, 0, stderr)
  assert.match(stdout, /sample-12-1\.img\.xz/)
  assert.match(stdout, new RegExp(card.path))
  assert.match(stdout, /Read back/)
  assert.equal(sha256(card.backing), before)

  const fresh = join(folder, 'new-card.img')
  const json = await runCli(['flash', image, fresh, '--size', '1GB', '--plan', '--json'])
  assert.equal(json.code, 0)
  const [plan, result] = jsonLines(json.stdout)
  assert.equal(flashPlan.parse(plan?.plan).targets[0]?.sizeBytes, 1_000_000_000)
  assert.equal(result?.type, 'result')
  assert.equal(result?.planned, true)
  assert.equal(existsSync(fresh), false)
})

test('without a terminal and without --yes nothing is written, and it ends with 2', { skip }, async (t) => {
  const folder = testFolder(t)
  const card = usedCard(t)
  const before = sha256(card.backing)
  const { code, stdout, stderr } = await runCli(['flash', sampleImage(folder), card.path, '--allow-virtual'])
  assert.equal(code, 2)
  assert.match(stderr, /--yes/)
  assert.equal(stdout, '')
  assert.equal(sha256(card.backing), before)
})

test('--json is one document a line: the plan, the job as it goes, the result last', { skip }, async (t) => {
  const folder = testFolder(t)
  const image = sampleImage(folder, 64 * MiB)
  const card = usedCard(t, 64 * MiB)
  const { code, stdout } = await runCli([
    'flash',
    image,
    card.path,
    '--yes',
    '--json',
    '--allow-virtual',
    '--sha256',
    sha256(image),
  ])
  assert.equal(code, 0)
  const lines = jsonLines(stdout)
  assert.equal(lines[0]?.type, 'plan')
  const result = lines.at(-1)
  assert.equal(result?.type, 'result')
  assert.equal(result?.ok, true)
  assert.equal(result?.exitCode, 0)
  const last = job.parse(result?.job)
  assert.equal(last.state, 'done')
  assert.equal(last.progress.fraction, 1)
  assert.ok(last.checks.some((check) => check.id.includes('sha256') && check.state === 'ok'))
  const between = lines.slice(1, -1)
  assert.ok(between.length > 0)
  for (const line of between) {
    assert.equal(line.type, 'job')
    const seen = job.parse(line.job)
    assert.equal(seen.state, 'running')
    assert.notEqual(seen.progress.fraction, 1, '100 % is only what is finished')
  }
})

test('one image goes to many targets at once: drives and card images', { skip }, async (t) => {
  const folder = testFolder(t)
  const image = sampleImage(folder)
  const packed = pack(image, 'zst')
  const cards = [usedCard(t), usedCard(t)]
  const file = join(folder, 'card.img')
  const targets = [...cards.map((card) => card.path), file]
  const { code, stdout, stderr } = await runCli(['flash', packed, ...targets, '--yes', '--allow-virtual'])
  assert.equal(code, 0, stderr)
  for (const target of targets) {
    assert.ok(stdout.includes(`(${target})`))
    assert.equal(difference(image, target), null, target)
  }
})

test('a new card image is as large as the image, or as --size says, and sparse', { skip }, async (t) => {
  const folder = testFolder(t)
  const image = sampleImage(folder)
  const [plain, large, linked] = ['plain.img', 'large.img', 'linked.img'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  assert.equal((await runCli(['flash', image, plain, '--yes'])).code, 0)
  assert.equal(statSync(plain).size, statSync(image).size)
  assert.equal(difference(image, plain), null)
  assert.equal((await runCli(['flash', image, large, '--yes', '--size', '4GB'])).code, 0)
  assert.equal(statSync(large).size, 4_000_000_000)
  assert.ok(statSync(large).blocks * 512 < 64 * MiB)
  assert.equal(difference(image, large), null)

  symlinkSync(plain, linked)
  assert.equal((await runCli(['verify', image, linked])).code, 0)
  const again = await runCli(['flash', image, plain, '--yes', '--size', '4GB'])
  assert.equal(again.code, 3, 'a file that is there is not replaced by one of another size')
  assert.equal(statSync(plain).size, statSync(image).size)
  assert.equal((await runCli(['flash', image, plain, '--yes'])).code, 0)
})

test('a path relative to the current folder works for image, target and sums', { skip }, async (t) => {
  const folder = testFolder(t)
  const image = sampleImage(folder)
  writeFileSync(`${image}.sha256`, `${sha256(image)}  sample-12-1.img\n`)
  const { code, stdout, stderr } = await runCli(['flash', 'sample-12-1.img', 'card.img', '--yes'], { cwd: folder })
  assert.equal(code, 0, stderr)
  assert.match(stdout, /sha-?256/i)
  assert.equal(difference(image, join(folder, 'card.img')), null)
})

test('--no-verify is honoured, and said', { skip }, async (t) => {
  const folder = testFolder(t)
  const card = usedCard(t)
  const { code, stdout } = await runCli(['flash', sampleImage(folder), card.path, '--yes', '--allow-virtual', '--no-verify'])
  assert.equal(code, 0)
  assert.match(stdout, /Read back and compared: left out/)
  assert.equal(isUnfinished(card.path), false)
})
