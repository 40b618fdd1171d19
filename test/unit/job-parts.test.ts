import assert from 'node:assert/strict'
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type FlashOptions, flashOptions, type ImageFacts, type Job } from '../../native-helpers/contract.ts'
import { LivecardError } from '../../native-helpers/errors.ts'
import { WorkState } from '../../native-helpers/imaging/flash-state.ts'
import { History } from '../../native-helpers/jobs/history.ts'
import { ProgressMeter } from '../../native-helpers/jobs/progress.ts'
import { Rate } from '../../native-helpers/jobs/rate.ts'
import { defaultStateFolder } from '../../native-helpers/jobs/state-folder.ts'
import { StayAwake } from '../../native-helpers/jobs/stay-awake.ts'
import { compareSums, digestsFor, sumCheck, sumsToCheck } from '../../native-helpers/jobs/sums.ts'
import { testFolder } from '../support/tools.ts'

function job(id: string, curve: Job['progress']['curve'] = []): Job {
  return {
    id,
    kind: 'flash',
    imageName: 'x.img',
    state: 'done',
    startedAt: 1,
    endedAt: 2,
    targets: [{ label: 'Card 8 GB', path: '/dev/sdx', state: 'done', writtenBytes: 1, verifiedBytes: 1, error: null }],
    checks: [],
    progress: {
      phase: 'ended',
      doneBytes: 1,
      totalBytes: 1,
      fraction: 1,
      bytesPerSecond: 0,
      averageBytesPerSecond: 1,
      secondsLeft: 0,
      limitedBy: null,
      skippedBytes: 0,
      curve,
    },
    error: null,
  }
}

test('the history gives ended jobs newest first, keeps 200, and passes over damaged lines', async (t) => {
  const folder = join(testFolder(t), 'deep', 'state')
  const history = new History(folder)
  assert.deepEqual(await history.list(), [])
  await history.append(job('one'))
  const file = join(folder, 'history.jsonl')
  appendFileSync(file, '{"id": "torn by a power fail')
  await history.append(job('two'))
  appendFileSync(file, '[]\nnull\n{"id":"three"}\n')
  assert.deepEqual(
    (await history.list()).map(({ id }) => id),
    ['two', 'one'],
  )
  for (let index = 0; index < 260; index += 1) void history.append(job(`n${index}`))
  const all = await history.list()
  assert.equal(all.length, 200)
  assert.equal(all[0]?.id, 'n259')
  assert.ok(readFileSync(file, 'utf8').split('\n').length <= 251)
})

test('a history that cannot be written fails no job', async (t) => {
  const folder = testFolder(t)
  writeFileSync(join(folder, 'file'), '')
  const history = new History(join(folder, 'file'))
  await history.append(job('one'))
  assert.deepEqual(await history.list(), [])
})

test('state lies where each system keeps it', () => {
  assert.equal(defaultStateFolder('linux', { HOME: '/home/u' }), '/home/u/.local/state/livecard')
  assert.equal(defaultStateFolder('linux', { HOME: '/home/u', XDG_STATE_HOME: '/s' }), '/s/livecard')
  assert.equal(defaultStateFolder('linux', { HOME: '/home/u', XDG_STATE_HOME: 'relative' }), '/home/u/.local/state/livecard')
  assert.equal(defaultStateFolder('darwin', { HOME: '/Users/u' }), '/Users/u/Library/Application Support/Livecard')
})

test('the computer is kept awake while any job holds on, by a child that does not outlive it', async () => {
  const awake = new StayAwake({ command: 'cat', args: [] })
  const first = awake.hold()
  const second = awake.hold()
  await sleep(50)
  const { pid } = awake
  assert.ok(pid !== null)
  first()
  first()
  process.kill(pid, 0)
  second()
  await sleep(200)
  assert.throws(() => process.kill(pid, 0))
  const missing = new StayAwake({ command: 'livecard-no-such-command', args: [] })
  missing.hold()()
  missing.hold()
  await sleep(50)
  assert.equal(missing.pid, null)
})

