import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { gzipSync, zstdDecompressSync } from 'node:zlib'
import type { ErrorValue, Report } from '../../native-helpers/contract.ts'
import { report as reportSchema } from '../../native-helpers/contract.ts'
import { createHandlers } from '../../native-helpers/handlers.ts'
import { inspect } from '../../native-helpers/jobs/inspect.ts'
import { saveBundle } from '../../native-helpers/jobs/inspect-bundle.ts'
import { createJobRunner } from '../../native-helpers/jobs/runner.ts'
import { cannotLoop, loopOf, withLoop } from '../support/devices.ts'
import { cannotMount } from '../support/kernel-mount.ts'
import { emptyCard } from '../support/many-volumes.ts'
import { makePlainCard, plainCardTools } from '../support/plain-card.ts'
import { jsonLines, runCli } from '../support/run-cli.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'

const MiB = 1024 * 1024
const main = fileURLToPath(new URL('../../native-helpers/cli/main.ts', import.meta.url))
const fixtures = fileURLToPath(new URL('../fixtures/dm-snapshot/', import.meta.url))

function sha256(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex')
}

async function errorOf(path: string, base: string | null = null): Promise<ErrorValue> {
  return inspect({ path, base }).then(
    () => assert.fail(`${path} was inspected`),
    (thrown) => thrown.toValue(),
  )
}

test('inspecting never writes: not to an image, not to a drive that is read-only, not to a mounted folder', async (t) => {
  const why = missingTools(...plainCardTools) ?? cannotLoop() ?? cannotMount()
  if (why) return t.skip(why)
  const folder = testFolder(t)
  const card = makePlainCard(folder)
  const before = { sum: sha256(card), time: statSync(card, { bigint: true }).mtimeNs }
  chmodSync(card, 0o444)
  const ofImage = reportSchema.parse(await inspect({ path: card }))
  const loop = loopOf(t, card, true)
  assert.match(tool('losetup', ['--noheadings', '--output', 'RO', loop.path]), /1/)
  const ofDrive = reportSchema.parse(await inspect({ path: loop.path }))
  assert.deepEqual({ sum: sha256(card), time: statSync(card, { bigint: true }).mtimeNs }, before)
  assert.deepEqual([ofImage.target.kind, ofDrive.target.kind], ['image', 'drive'])
  assert.deepEqual(ofDrive.partitions, ofImage.partitions)
  assert.deepEqual(ofDrive.findings, ofImage.findings)

  const stick = emptyCard(folder, 16 * MiB, 'stick.img')
  tool('mke2fs', ['-q', '-F', '-t', 'ext4', stick])
  const at = join(folder, 'mnt')
  mkdirSync(at)
  tool('mount', ['-o', 'loop', stick, at])
  writeFileSync(join(at, 'file'), 'content')
  const used = statSync(join(at, 'file'), { bigint: true }).atimeNs
  tool('mount', ['-o', 'remount,ro', at])
  const sum = sha256(stick)
  try {
    const ofFolder = reportSchema.parse(await inspect({ path: at }))
    assert.deepEqual([ofFolder.target.kind, ofFolder.findings.map(({ id }) => id)], ['folder', ['folder-unknown']])
    assert.equal(statSync(join(at, 'file'), { bigint: true }).atimeNs, used)
    assert.equal(sha256(stick), sum)
  } finally {
    tool('umount', ['-d', at])
  }
})

test('a drive that is mounted may be inspected, and stays mounted', async (t) => {
  const why = cannotLoop() ?? cannotMount() ?? missingTools('mke2fs', 'mount')
  if (why) return t.skip(why)
  const loop = withLoop(t, { sizeBytes: 32 * MiB })
  tool('mke2fs', ['-q', '-F', '-t', 'ext4', '-L', 'in use', loop.backing])
  const at = join(testFolder(t), 'mnt')
  mkdirSync(at)
  tool('mount', [loop.path, at])
  try {
    const { partitions, findings } = await inspect({ path: loop.path })
    assert.equal(partitions[0]?.label, 'in use')
    assert.ok(findings.some(({ id }) => id === 'ext-needs-recovery'))
    assert.equal(tool('findmnt', ['-n', '-o', 'SOURCE', at]).trim(), loop.path)
  } finally {
    tool('umount', [at])
  }
})

