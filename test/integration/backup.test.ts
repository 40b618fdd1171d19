/** Saving cards: increments, bad places, bad disks, wrong names, and stopping. */
import assert from 'node:assert/strict'
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import type { BlockDevice } from '../../native-helpers/block/device.ts'
import { openFileDevice } from '../../native-helpers/block/file-device.ts'
import type { BackupJob } from '../../native-helpers/contract.ts'
import { LivecardError } from '../../native-helpers/errors.ts'
import { chosenOf } from '../../native-helpers/jobs/backup/choice.ts'
import { itemsOf } from '../../native-helpers/jobs/backup/items.ts'
import { writeArchive } from '../../native-helpers/jobs/backup/write.ts'
import { openBackup } from '../../native-helpers/jobs/backup.ts'
import { CardBackups } from '../../native-helpers/jobs/card-backups.ts'
import { openCard } from '../../native-helpers/systems/card.ts'
import { firstDetection } from '../../native-helpers/systems/first-detection.ts'
import { extractAll, manifestOf, saved } from '../support/backup.ts'
import { cannotMount, mounted } from '../support/kernel-mount.ts'
import { copyOfCard, type LamponeCard, makeLampone } from '../support/lampone.ts'
import { jsonLines, runCli } from '../support/run-cli.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'

const skip = missingTools('mke2fs', 'sfdisk', 'xorriso', 'mksquashfs', 'mkfs.vfat', 'tar', 'debugfs') ?? false
const skipMount = skip || (cannotMount() ?? false)

let made: LamponeCard | null = null
const folderOfAll = { path: '' }

/** Made once; nobody writes to it. */
function card(): LamponeCard {
  if (!made) {
    folderOfAll.path = join(tool('mktemp', ['-d']).trim())
    made = makeLampone(folderOfAll.path, { layout: 'lampone', upgraded: true })
    process.once('exit', () => rmSync(folderOfAll.path, { recursive: true, force: true }))
  }
  return made
}

function changing({ path, persistence }: LamponeCard, work: (rw: string) => void): void {
  mounted(path, `rw,offset=${persistence.startBytes},sizelimit=${persistence.sizeBytes}`, (folder) => work(join(folder, 'rw')))
}

test('an increment holds what differs, and names what is gone', { skip: skipMount }, async (t) => {
  const mine = copyOfCard(card(), testFolder(t))
  const folder = testFolder(t)
  const names = (archive: string) => tool('tar', ['--list', '--file', archive]).split('\n').filter(Boolean)
  const first = join(folder, 'first.tar.gz')
  await saved({ path: mine.path }, first)
  changing(mine, (rw) => {
    writeFileSync(join(rw, 'home/user/new.txt'), 'new')
    appendFileSync(join(rw, 'home/user/letter.txt'), ', and more')
    rmSync(join(rw, 'etc/fstab'))
    tool('chmod', ['600', join(rw, 'home/user/photo.jpg')])
  })
  const second = join(folder, 'second.tar.zst')
  await saved({ path: mine.path }, second, { since: first })
  assert.deepEqual(names(second), [
    ...['.livecard/manifest.json', '.livecard/removed', 'rw/', 'rw/etc/', 'rw/home/', 'rw/home/user/', 'rw/home/user/letter.txt'],
    // Both names of the file whose rights were changed, though only one of them was named in doing so.
    ...['rw/home/user/photo.jpg', 'rw/home/user/same photo.jpg', 'rw/home/user/new.txt'],
  ])
  const out = testFolder(t)
  extractAll(second, out)
  assert.equal(readFileSync(join(out, '.livecard/removed'), 'utf8'), 'rw/etc/fstab\0')
  const { since, files } = manifestOf(second)
  assert.equal(since?.removed, 1)
  const before = new Map(manifestOf(first).files.map((file) => [file.path, file]))
  for (const file of files) {
    const inArchive = names(second).includes(file.kind === 'folder' ? `${file.path}/` : file.path)
    assert.equal(file.stored, inArchive, file.path)
    if (!file.stored && file.kind === 'file') assert.equal(file.sha256, before.get(file.path)?.sha256, file.path)
  }
  // The one over the other is the card as it is now.
  const both = testFolder(t)
  for (const archive of [first, second]) extractAll(archive, both)
  rmSync(join(both, 'rw/etc/fstab'))
  const compare = (rw: string) => tool('diff', ['-r', '--no-dereference', '--exclude=motd', '--exclude=tool', rw, join(both, 'rw')])
  changing(mine, (rw) => assert.equal(compare(rw), ''))
  // A third one after nothing has happened, by the manifest alone.
  const manifest = join(folder, 'manifest.json')
  writeFileSync(manifest, tool('tar', ['--extract', '--to-stdout', '--file', second, '.livecard/manifest.json']))
  const third = join(folder, 'third.tar')
  await saved({ path: mine.path }, third, { since: manifest })
  assert.deepEqual(names(third), ['.livecard/manifest.json', '.livecard/removed'])
  assert.ok(manifestOf(third).files.every(({ stored }) => !stored))
})

