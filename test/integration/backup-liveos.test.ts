/** The changes of LiveOS sticks as files: found by comparing a snapshot with its base, against what a kernel saw of the same stores. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { openFileDevice } from '../../native-helpers/block/file-device.ts'
import { openBackup } from '../../native-helpers/jobs/backup.ts'
import { openLiveImage } from '../../native-helpers/systems/liveos/live-image.ts'
import { extractAll, manifestOf, saved } from '../support/backup.ts'
import { fixtureImage, fixtureOverlay, liveosTools, makeStick, overlayImage, stickFiles, systemImage } from '../support/liveos.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'

const skip = missingTools(...liveosTools, 'tar', 'debugfs') ?? false
const truth = JSON.parse(
  readFileSync(fileURLToPath(new URL('../fixtures/dm-snapshot/truth.json', import.meta.url)), 'utf8'),
).overlays
const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex')

function overlayFile(t: TestContext, name: string): string {
  const path = join(testFolder(t), `${name}.overlay`)
  writeFileSync(path, fixtureOverlay(name))
  return path
}

/** The filesystem in the fixtures' image as a file, for debugfs. */
async function baseFile(t: TestContext): Promise<string> {
  const { value } = await openLiveImage(openFileDevice({ path: fixtureImage, writable: false }))
  const device = value?.origin?.device ?? assert.fail('the image holds no filesystem')
  const bytes = new Uint8Array(device.size)
  device.readSync(bytes, 0)
  const path = join(testFolder(t), 'base.img')
  writeFileSync(path, bytes)
  return path
}

/** By what a file of the base is known: "" where it has none of that name. */
function inBase(base: string, path: string): string {
  return tool('debugfs', ['-R', `stat "/${path}"`, base]).includes('Inode:') ? path : ''
}

for (const name of ['half', 'recovered', 'full-flipped', 'full-invalid'])
  test(`the files that a kernel sees in a store are in its backup: ${name}`, { skip }, async (t) => {
    const overlay = overlayFile(t, name)
    const archive = join(testFolder(t), 'changes.tar.zst')
    const result = await saved({ path: overlay, base: fixtureImage }, archive)
    assert.deepEqual([result.unread, result.left], [0, []])
    const folder = testFolder(t)
    extractAll(archive, folder)
    const { files, parts } = manifestOf(archive)
    const base = await baseFile(t)
    // Of a store that was given up no kernel tells the files; what was recovered from it has the same ones.
    const known: Record<string, string> = truth[name].files_noload_sha256 ?? truth['full-flipped'].files_noload_sha256
    const byPath = new Map(files.map((file) => [file.path, file]))
    let compared = 0
    for (const [path, sum] of Object.entries(known)) {
      const file = byPath.get(`overlay/${path}`)
      if (!file) {
        // Not there: then it must be a file of the base, as it was.
        assert.equal(sha256(contentInBase(t, base, path)), sum, path)
        continue
      }
      compared += 1
      assert.equal(file.sha256, sum, path)
      assert.equal(sha256(readFileSync(join(folder, 'overlay', path))), sum, path)
    }
    assert.ok(compared > 30, `${compared} files were compared`)
    // Everything that it calls gone was in the base.
    for (const { path, kind } of files)
      if (kind === 'char' && tool('stat', ['--format=%t:%T', join(folder, path)]).trim() === '0:0')
        assert.notEqual(inBase(base, path.replace('overlay/', '')), '', path)
    const [part] = parts
    assert.deepEqual(
      [part?.form, part?.base?.imageBytes, part?.base?.isSampled],
      ['changes', readFileSync(fixtureImage).length, true],
    )
  })

function contentInBase(t: TestContext, base: string, path: string): Uint8Array {
  const out = join(testFolder(t), 'content')
  tool('debugfs', ['-R', `dump "/${path}" ${out}`, base])
  return readFileSync(out)
}

test('a store in which nothing was changed has an empty backup', { skip }, async (t) => {
  const archive = join(testFolder(t), 'fresh.tar')
  await saved({ path: overlayFile(t, 'fresh'), base: fixtureImage }, archive)
  assert.deepEqual(
    manifestOf(archive).files.map(({ path }) => path),
    ['overlay'],
  )
})

