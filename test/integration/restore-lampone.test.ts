/** What was saved of a card, by us, by GNU tar or by bsdtar, comes back as the kernel showed it. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext, test } from 'node:test'
import { type Left, treeDifferences } from '../support/ext-tree-facts.ts'
import { cannotMount } from '../support/kernel-mount.ts'
import { copyOfCard, type LamponeCard, type LamponeOptions, makeLampone, uuidOf } from '../support/lampone.ts'
import { cannotAil } from '../support/lampone-ailments.ts'
import { filesOf, inPlace, withoutFree } from '../support/restore.ts'
import { writeRichTree } from '../support/rich-tree.ts'
import { jsonLines, runCli } from '../support/run-cli.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'
import { cannotWasm } from '../support/wasm.ts'

const needs = ['e2fsck', 'dumpe2fs', 'tar', 'bsdtar', 'zstd', 'setfattr', 'getfattr', 'setfacl', 'setcap', 'fallocate']
const skip = cannotAil() ?? cannotMount() ?? cannotWasm() ?? missingTools(...needs) ?? false

const folder = mkdtempSync(join(tmpdir(), 'livecard-restore-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const made = new Map<string, LamponeCard>()
function cardOf(t: TestContext, wanted: Partial<LamponeOptions> = {}): LamponeCard {
  const options: LamponeOptions = { layout: 'lampone', bootMiB: 16, kernelMiB: 8, persistenceMiB: 96, ...wanted }
  const key = JSON.stringify(options)
  const card = made.get(key) ?? makeLampone(folder, options)
  made.set(key, card)
  const copy = copyOfCard(card, folder)
  t.after(() => rmSync(copy.path))
  return copy
}

const within = <T>(card: LamponeCard, how: string, use: (inside: string) => T): T => inPlace(card.path, card.persistence, how, use)
const changesOf = (card: LamponeCard) => within(card, 'ro,noatime', (inside) => filesOf(join(inside, 'rw')))
const sha256 = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex')
const checked = ({ path, persistence }: LamponeCard) => tool('e2fsck', ['-f', '-n', `${path}?offset=${persistence.startBytes}`])

function richCard(t: TestContext): LamponeCard {
  const card = cardOf(t, { changes: 'empty' })
  within(card, 'rw', (inside) => {
    writeRichTree(join(inside, 'rw'), { wideTimes: true, reserves: false })
    tool('mknod', [join(inside, 'rw/gone'), 'c', '0', '0'])
    tool('ln', [join(inside, 'rw/gone'), join(inside, 'rw/gone too')])
    mkdirSync(join(inside, 'rw/moved'))
    tool('setfattr', ['-n', 'trusted.overlay.redirect', '-v', '/from', join(inside, 'rw/moved')])
    tool('setfattr', ['-n', 'trusted.overlay.opaque', '-v', 'y', join(inside, 'rw')])
  })
  return card
}

function restore(file: string, card: LamponeCard, ...words: string[]) {
  return runCli(['restore', file, card.path, '--yes', '--json', '--undo', `${card.path}.undo`, ...words])
}

type Answer = { error: { code: string; message: string } | null }
const answerOf = (stdout: string) => jsonLines(stdout).at(-1) as Answer

async function undone(card: LamponeCard): Promise<void> {
  const { code, stderr } = await runCli(['undo', `${card.path}.undo`, '--yes'])
  assert.equal(code, 0, stderr)
  rmSync(`${card.path}.undo`)
}

interface Archiver {
  name: string
  file: string
  left: Left
  /** What the archive itself does not have. */
  lost?: string[]
  save(card: LamponeCard, file: string): Promise<void>
}

/** Neither keeps that two names are the same device file. */
const devicesApart = ['./gone: links 2 1', './gone too: links 2 1']