test('an increment of another card, or of something else, is refused', { skip }, async (t) => {
  const folder = testFolder(t)
  const other = makeLampone(folder, { layout: 'lampone' })
  const first = join(folder, 'first.tar')
  await saved({ path: other.path }, first)
  const again = (since: string) => saved({ path: card().path }, join(folder, 'second.tar'), { since })
  await assert.rejects(again(first), { code: 'backup-other-card' })
  for (const [name, content] of [
    ['text', 'no archive'],
    ['empty', ''],
    ['cut', readFileSync(first).subarray(0, 1500)],
    ['braces', '{"format":1}'],
    ['tar', tool('tar', ['--create', '--directory', '/etc', 'hostname'])],
    ['packed', Buffer.from([0x1f, 0x8b, 8, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10])],
  ] as const) {
    writeFileSync(join(folder, name), content)
    await assert.rejects(again(join(folder, name)), { code: 'backup-unknown' }, name)
  }
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.startsWith('second')),
    [],
  )
})

/** The persistence of a card through a device of our own, saved in this thread. */
async function savedThrough(device: (below: BlockDevice) => BlockDevice, file: string) {
  const below = openFileDevice({ path: card().path, writable: false })
  try {
    const opened = await openCard({ kind: 'file', path: card().path, device: device(below) })
    const detection = (await firstDetection(opened)) ?? assert.fail('the card is not recognised')
    const parts = (await detection.backups?.())?.parts.slice(0, 1) ?? []
    const chosen = chosenOf(
      parts.map((part) => itemsOf(part, () => {})),
      [],
      null,
    )
    return await writeArchive({
      ...{ card: opened, detection, chosen, only: [], kernel: null, since: null },
      ...{ path: file, packing: 'none', madeAt: 1_700_000_000_000, tick() {} },
    })
  } finally {
    below.close()
  }
}

/** Where a file's first block lies on the card. */
function placeOf(path: string): number {
  const { persistence } = card()
  const part = `${card().path}?offset=${persistence.startBytes}`
  const [block = ''] = tool('debugfs', ['-R', `blocks "/rw/${path}"`, part])
    .trim()
    .split(' ')
  return persistence.startBytes + Number(block) * 4096
}

test('a bad place on the card costs what stands there, and is named', { skip }, async (t) => {
  const bad = placeOf('home/user/photo.jpg') + 8192
  const folder = testFolder(t)
  const archive = join(folder, 'card.tar')
  const result = await savedThrough(
    (below) => ({
      ...below,
      readSync(into, offset) {
        if (offset < bad + 512 && offset + into.length > bad)
          throw new LivecardError('failed', 'drive-io', { message: 'The card cannot be read here.', meaning: '', next: '' })
        below.readSync(into, offset)
      },
    }),
    archive,
  )
  assert.equal(result.unread, 1)
  assert.deepEqual(result.left, [{ path: 'rw/home/user/photo.jpg', why: '4096 bytes at 8192 cannot be read' }])
  const files = new Map(manifestOf(archive).files.map((file) => [file.path, file]))
  assert.equal(files.get('rw/home/user/photo.jpg')?.sha256, null)
  assert.match(files.get('rw/home/user/letter.txt')?.sha256 ?? '', /^[0-9a-f]{64}$/)
  extractAll(archive, folder)
  const [one, other] = [join(testFolder(t), 'whole.tar'), testFolder(t)]
  await saved({ path: card().path }, one)
  extractAll(one, other)
  const whole = readFileSync(join(other, 'rw/home/user/photo.jpg')).fill(0, 8192, 12288)
  assert.ok(readFileSync(join(folder, 'rw/home/user/photo.jpg')).equals(whole))
  assert.deepEqual(JSON.parse(readFileSync(join(folder, '.livecard/unread.json'), 'utf8')), [
    {
      path: 'rw/home/user/photo.jpg',
      why: '4096 bytes at 8192 cannot be read',
      ranges: [{ offset: 8192, lengthBytes: 4096 }],
    },
  ])
})