test('an overlay by itself is told, with its base as the kernel tells it', async (t) => {
  const truth = JSON.parse(readFileSync(join(fixtures, 'truth.json'), 'utf8')) as {
    overlays: Record<string, { dmsetup_status: string }>
  }
  const folder = testFolder(t)
  for (const [name, { dmsetup_status: status }] of Object.entries(truth.overlays)) {
    const overlay = join(folder, name)
    writeFileSync(overlay, zstdDecompressSync(readFileSync(join(fixtures, `${name}.overlay.zst`))))
    const alone = reportSchema.parse(await inspect({ path: overlay }))
    const based = reportSchema.parse(await inspect({ path: overlay, base: join(fixtures, 'squashfs.img') }))
    for (const { target, partitions } of [alone, based]) {
      assert.deepEqual([target.kind, partitions.map(({ fs }) => fs)], ['overlay', ['DM_snapshot_cow']])
    }
    assert.equal(based.overlays[0]?.snapshot?.dmsetupStatus, status, name)
  }
})

test('what is no target is a named error: absent, empty, packed, a pipe, a partition, a base where none belongs', async (t) => {
  const folder = testFolder(t)
  const empty = emptyCard(folder, 0, 'empty.img')
  const packed = join(folder, 'card.img.gz')
  writeFileSync(packed, gzipSync(Buffer.alloc(MiB)))
  const pipe = join(folder, 'pipe')
  tool('mkfifo', [pipe])
  const dangling = join(folder, 'dangling')
  symlinkSync(join(folder, 'nowhere'), dangling)
  const cases: [path: string, base: string | null, kind: string, code: string][] = [
    [join(folder, 'absent.img'), null, 'usage', 'target-not-found'],
    [join(empty, 'below'), null, 'usage', 'target-not-found'],
    [dangling, null, 'usage', 'target-not-found'],
    [empty, null, 'data', 'target-empty'],
    [packed, null, 'usage', 'target-packed'],
    [pipe, null, 'usage', 'target-no-card'],
    ['/dev/null', null, 'usage', 'target-no-card'],
    [folder, empty, 'usage', 'base-not-meant'],
    [emptyCard(folder, MiB), join(folder, 'absent.sqfs'), 'usage', 'target-not-found'],
    [emptyCard(folder, MiB), folder, 'usage', 'base-no-file'],
    [emptyCard(folder, MiB), empty, 'data', 'target-empty'],
  ]
  for (const [path, base, kind, code] of cases) {
    const error = await errorOf(path, base)
    assert.deepEqual([error.kind, error.code], [kind, code], path)
    assert.match(error.meaning, /Nothing was changed/)
  }
})

test('a file or drive that this user may not read ends with 5', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('becoming another user needs root')
  const why = cannotLoop() ?? missingTools('setpriv')
  if (why) return t.skip(why)
  const folder = testFolder(t)
  const card = emptyCard(folder, MiB)
  const loop = loopOf(t, card, true)
  chmodSync(folder, 0o755)
  chmodSync(card, 0o600)
  // The number of a loop device may have been another test's, which gave it away.
  chownSync(loop.path, 0, 0)
  for (const [path, code] of [
    [card, /^target-not-readable$/],
    [loop.path, /^privilege-/],
  ] as const) {
    const words = ['--reuid=65534', '--regid=65534', '--clear-groups', process.execPath, main, 'inspect', '--json', path]
    const ran = spawnSync('setpriv', words, { encoding: 'utf8', env: { PATH: process.env.PATH, HOME: '/nonexistent' } })
    if (/Cannot find module|EACCES.*native-helpers/.test(ran.stderr)) return t.skip('the checkout is not readable for others')
    assert.equal(ran.status, 5, ran.stderr)
    assert.match((jsonLines(ran.stdout)[0] as { error: ErrorValue }).error.code, code)
  }
})

test('the serial number of a drive is in a bundle only where it is agreed to', async (t) => {
  const why = cannotLoop() ?? missingTools('tar', 'mke2fs')
  if (why) return t.skip(why)
  const folder = testFolder(t)
  const loop = withLoop(t, { sizeBytes: 32 * MiB })
  tool('mke2fs', ['-q', '-F', loop.backing])
  for (const serials of [false, true]) {
    const to = join(folder, `${serials}.tar.gz`)
    const { path } = await saveBundle({ path: loop.path, to, serials })
    const drive = JSON.parse(tool('tar', ['-xzOf', path, 'livecard-support/drive.json'])) as Record<string, unknown>
    assert.equal('serial' in drive, serials)
    assert.equal(drive.sizeBytes, 32 * MiB)
  }
})