/** Times of the last access are in our own archives only. */
const archivers: Archiver[] = [
  ...['rw.tar', 'rw.tar.gz', 'rw.tar.zst'].map((file) => ({
    name: `our ${file}`,
    file,
    left: [],
    async save({ path }: LamponeCard, to: string) {
      const { code, stderr } = await runCli(['backup', path, to])
      assert.equal(code, 0, stderr)
    },
  })),
  {
    name: 'GNU tar with text lists, zstd',
    file: 'gnu.tar.zst',
    left: ['accessed'],
    lost: devicesApart,
    async save(card, file) {
      const how = ['--format=posix', '--sparse', '--xattrs', '--xattrs-include=*', '--acls', '--numeric-owner', '--zstd']
      within(card, 'ro', (inside) => tool('tar', ['-cf', file, ...how, '-C', inside, 'rw']))
    },
  },
  {
    name: 'GNU tar from inside of the folder',
    file: 'inside.tar',
    left: ['accessed'],
    lost: devicesApart,
    async save(card, file) {
      const how = ['--format=posix', '--xattrs', '--xattrs-include=*', '--sparse', '--numeric-owner']
      within(card, 'ro', (inside) => tool('tar', ['-cf', file, ...how, '-C', join(inside, 'rw'), '.']))
    },
  },
  {
    name: 'bsdtar',
    file: 'bsd.tar.gz',
    left: ['accessed'],
    // A time before 1970 that is no whole second is written as another one.
    lost: [...devicesApart, './plain/d0: modified "-1830384000 500000000" "-1830384001 500000000"'],
    async save(card, file) {
      within(card, 'ro', (inside) => tool('bsdtar', ['-czf', file, '--format=pax', '--numeric-owner', '-C', inside, 'rw']))
    },
  },
]

for (const { name, file, left, lost = [], save } of archivers)
  test(`${name}: every file comes back with all that is known of it, and is taken back`, { skip }, async (t) => {
    const archive = join(testFolder(t), file)
    const from = richCard(t)
    await save(from, archive)
    const before = changesOf(from)
    const card = cardOf(t, { changes: 'some' })
    within(card, 'rw', (inside) => {
      mkdirSync(join(inside, 'work/work'), { recursive: true })
      writeFileSync(join(inside, 'work/work/left'), 'left')
    })
    const unused = withoutFree(card.path, card.persistence)
    const { code, stderr } = await restore(archive, card)
    assert.equal(code, 0, stderr)
    checked(card)
    const restored = changesOf(card)
    assert.ok(restored.size > 700)
    assert.deepEqual(treeDifferences(before, restored, left).sort(), [...lost].sort())
    within(card, 'ro', (inside) => {
      assert.deepEqual(readdirSync(join(inside, 'work')), [])
      assert.equal(readFileSync(join(inside, 'persistence.conf'), 'utf8'), '/ union\n')
      assert.deepEqual(readdirSync(inside).sort(), ['lost+found', 'persistence.conf', 'rw', 'work'])
    })
    const keptBytes = statSync(`${card.path}.undo`).size
    assert.ok(keptBytes < 8_000_000, `what was free is not kept: ${keptBytes}`)
    await undone(card)
    // Every byte but those of blocks that were free before, and are again.
    assert.equal(Buffer.compare(withoutFree(card.path, card.persistence), unused), 0)
  })