test('speed is that of the last two seconds, the average that of the phase, and the curve never has more than 200 points', () => {
  const rate = new Rate(0)
  for (let at = 100; at <= 10_000; at += 100) rate.add(at, at * 10, at * 10)
  for (let at = 10_100; at <= 12_500; at += 100) rate.add(at, 100_000 + (at - 10_000) * 40, 100_000 + (at - 10_000) * 40)
  assert.ok(Math.abs(rate.current - 40_000) < 2000, `${rate.current}`)
  assert.ok(Math.abs(rate.average - 16_000) < 100, `${rate.average}`)
  for (let at = 12_600; at <= 1_000_000; at += 100) rate.add(at, at, at)
  assert.ok(rate.curve.length <= 200 && rate.curve.length >= 50)
  assert.ok((rate.curve.at(-1)?.[0] ?? 0) > 900_000)
})

test('progress is 100 % only when the job succeeded, and never runs backwards', () => {
  const state = new WorkState(['a', 'b'], 1000, 500)
  const meter = new ProgressMeter(state, { writes: true, verifies: true, format: 'gzip' })
  const [a, b] = state.targets
  assert.ok(a && b)
  state.phase = 'writing'
  a.passedBytes = 1000
  b.passedBytes = 0
  assert.equal(meter.snapshot().fraction, 0.25)
  b.fail(new Error('x'))
  assert.equal(meter.snapshot().fraction, 0.5)
  a.passedBytes = 0
  assert.equal(meter.snapshot().fraction, 0.5)
  a.passedBytes = 1000
  state.phase = 'verifying'
  state.verifyBytes = 1000
  a.verifiedBytes = 1000
  const late = meter.snapshot()
  assert.ok((late.fraction ?? 1) < 1)
  assert.equal(late.doneBytes, 1000)
  assert.equal(meter.snapshot(true).fraction, 1)
})

test('where the length of the image is unknown, the packed part that was read says how far it is', () => {
  const state = new WorkState(['a'], null, 500)
  const meter = new ProgressMeter(state, { writes: true, verifies: false, format: 'gzip' })
  state.phase = 'writing'
  state.storedBytesRead = 250
  const { fraction, totalBytes } = meter.snapshot()
  assert.equal(fraction, 0.5)
  assert.equal(totalBytes, null)
  const endless = new WorkState(['a'], null, null)
  assert.equal(new ProgressMeter(endless, { writes: true, verifies: false, format: 'gzip' }).snapshot().fraction, null)
})

const sha = 'a'.repeat(64)
const facts = { sums: [] as ImageFacts['sums'] } as ImageFacts

function options(given: Partial<FlashOptions>): FlashOptions {
  return flashOptions.parse(given)
}

test('a given checksum is understood as people paste it, and refused when it cannot be one', () => {
  for (const text of [sha.toUpperCase(), `  ${sha}  debian.img`, `sha256:${sha}`, `SHA256=${sha}`]) {
    assert.equal(sumsToCheck(facts, options({ sha256: text }))[0]?.value, sha)
  }
  for (const text of ['', 'zz', sha.slice(1), `${sha}0`]) {
    if (text === '') continue
    assert.throws(() => sumsToCheck(facts, options({ sha256: text })), { code: 'checksum-malformed', kind: 'usage' })
  }
})

test('a sum of either kind fits the file or the image; each that differs is named', () => {
  const sums = sumsToCheck(
    { ...facts, sums: [{ algorithm: 'md5', value: 'B'.repeat(32), of: 'file', from: 'x.md5' }] },
    options({ sha256: sha }),
  )
  assert.deepEqual(digestsFor(sums), { file: ['sha256', 'md5'], content: ['sha256'] })
  const checks = sums.map(sumCheck)
  assert.deepEqual(
    checks.map(({ id }) => id),
    ['sum-sha256', 'sum-file-md5'],
  )
  const none = { sha256: null, md5: null }
  compareSums(sums, checks, { file: { ...none, md5: 'b'.repeat(32) }, content: { ...none, sha256: sha } }, 'm')
  assert.deepEqual(
    checks.map(({ state }) => state),
    ['ok', 'ok'],
  )
  assert.throws(
    () => compareSums(sums, checks, { file: { sha256: sha, md5: 'c'.repeat(32) }, content: none }, 'the card is unverified'),
    (thrown: unknown) =>
      thrown instanceof LivecardError &&
      thrown.code === 'checksum-mismatch' &&
      thrown.kind === 'data' &&
      thrown.meaning === 'the card is unverified',
  )
  assert.deepEqual(
    checks.map(({ state }) => state),
    ['ok', 'differs'],
  )
})