test('it can be stopped at any time, and ends by itself where it takes too long', async (t) => {
  const why = missingTools(...plainCardTools)
  if (why) return t.skip(why)
  const card = makePlainCard(testFolder(t))
  for (const afterMs of [0, 1, 5, 20, 60]) {
    const controller = new AbortController()
    const ended = inspect({ path: card }, { signal: controller.signal }).then(
      () => 'done',
      (thrown) => thrown.code,
    )
    setTimeout(() => controller.abort(), afterMs)
    assert.match(await ended, /^(done|cancelled)$/)
  }
  await assert.rejects(inspect({ path: card }, { timeLimitMs: 1 }), { code: 'inspect-too-long', kind: 'failed' })
})

test('the contract inspects, stops by the ticket, and stops what a caller that is gone had asked for', async (t) => {
  const why = missingTools(...plainCardTools)
  if (why) return t.skip(why)
  const folder = testFolder(t)
  const card = makePlainCard(folder)
  const runner = createJobRunner({ stateFolder: folder })
  t.after(() => runner.close())
  const handlers = createHandlers(runner)
  const closers: (() => void)[] = []
  const caller = { emit() {}, onClose: (listener: () => void) => void closers.push(listener) }
  const ask = (ticket: string) =>
    Promise.resolve(handlers['cards.inspect']({ path: card, base: null, ticket }, caller)).then(
      (report: Report) => report.target.kind,
      (thrown) => thrown.code,
    )
  assert.equal(await ask('a'), 'image')
  const stopped = [ask('b'), ask('c'), ask('b')]
  handlers['cards.stop']({ ticket: 'b' }, caller)
  assert.deepEqual(await Promise.all(stopped), ['cancelled', 'image', 'cancelled'])
  const orphans = Promise.all([ask('d'), ask('e'), ask('f')])
  for (const close of closers) close()
  assert.deepEqual(await orphans, ['cancelled', 'cancelled', 'cancelled'])
  assert.equal(closers.length, 1)
})

test('a support bundle holds the report and the tables, no files of the card, and never replaces a file', async (t) => {
  const why = missingTools(...plainCardTools, 'tar', 'sfdisk')
  if (why) return t.skip(why)
  const folder = testFolder(t)
  const card = makePlainCard(folder)
  const secret = 'a line of a letter that nobody else may read'
  const place = `${card}?offset=${33 * MiB}`
  writeFileSync(join(folder, 'letter'), secret)
  tool('debugfs', ['-w', '-R', `write ${join(folder, 'letter')} letter-to-anna.txt`, place])
  const to = join(folder, 'bundle.tar.gz')
  const first = await runCli(['inspect', card, '--bundle', to, '--json'])
  const second = await runCli(['inspect', card, '--bundle', to])
  assert.deepEqual([first.code, second.code], [0, 0], first.stderr)
  assert.match(second.stderr, /bundle-2\.tar\.gz/)
  const unpacked = join(folder, 'unpacked')
  mkdirSync(unpacked)
  tool('tar', ['-xzf', to, '-C', unpacked])
  const inside = join(unpacked, 'livecard-support')
  assert.deepEqual(readdirSync(inside).sort(), [
    'README.txt',
    'environment.json',
    'history.jsonl',
    'pieces.json',
    'report.json',
    'tables',
    'volumes',
  ])
  const saved = reportSchema.parse(JSON.parse(readFileSync(join(inside, 'report.json'), 'utf8')))
  assert.deepEqual(saved.partitions, reportSchema.parse(jsonLines(first.stdout)[0]).partitions)
  const sectors = readFileSync(join(inside, 'tables', 'first-sectors.bin'))
  assert.deepEqual(sectors, readFileSync(card).subarray(0, 34 * 512))
  assert.deepEqual(readdirSync(join(inside, 'volumes')), ['1-vfat-boot-sector.bin', '2-ext4-superblock.bin'])
  const everything = tool('tar', ['-xzOf', to])
  assert.equal(everything.includes(secret) || everything.includes('letter-to-anna'), false)
  for (const bad of ['/proc/bundle.tar.gz', join(folder, 'absent', 'bundle.tar.gz')]) {
    assert.equal((await runCli(['inspect', card, '--bundle', bad])).code, 2, bad)
  }
})