test('a card that is pulled out leaves no archive', { skip }, async (t) => {
  const folder = testFolder(t)
  let reads = 0
  let last = Number.POSITIVE_INFINITY
  const gone = (below: BlockDevice): BlockDevice => ({
    ...below,
    readSync(into, offset) {
      reads += 1
      if (reads > last) throw new LivecardError('failed', 'drive-vanished', { message: 'The card is gone.', meaning: '', next: '' })
      below.readSync(into, offset)
    },
  })
  await savedThrough(gone, join(folder, 'whole.tar'))
  const all = reads
  for (const share of [0.2, 0.9, 0.99]) {
    reads = 0
    last = Math.floor(all * share)
    await assert.rejects(savedThrough(gone, join(folder, 'card.tar')), { code: 'drive-vanished' })
  }
  assert.deepEqual(readdirSync(folder), ['whole.tar'])
})

test('a disk that gets full is named, and nothing is left on it', { skip: skipMount }, async (t) => {
  const image = join(testFolder(t), 'small.img')
  writeFileSync(image, '')
  truncateSync(image, 2 * 1024 * 1024)
  tool('mke2fs', ['-q', '-F', '-t', 'ext4', '-O', '^has_journal', image])
  const folder = testFolder(t)
  tool('mount', ['-o', 'loop', image, folder])
  try {
    for (const ending of ['tar', 'tar.gz']) {
      const { code, stderr } = await runCli([
        'backup',
        card().path,
        join(folder, `card.${ending}`),
        '--what',
        'persistence',
        '--with-kernel',
      ])
      if (ending === 'tar') assert.match(stderr, /its disk is full/)
      assert.equal(code, ending === 'tar' ? 1 : 0, stderr)
      assert.deepEqual(
        readdirSync(folder).filter((name) => name.endsWith('.part')),
        [],
      )
      assert.equal(existsSync(join(folder, 'card.tar')), false)
    }
  } finally {
    tool('umount', ['-d', folder])
  }
})

test('names and choices that cannot be are refused, before anything is written', { skip }, async (t) => {
  const folder = testFolder(t)
  const { path } = card()
  writeFileSync(join(folder, 'there.tar'), 'mine')
  writeFileSync(join(folder, 'cut.tar.part'), 'mine')
  writeFileSync(join(folder, 'no-card'), Buffer.alloc(1024 * 1024))
  for (const [code, exit, ...args] of [
    ['bad-arguments', 2, path],
    ['backup-name', 2, path, join(folder, 'card.zip')],
    ['backup-exists', 3, path, join(folder, 'there.tar')],
    ['backup-part-exists', 3, path, join(folder, 'cut.tar')],
    ['folder-not-found', 2, path, join(folder, 'none/card.tar')],
    ['folder-not-found', 2, path, '/proc/card.tar'],
    ['backup-what', 2, path, join(folder, 'x.tar'), '--what', 'home'],
    ['backup-path', 2, path, join(folder, 'x.tar'), 'rw/nothing'],
    ['backup-nothing', 1, join(folder, 'no-card'), join(folder, 'x.tar')],
    ['target-not-found', 2, join(folder, 'nowhere'), join(folder, 'x.tar')],
  ] as const) {
    const ran = await runCli(['backup', ...args, '--json'])
    assert.equal(ran.code, exit, `${code}: ${ran.stderr}`)
    const [result] = jsonLines(ran.stdout).slice(-1) as { error?: { code: string } }[]
    assert.equal(result?.error?.code, code)
  }
  assert.deepEqual(readdirSync(folder).sort(), ['cut.tar.part', 'no-card', 'there.tar'])
  assert.equal(readFileSync(join(folder, 'there.tar'), 'utf8'), 'mine')
})

test('the list shows what would be saved, and saves nothing', { skip }, async () => {
  const { path } = card()
  const ran = await runCli(['backup', path, '--list', '--json'])
  assert.equal(ran.code, 0, ran.stderr)
  const [shown] = jsonLines(ran.stdout) as {
    estimate: { files: number }
    files: { path: string; kind: string }[]
    hasKernel: boolean
  }[]
  assert.equal(shown?.hasKernel, true)
  assert.equal(shown?.estimate.files, shown?.files.filter(({ kind }) => kind !== 'folder').length)
  assert.ok(shown?.files.some(({ path: one, kind }) => one === 'rw/usr/bin/tool' && kind === 'deleted'))
  const plain = await runCli(['backup', path, 'x.tar', '--list', '--only', 'rw/home/user', '--only', 'rw/etc'])
  assert.match(plain.stdout, /^ +3000000 {2}rw\/home\/user\/photo\.jpg$/m)
  assert.match(plain.stdout, /deleted {2}rw\/etc\/motd$/m)
  assert.doesNotMatch(plain.stdout, /usr\/bin/)
  assert.equal(existsSync('x.tar'), false)
})

