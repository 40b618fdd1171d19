import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { requests } from '../../native-helpers/contract.ts'
import { browse } from '../../native-helpers/imaging/browse.ts'

async function folder(t: TestContext) {
  const path = await mkdtemp(join(tmpdir(), 'livecard-browse-'))
  t.after(() => rm(path, { recursive: true, force: true }))
  return path
}

test('folders come first, numbers sort as numbers, hidden names are left out, images are marked', async (t) => {
  const top = await folder(t)
  for (const name of ['zebra', 'Apples', '.hidden-folder']) await mkdir(join(top, name))
  for (const name of ['image10.img.xz', 'image9.iso', 'notes.txt', '.secret.img', 'card.SDCARD', 'release.zip']) {
    await writeFile(join(top, name), '')
  }
  await truncate(join(top, 'image9.iso'), 3_000_000_000)
  await symlink(join(top, 'zebra'), join(top, 'link-to-zebra'))
  await symlink(join(top, 'nowhere'), join(top, 'broken-link'))
  const answer = requests['images.browse'].answer.parse(await browse(top))
  assert.deepEqual(
    answer.entries.map(({ name, kind }) => `${kind} ${name}`),
    [
      'folder Apples',
      'folder link-to-zebra',
      'folder zebra',
      'image card.SDCARD',
      'image image9.iso',
      'image image10.img.xz',
      'other notes.txt',
      'image release.zip',
    ],
  )
  assert.equal(answer.entries.find(({ name }) => name === 'image9.iso')?.sizeBytes, 3_000_000_000)
  assert.equal(answer.parent, tmpdir())
  assert.equal(answer.truncated, false)
})

test('without a folder the home folder is shown, with places that exist and no place twice', async () => {
  const answer = await browse(null)
  assert.equal(answer.folder, homedir())
  assert.equal(answer.places[0]?.path, homedir())
  const paths = answer.places.map((place) => place.path)
  assert.equal(new Set(paths).size, paths.length)
  const top = await browse('/')
  assert.equal(top.parent, null)
})

test('a folder with very many names is cut, and the answer says so', async (t) => {
  const top = await folder(t)
  for (let index = 0; index < 2100; index += 1) await writeFile(join(top, `file-${index}`), '')
  await mkdir(join(top, 'zz-folder'))
  await writeFile(join(top, 'zz.img'), '')
  const answer = await browse(top)
  assert.equal(answer.truncated, true)
  assert.equal(answer.entries.length, 2000)
  assert.equal(answer.entries[0]?.name, 'zz-folder')
  assert.ok(
    answer.entries.some(({ name }) => name === 'zz.img'),
    'folders and images are kept before other files',
  )
})

test('a folder that cannot be shown is named, with the reason', async (t) => {
  const top = await folder(t)
  await writeFile(join(top, 'file.img'), '')
  await symlink(join(top, 'loop'), join(top, 'loop'))
  const cases: [string, RegExp][] = [
    [join(top, 'gone'), /no such folder/],
    [join(top, 'file.img'), /not a folder/],
    [join(top, 'loop'), /circle/],
    ['relative/folder', /no such folder/],
  ]
  for (const [path, reason] of cases) {
    await assert.rejects(browse(path), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'folder-not-readable')
      assert.match(error.message, reason)
      return true
    })
  }
})