test('some paths are put over what is there, and the rest stays', { skip }, async (t) => {
  const from = richCard(t)
  const archive = join(testFolder(t), 'rw.tar.zst')
  assert.equal((await runCli(['backup', from.path, archive])).code, 0)
  const card = cardOf(t, { changes: 'some' })
  within(card, 'rw', (inside) => {
    mkdirSync(join(inside, 'rw/plain'))
    writeFileSync(join(inside, 'rw/plain/mine'), 'mine')
    writeFileSync(join(inside, 'rw/owned'), 'other')
  })
  const before = changesOf(card)
  const { code, stdout, stderr } = await restore(archive, card, '--only', 'rw/plain/d0', '--only', '/owned', '--only', 'links')
  assert.equal(code, 2, 'a further name without its file')
  assert.match(stderr, /"rw\/links\/name-\d" is a further name of "rw\//, stdout)
  const again = await restore(archive, card, '--only', 'rw/plain/d0', '--only', '/owned')
  assert.equal(again.code, 0, again.stderr)
  checked(card)
  const [source, after] = [changesOf(from), changesOf(card)]
  const chosen = (path: string) => path === './owned' || path === './plain/d0' || path.startsWith('./plain/d0/')
  const some = (all: typeof source, which: (path: string) => boolean) => new Map([...all].filter(([path]) => which(path)))
  assert.deepEqual(treeDifferences(some(source, chosen), some(after, chosen), ['links']), [])
  const others = (path: string) => !chosen(path)
  assert.deepEqual(treeDifferences(some(before, others), some(after, others), ['links', 'modified']), [])
  await undone(card)
  assert.deepEqual(treeDifferences(before, changesOf(card)), [])

  for (const mark of ['gone', 'gone too']) {
    const { code, stderr } = await restore(archive, card, '--only', mark)
    assert.equal(code, 0, stderr)
    const put = changesOf(card).get(`./${mark}`)
    assert.deepEqual(put, { ...source.get(`./${mark}`), links: 1 }, 'a mark that shares its node with another is one by itself')
    await undone(card)
  }

  const missing = await restore(archive, card, '--only', 'rw/nothing/here')
  assert.equal(answerOf(missing.stdout).error?.code, 'only-impossible')
  within(card, 'rw', (inside) => {
    rmSync(join(inside, 'rw/owned'))
    mkdirSync(join(inside, 'rw/owned'))
  })
  const inWay = await restore(archive, card, '--only', 'owned')
  assert.equal(answerOf(inWay.stdout).error?.code, 'restore-folder-in-way')
  assert.ok(!existsSync(`${card.path}.undo`))
})

test('an archive that goes on from another needs that one first, and then is the card as it was', { skip }, async (t) => {
  const from = cardOf(t, { changes: 'some' })
  const [first, second] = [join(testFolder(t), 'first.tar'), join(testFolder(t), 'second.tar')]
  assert.equal((await runCli(['backup', from.path, first])).code, 0)
  within(from, 'rw', (inside) => {
    writeFileSync(join(inside, 'rw/new'), 'new')
    const [name = ''] = readdirSync(join(inside, 'rw')).filter((one) => one !== 'new')
    rmSync(join(inside, 'rw', name), { recursive: true })
  })
  const saved = await runCli(['backup', from.path, second, '--since', first])
  assert.equal(saved.code, 0, saved.stderr)
  const card = cardOf(t, { changes: 'empty' })
  const early = await restore(second, card)
  assert.equal(answerOf(early.stdout).error?.code, 'restore-base-missing')
  assert.equal((await restore(first, card)).code, 0)
  rmSync(`${card.path}.undo`)
  within(card, 'rw', (inside) => writeFileSync(join(inside, 'rw/later'), 'later'))
  const { code, stderr } = await restore(second, card)
  assert.equal(code, 0, stderr)
  checked(card)
  assert.deepEqual(treeDifferences(changesOf(from), changesOf(card)), [])
})

test('without room, or without a place, it is said before anything changes', { skip }, async (t) => {
  const card = cardOf(t, { changes: 'empty', persistenceMiB: 48, inodes: 64 })
  const before = sha256(card.path)
  const inside = testFolder(t)
  mkdirSync(join(inside, 'rw'))
  writeFileSync(join(inside, 'rw/large'), Buffer.alloc(60_000_000, 'x'))
  const large = join(inside, 'large.tar')
  tool('tar', ['-cf', large, '-C', inside, 'rw'])
  rmSync(join(inside, 'rw/large'))
  for (let index = 0; index < 100; index += 1) writeFileSync(join(inside, 'rw', `file-${index}`), '')
  const many = join(inside, 'many.tar')
  tool('tar', ['-cf', many, '-C', inside, 'rw'])
  const elsewhere = join(inside, 'elsewhere.tar')
  tool('tar', ['-cf', elsewhere, '-C', join(inside, 'rw'), 'file-1', 'file-2'])
  const absolute = join(inside, 'absolute.tar')
  tool('tar', ['-cPf', absolute, join(inside, 'rw')])
  const cut = join(inside, 'cut.tar.gz')
  writeFileSync(cut, readFileSync(many).subarray(0, 20_000))
  for (const [file, code, message] of [
    [absolute, 'archive-member-refused', new RegExp(`"${inside}/rw/"`)],
    [cut, 'archive-damaged', /ends within|cut off/],
    [large, 'restore-no-room', /are missing/],
    [many, 'restore-no-inodes', /are missing/],
    [elsewhere, 'restore-does-not-fit', /"file-1".*"rw", "persistence"/],
    [join(inside, 'none.tar'), 'archive-not-found', /none\.tar/],
  ] as const) {
    const { error } = answerOf((await restore(file, card)).stdout)
    assert.equal(error?.code, code)
    assert.match(error?.message ?? '', message)
  }
  assert.equal(sha256(card.path), before)
  assert.ok(!existsSync(`${card.path}.undo`))
  const { code, stderr } = await restore(elsewhere, card, '--what', 'rw')
  assert.equal(code, 0, stderr)
  assert.deepEqual([...changesOf(card).keys()], ['.', './file-1', './file-2'])
})

test('with its kernel a card is as the saved one, and the plan says where they differ', { skip }, async (t) => {
  const archive = join(testFolder(t), 'rw.tar.zst')
  const from = cardOf(t, { upgraded: true })
  assert.equal((await runCli(['backup', from.path, archive, '--with-kernel'])).code, 0)
  const card = cardOf(t)
  const { stdout: plan } = await runCli(['restore', archive, card.path, '--plan'])
  assert.match(plan, new RegExp(`beside the kernel ${from.kernelVersion}.*--with-kernel`))
  const { code, stdout, stderr } = await restore(archive, card, '--with-kernel')
  assert.equal(code, 0, stderr)
  const { report } = jsonLines(stdout).at(-1) as {
    report: { kernels: { where: string; version: string }[]; findings: { id: string }[] }
  }
  assert.equal(report.kernels.find(({ where }) => where === 'kernel')?.version, from.kernelVersion)
  assert.deepEqual(
    report.findings.map(({ id }) => id),
    ['kernel-updated'],
  )
  assert.equal(uuidOf(card.path, card.kernel), card.kernelUuid)
  checked(card)
  await undone(card)
  const without = join(testFolder(t), 'without.tar')
  assert.equal((await runCli(['backup', from.path, without])).code, 0)
  assert.equal(answerOf((await restore(without, card, '--with-kernel')).stdout).error?.code, 'restore-no-kernel')
})

test('an archive of some files alone takes nothing away from what is there', { skip }, async (t) => {
  const from = cardOf(t, { changes: 'empty' })
  within(from, 'rw', (inside) => {
    mkdirSync(join(inside, 'rw/some'))
    writeFileSync(join(inside, 'rw/some/file'), 'saved')
    writeFileSync(join(inside, 'rw/other'), 'other')
  })
  const [ours, theirs] = [join(testFolder(t), 'some.tar'), join(testFolder(t), 'theirs.tar')]
  const saved = await runCli(['backup', from.path, ours, '--only', 'rw/some'])
  assert.equal(saved.code, 0, saved.stderr)
  within(from, 'ro', (inside) => tool('tar', ['-cf', theirs, '-C', inside, 'rw/some']))
  for (const archive of [ours, theirs]) {
    const card = cardOf(t, { changes: 'some' })
    const before = changesOf(card)
    const { code, stderr } = await restore(archive, card)
    assert.equal(code, 0, stderr)
    checked(card)
    const after = changesOf(card)
    assert.ok(after.has('./some/file') && !after.has('./other'))
    for (const path of before.keys()) assert.ok(after.has(path), path)
    rmSync(`${card.path}.undo`)
  }
})