test('the interfaces look at a card, open folders, choose, save and stop', { skip }, async (t) => {
  const backups = new CardBackups()
  t.after(() => backups.stopAll())
  const folder = testFolder(t)
  const seen: BackupJob[] = []
  backups.onJob((job) => seen.push(job))
  const look = await backups.open({ path: card().path }, {})
  assert.deepEqual(
    [look.system.id, look.hasKernel, look.parts.map(({ what, isDefault }) => [what, isDefault])],
    [
      'lampone',
      true,
      [
        ['rw', true],
        ['persistence', false],
      ],
    ],
  )
  const { entries } = await backups.folder(look.backupId, 'rw/home/user')
  assert.deepEqual(
    entries.map(({ name, kind, sizeBytes }) => [name, kind, sizeBytes]),
    [
      ['letter.txt', 'file', 1800],
      ['photo.jpg', 'file', 3_000_000],
      ['same photo.jpg', 'file', 0],
    ],
  )
  const top = await backups.folder(look.backupId, 'rw')
  assert.deepEqual(
    top.entries.find(({ name }) => name === 'home'),
    {
      ...{ name: 'home', path: 'rw/home', kind: 'folder', sizeBytes: 3_001_800, files: 3 },
      modifiedAt: top.entries.find(({ name }) => name === 'home')?.modifiedAt,
    },
  )
  const estimate = await backups.estimate(look.backupId, { only: ['rw/home/user/letter.txt'] })
  assert.deepEqual([estimate.files, estimate.bytes], [1, 1800])
  await assert.rejects(backups.start(look.backupId, {}, join(folder, 'none/x.tar')), { code: 'folder-not-found' })
  const id = await backups.start(look.backupId, {}, join(folder, 'all.tar.zst'))
  await assert.rejects(backups.start(look.backupId, {}, join(folder, 'more.tar')), { code: 'backup-busy' })
  const ended = () => seen.findLast((job) => job.state !== 'running')
  await waitFor(() => ended()?.id === id)
  assert.deepEqual([ended()?.state, ended()?.error, ended()?.doneBytes], ['done', null, ended()?.totalBytes])
  assert.ok(existsSync(join(folder, 'all.tar.zst')))
  const other = await backups.start(look.backupId, { what: ['persistence'] }, join(folder, 'stopped.tar'))
  backups.cancel(other)
  await waitFor(() => ended()?.id === other)
  assert.equal(ended()?.state, 'cancelled')
  assert.deepEqual(readdirSync(folder), ['all.tar.zst'])
  await backups.close(look.backupId)
  assert.throws(() => backups.folder(look.backupId, 'rw'), { code: 'backup-look-unknown' })
})

async function waitFor(is: () => boolean): Promise<void> {
  for (let tries = 0; !is(); tries += 1) {
    assert.ok(tries < 1200, 'it took too long')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

test('an interrupted command leaves nothing', { skip }, async (t) => {
  const folder = testFolder(t)
  const args = ['backup', card().path, join(folder, 'card.tar'), '--what', 'persistence', '--with-kernel']
  const { code, stderr } = await runCli(args, {
    onStart(child) {
      const looking = setInterval(() => {
        const begun = existsSync(join(folder, 'card.tar.part'))
        if (begun) child.kill('SIGINT')
        if (begun || child.exitCode !== null) clearInterval(looking)
      }, 1)
    },
  })
  // It may have been quicker than the signal.
  if (code === 0) return
  assert.equal(code, 130, stderr)
  assert.deepEqual(readdirSync(folder), [])
})

test('an archive does not go onto the card that it is of', { skip: skipMount }, async (t) => {
  const mine = copyOfCard(card(), testFolder(t))
  const { persistence } = mine
  mounted(mine.path, `rw,offset=${persistence.startBytes},sizelimit=${persistence.sizeBytes}`, async (folder) => {
    mkdirSync(join(folder, 'archives'))
  })
  const session = await openBackup({ path: mine.path })
  t.after(() => session.close())
  const folder = testFolder(t)
  tool('mount', ['-o', `loop,offset=${persistence.startBytes},sizelimit=${persistence.sizeBytes}`, mine.path, folder])
  try {
    await assert.rejects(session.write({}, join(folder, 'archives/card.tar')), { code: 'backup-on-card' })
  } finally {
    tool('umount', ['-d', folder])
  }
  assert.ok(existsSync(dirname(mine.path)))
})