test('a store is saved up to its last copy, with the sum of its whole base', { skip }, async (t) => {
  const overlay = overlayFile(t, 'half')
  const archive = join(testFolder(t), 'store.tar')
  await saved({ path: overlay, base: fixtureImage }, archive, { what: ['store'] })
  const [file] = manifestOf(archive).files.filter(({ kind }) => kind === 'file')
  const [part] = manifestOf(archive).parts
  assert.equal(part?.base?.sha256, sha256(readFileSync(fixtureImage)))
  const folder = testFolder(t)
  extractAll(archive, folder)
  const before = readFileSync(overlay)
  const after = readFileSync(join(folder, file?.path ?? ''))
  // 68528 sectors are allocated, as dmsetup status said of this store.
  const used = 68528 * 512
  assert.equal(after.length, before.length)
  assert.ok(after.subarray(0, used).equals(before.subarray(0, used)))
  assert.ok(readFileSync(archive).length < used + 100_000)
  assert.equal(file?.sha256, sha256(after))
})

test('a stick with an overlay image and a home of files', { skip }, async (t) => {
  const folder = testFolder(t)
  const overlay = overlayImage(folder, (root) => {
    mkdirSync(join(root, 'overlayfs/etc'), { recursive: true })
    writeFileSync(join(root, 'overlayfs/etc/motd'), 'changed')
  })
  const root = join(folder, 'home-root')
  mkdirSync(join(root, 'liveuser'), { recursive: true })
  writeFileSync(join(root, 'liveuser/letter.txt'), 'dear all')
  const home = join(folder, 'home.img')
  writeFileSync(home, Buffer.alloc(8 * 1024 * 1024))
  tool('mke2fs', ['-q', '-F', '-t', 'ext4', '-L', 'HOME', '-d', root, home])
  const files = stickFiles(folder, { image: systemImage(folder, 'flat-squashfs'), overlay, home })
  const stick = makeStick(folder, files)
  const archive = join(folder, 'stick.tar.gz')
  await saved({ path: stick }, archive)
  const { parts } = manifestOf(archive)
  assert.deepEqual(
    parts.map(({ what, form, origin }) => [what, form, origin.path]),
    [
      ['overlay', 'upper', 'LiveOS/overlay-LIVE-1A2B-3C4D'],
      ['home', 'tree', 'LiveOS/home.img'],
    ],
  )
  const out = testFolder(t)
  extractAll(archive, out)
  assert.equal(readFileSync(join(out, 'overlay/etc/motd'), 'utf8'), 'changed')
  assert.equal(readFileSync(join(out, 'home/liveuser/letter.txt'), 'utf8'), 'dear all')
  // The folder that the stick is mounted as holds the same.
  const again = join(testFolder(t), 'folder.tar')
  await saved({ path: files }, again, { what: ['home'] })
  assert.ok(manifestOf(again).files.some(({ path }) => path === 'home/liveuser/letter.txt'))
  await assert.rejects(saved({ path: files }, join(files, 'inside.tar')), { code: 'backup-on-card' })
})

test('an encrypted home is saved as it is, and is said to be', { skip }, async (t) => {
  const folder = testFolder(t)
  const home = join(folder, 'home.img')
  writeFileSync(home, Buffer.alloc(20 * 1024 * 1024))
  tool(
    'cryptsetup',
    ['luksFormat', '--batch-mode', '--pbkdf-force-iterations=4', '--pbkdf-memory=32', '--pbkdf=argon2id', home, '-'],
    { input: 'secret' },
  )
  const stick = makeStick(
    folder,
    stickFiles(folder, { image: systemImage(folder, 'flat-squashfs'), home, overlay: overlayImage(folder) }),
  )
  const session = await openBackup({ path: stick })
  const part = session.look.parts.find(({ what }) => what === 'home')
  assert.deepEqual([part?.canChoose, part?.problem], [false, null])
  assert.match(part?.note ?? '', /encrypted/)
  const archive = join(folder, 'home.tar')
  await session.write({ what: ['home'] }, archive)
  await session.close()
  const [file] = manifestOf(archive).files.filter(({ kind }) => kind === 'file')
  assert.equal(file?.sha256, sha256(readFileSync(home)))
})

test('a store over another image than the one it was made on is not compared with it', { skip }, async (t) => {
  const folder = testFolder(t)
  const other = systemImage(folder, 'nested', { sizeMiB: 256 })
  const session = await openBackup({ path: overlayFile(t, 'half'), base: other })
  t.after(() => session.close())
  const [changes] = session.look.parts
  assert.equal(changes?.what, 'overlay')
  assert.match(changes?.problem ?? '', /another system image|damaged|cannot/i)
  await assert.rejects(session.write({ what: ['overlay'] }, join(folder, 'x.tar')), { code: 'backup-unreadable' })
})
