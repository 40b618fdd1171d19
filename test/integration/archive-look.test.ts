/** Looking into archives before they are put back: our own by their list, and those of GNU tar by going through them. */
import assert from 'node:assert/strict'
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Archives } from '../../native-helpers/jobs/archives.ts'
import { makePracticeCard } from '../../native-helpers/jobs/demo/make-cards.ts'
import { runCli } from '../support/run-cli.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'

const skip = missingTools('tar', 'gzip', 'mknod') ?? false

function archives(t: TestContext) {
  const closers: (() => void)[] = []
  const asker = { onClose: (closer: () => void) => void closers.push(closer) }
  t.after(() => {
    for (const close of closers) close()
  })
  const looks = new Archives()
  return { looks, open: (file: string, signal = new AbortController().signal) => looks.open(file, asker, signal) }
}

test('our own archive says when and from what it was saved, and lists what GNU tar lists', { skip }, async (t) => {
  const folder = testFolder(t)
  const { path } = await makePracticeCard('lampone-healthy', folder, { ifThere: 'leave' })
  const file = join(folder, 'saved.tar.gz')
  const { code, stderr } = await runCli(['backup', path, file, '--with-kernel'])
  assert.equal(code, 0, stderr)
  const { looks, open } = archives(t)
  const look = await open(file)
  assert.equal(look.saved?.system.id, 'lampone')
  assert.ok(look.saved.hasKernel && !look.saved.isIncremental)
  assert.ok(Math.abs(Date.now() - look.saved.madeAt) < 120_000)
  assert.ok(look.roots.some((root) => root.path === 'rw' && root.kind === 'folder' && root.files > 0))

  const told: string[] = []
  const visit = async (of: string) => {
    for (const entry of (await looks.folder(look.archiveId, of)).entries) {
      told.push(entry.kind === 'folder' ? `${entry.path}/` : entry.path)
      if (entry.kind === 'folder') await visit(entry.path)
    }
  }
  await visit('rw')
  const names = tool('tar', ['-tzf', file]).trim().split('\n')
  assert.deepEqual(told.sort(), names.filter((name) => name.startsWith('rw/') && name !== 'rw/').sort())
  looks.close(look.archiveId)
  await assert.rejects(looks.folder(look.archiveId, 'rw'), { code: 'archive-look-unknown' })
})

test("GNU tar's own archive is gone through: sizes by folder, and what marks a deleted file", { skip }, async (t) => {
  const folder = testFolder(t)
  mkdirSync(join(folder, 'rw', 'etc'), { recursive: true })
  writeFileSync(join(folder, 'rw', 'etc', 'fstab'), 'x'.repeat(1000))
  writeFileSync(join(folder, 'rw', 'letter'), 'y'.repeat(234))
  tool('mknod', [join(folder, 'rw', 'etc', 'gone'), 'c', '0', '0'])
  const file = join(folder, 'foreign.tar')
  tool('tar', ['-C', folder, '-cf', file, 'rw'])
  const { looks, open } = archives(t)
  const { archiveId, saved, roots } = await open(file)
  assert.equal(saved, null)
  assert.deepEqual(
    roots.map(({ path, kind, sizeBytes, files }) => [path, kind, sizeBytes, files]),
    [['rw', 'folder', 1234, 3]],
  )
  const { entries } = await looks.folder(archiveId, 'rw/etc')
  assert.deepEqual(
    entries.map(({ name, kind }) => [name, kind]),
    [
      ['fstab', 'file'],
      ['gone', 'deleted'],
    ],
  )
})

test('what is no archive, is cut off, or is not there is told by its name; a look that nobody waits for is stopped', {
  skip,
}, async (t) => {
  const folder = testFolder(t)
  const { open } = archives(t)
  await assert.rejects(open(join(folder, 'nowhere.tar')), { code: 'archive-not-found' })
  const text = join(folder, 'letter.tar')
  writeFileSync(text, 'dear all\n'.repeat(300))
  await assert.rejects(open(text), { code: /^(archive|tar)-damaged$/ })
  const big = join(folder, 'big')
  writeFileSync(big, 'z'.repeat(100_000))
  const cut = join(folder, 'cut.tar')
  tool('tar', ['-C', folder, '-cf', cut, 'big'])
  truncateSync(cut, 50_000)
  await assert.rejects(open(cut), { code: /^(archive|tar)-damaged$/ })
  const stop = new AbortController()
  const opening = open(cut, stop.signal)
  stop.abort()
  await assert.rejects(opening, { code: 'cancelled' })
})
