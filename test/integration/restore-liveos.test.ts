/** What was saved of a live system comes back: through its store of changed blocks, into its overlay image, into its home. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { openFileDevice } from '../../native-helpers/block/file-device.ts'
import { mergedDevice } from '../../native-helpers/block/merged.ts'
import { openLiveImage } from '../../native-helpers/systems/liveos/live-image.ts'
import { readSnapshotStore } from '../../native-helpers/volumes/snapshot-store.ts'
import { manifestOf, saved } from '../support/backup.ts'
import { cannotMount, mounted } from '../support/kernel-mount.ts'
import {
  extUuid,
  fatUuid,
  fixtureImage,
  fixtureOverlay,
  inspected,
  liveosTools,
  makeStick,
  overlayImage,
  stickFiles,
  stickLabel,
  systemImage,
} from '../support/liveos.ts'
import { jsonLines, runCli } from '../support/run-cli.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'
import { cannotWasm } from '../support/wasm.ts'

const skip = missingTools(...liveosTools, 'tar', 'e2fsck', 'fsck.fat') ?? cannotWasm() ?? cannotMount() ?? false
const truth = JSON.parse(
  readFileSync(fileURLToPath(new URL('../fixtures/dm-snapshot/truth.json', import.meta.url)), 'utf8'),
).overlays
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

function overlayFile(t: TestContext, name: string): string {
  const path = join(testFolder(t), `${name}.overlay`)
  writeFileSync(path, fixtureOverlay(name))
  return path
}

/** What a system sees that runs on the store, as a file. */
async function seenThrough(t: TestContext, overlay: string): Promise<string> {
  const { value: image } = await openLiveImage(openFileDevice({ path: fixtureImage, writable: false }))
  const origin = image?.origin?.device ?? assert.fail('the image holds no filesystem')
  const store = openFileDevice({ path: overlay, writable: false })
  const { value } = readSnapshotStore(store, origin.size)
  const view = mergedDevice(origin, store, value?.exceptions ?? assert.fail('no store'))
  const bytes = new Uint8Array(view.size)
  view.readSync(bytes, 0)
  const path = join(testFolder(t), 'seen.img')
  writeFileSync(path, bytes)
  return path
}

const restore = (file: string, target: string, ...words: string[]) =>
  runCli(['restore', file, target, '--yes', '--json', '--undo', `${target}.undo`, ...words])
const errorOf = (stdout: string) => (jsonLines(stdout).at(-1) as { error: { code: string; message: string } | null }).error
const listed = (archive: string) =>
  manifestOf(archive).files.map(({ path, kind, size, mtime, sha256: sum }) => [path, kind, size, mtime, sum])

test('the files of a full working store come back through an empty one, as the kernel saw them', { skip }, async (t) => {
  const archive = join(testFolder(t), 'changes.tar.zst')
  await saved({ path: overlayFile(t, 'half'), base: fixtureImage }, archive)
  const overlay = overlayFile(t, 'fresh')
  const before = sha256(readFileSync(overlay))
  const { code, stderr } = await restore(archive, overlay, '--base', fixtureImage)
  assert.equal(code, 0, stderr)
  const seen = await seenThrough(t, overlay)
  tool('e2fsck', ['-f', '-n', seen])
  const known: Record<string, string> = truth.half.files_noload_sha256
  mounted(seen, 'ro', (folder) => {
    for (const [path, sum] of Object.entries(known)) assert.equal(sha256(readFileSync(join(folder, path))), sum, path)
  })
  assert.ok(Object.keys(known).length > 30)
  // What is saved of it is what was saved before.
  const again = join(testFolder(t), 'again.tar')
  await saved({ path: overlay, base: fixtureImage }, again)
  assert.deepEqual(listed(again), listed(archive))
  assert.equal((await runCli(['undo', `${overlay}.undo`, overlay, '--yes'])).code, 0)
  assert.equal(sha256(readFileSync(overlay)), before)
})

test('single paths are put into what a store holds, and nothing else of it changes', { skip }, async (t) => {
  const archive = join(testFolder(t), 'changes.tar')
  const half = overlayFile(t, 'half')
  await saved({ path: half, base: fixtureImage }, archive)
  const file = manifestOf(archive).files.find(({ kind, size }) => kind === 'file' && size > 0) ?? assert.fail('no file')
  const overlay = overlayFile(t, 'fresh')
  const { code, stderr } = await restore(archive, overlay, '--base', fixtureImage, '--only', file.path)
  assert.equal(code, 0, stderr)
  const again = join(testFolder(t), 'again.tar')
  await saved({ path: overlay, base: fixtureImage }, again)
  const files = manifestOf(again).files.filter(({ kind }) => kind === 'file')
  assert.deepEqual(
    files.map(({ path, sha256: sum }) => [path, sum]),
    [[file.path, file.sha256]],
  )
})

test('a store that is too short for what is put back grows in its stick, FAT or ext4, and there it may have holes', {
  skip,
}, async (t) => {
  const archive = join(testFolder(t), 'changes.tar.zst')
  await saved({ path: overlayFile(t, 'half'), base: fixtureImage }, archive)
  for (const filesystem of ['vfat', 'ext4'] as const) {
    const folder = testFolder(t)
    const overlay = join(folder, 'short.overlay')
    writeFileSync(overlay, fixtureOverlay('fresh').subarray(0, 4096))
    truncateSync(overlay, 8 * 1024 * 1024)
    const uuid = filesystem === 'vfat' ? fatUuid : extUuid
    const menu = { root: `UUID=${uuid}`, overlay: `UUID=${uuid}` }
    const files = stickFiles(folder, { image: fixtureImage, overlay, overlayName: `overlay-${stickLabel}-${uuid}`, menu })
    const stick = makeStick(folder, files, { filesystem, sizeMiB: 96 })
    const before = sha256(readFileSync(stick))
    const { code, stderr, stdout } = await restore(archive, stick)
    assert.equal(code, 0, stderr)
    assert.match(stdout, /make it longer/)
    const again = join(folder, 'again.tar')
    await saved({ path: stick }, again)
    assert.deepEqual(listed(again), listed(archive))
    const whole = readFileSync(stick)
    writeFileSync(`${stick}.volume`, whole.subarray(4 * 1024 * 1024, 100 * 1024 * 1024))
    tool(
      ...((filesystem === 'vfat' ? ['fsck.fat', ['-n', `${stick}.volume`]] : ['e2fsck', ['-f', '-n', `${stick}.volume`]]) as [
        string,
        string[],
      ]),
    )
    assert.equal((await runCli(['undo', `${stick}.undo`, '--yes'])).code, 0)
    assert.equal(sha256(readFileSync(stick)), before)
  }
})

test('changes of another system image, and those that do not fit, are refused with the reason', { skip }, async (t) => {
  const folder = testFolder(t)
  const archive = join(folder, 'changes.tar')
  await saved({ path: overlayFile(t, 'half'), base: fixtureImage }, archive)
  const files = stickFiles(folder, { image: systemImage(folder, 'nested'), overlay: fixtureOverlay('fresh') })
  const stick = makeStick(folder, files)
  const before = sha256(readFileSync(stick))
  const other = errorOf((await restore(archive, stick)).stdout)
  assert.equal(other?.code, 'restore-other-base')
  const alone = overlayFile(t, 'fresh')
  assert.equal(errorOf((await restore(archive, alone)).stdout)?.code, 'restore-impossible')
  const store = join(folder, 'store.tar')
  await saved({ path: overlayFile(t, 'half'), base: fixtureImage }, store, { what: ['store'] })
  assert.equal(errorOf((await restore(store, stick)).stdout)?.code, 'restore-other-base')
  const both = join(folder, 'both.tar')
  await saved({ path: overlayFile(t, 'half'), base: fixtureImage }, both, { what: ['overlay', 'store'] })
  assert.equal(errorOf((await restore(both, alone, '--base', fixtureImage)).stdout)?.code, 'restore-does-not-fit')
  // Without the list nobody knows the image.
  const foreign = join(folder, 'foreign.tar')
  mkdirSync(join(folder, 'taken'))
  tool('tar', ['--extract', '--file', store, '--directory', join(folder, 'taken'), 'store'])
  tool('tar', ['--create', '--file', foreign, '--directory', join(folder, 'taken'), 'store'])
  assert.equal(errorOf((await restore(foreign, alone, '--base', fixtureImage)).stdout)?.code, 'restore-base-unknown')
  // The stick is full but for a few mebibytes.
  mkdirSync(join(folder, 'full'))
  const image = stickFiles(join(folder, 'full'), {
    image: fixtureImage,
    overlay: fixtureOverlay('fresh').subarray(0, 4 * 1024 * 1024),
  })
  const full = makeStick(join(folder, 'full'), image, { sizeMiB: 40 })
  for (const one of [archive, store]) assert.equal(errorOf((await restore(one, full)).stdout)?.code, 'restore-no-room')
  assert.equal(sha256(readFileSync(stick)), before)
  assert.ok(!existsSync(`${stick}.undo`))
})

/** The store on a stick, as mtools reads it. */
function storeOn(stick: string): Buffer {
  const path = `${stick}.store`
  tool('mcopy', ['-n', '-o', '-i', `${stick}@@${4 * 1024 * 1024}`, `::/LiveOS/${overlayName}`, path], {
    env: { MTOOLS_SKIP_CHECK: '1' },
  })
  return readFileSync(path)
}

const overlayName = `overlay-${stickLabel}-${fatUuid}`

test('a store that was saved as it is comes back after a reset, chunk for chunk, and into one of another length', {
  skip,
}, async (t) => {
  const folder = testFolder(t)
  const stickOf = (name: string, overlay: Buffer) => {
    mkdirSync(join(folder, name))
    return makeStick(join(folder, name), stickFiles(join(folder, name), { image: fixtureImage, overlay }), { sizeMiB: 128 })
  }
  const full = fixtureOverlay('half')
  const stick = stickOf('first', full)
  const status = async (path: string) => {
    const { snapshot, state } = (await inspected(path)).overlays[0] ?? assert.fail('no overlay')
    return { snapshot, state }
  }
  const expected = await status(stick)
  assert.ok((expected.snapshot?.exceptions ?? 0) > 256)
  const archive = join(folder, 'store.tar.gz')
  await saved({ path: stick }, archive, { what: ['store'] })
  const used = (expected.snapshot?.allocatedSectors ?? 0) * 512

  assert.equal((await runCli(['reset', stick, '--yes', '--undo', `${stick}.reset`])).code, 0)
  assert.notDeepEqual(await status(stick), expected)
  const empty = sha256(readFileSync(stick))
  const { code, stderr } = await restore(archive, stick)
  assert.equal(code, 0, stderr)
  assert.deepEqual(await status(stick), expected)
  assert.ok(storeOn(stick).subarray(0, used).equals(full.subarray(0, used)))
  assert.equal((await runCli(['undo', `${stick}.undo`, '--yes'])).code, 0)
  assert.equal(sha256(readFileSync(stick)), empty)

  // A shorter one grows in the stick's filesystem.
  const short = stickOf('short', fixtureOverlay('fresh').subarray(0, 8 * 1024 * 1024))
  const grown = await restore(archive, short)
  assert.equal(grown.code, 0, grown.stderr)
  assert.deepEqual(await status(short), expected)
  const store = storeOn(short)
  assert.equal(store.length, full.length)
  assert.ok(store.subarray(0, used).equals(full.subarray(0, used)))
  tool('dd', [`if=${short}`, `of=${short}.fat`, 'bs=1M', 'skip=4', 'status=none'])
  tool('fsck.fat', ['-n', `${short}.fat`])

  // By itself; a longer one keeps its length, and says so.
  const alone = join(folder, 'alone.overlay')
  writeFileSync(alone, fixtureOverlay('fresh').subarray(0, 8 * 1024 * 1024))
  assert.equal((await restore(archive, alone, '--base', fixtureImage)).code, 0)
  assert.ok(readFileSync(alone).subarray(0, used).equals(fixtureOverlay('half').subarray(0, used)))
  const long = join(folder, 'long.overlay')
  writeFileSync(long, Buffer.concat([fixtureOverlay('half'), Buffer.alloc(1024 * 1024, 'old')]).fill('x', 4096))
  const kept = await restore(archive, long, '--base', fixtureImage)
  assert.equal(kept.code, 0, kept.stderr)
  const after = readFileSync(long)
  assert.equal(after.length, fixtureOverlay('half').length + 1024 * 1024)
  assert.ok(after.subarray(0, used).equals(fixtureOverlay('half').subarray(0, used)))
})

test('an overlay image and a home on a stick are as they were saved', { skip }, async (t) => {
  const folder = testFolder(t)
  const overlay = (text: string) =>
    overlayImage(folder, (root) => {
      mkdirSync(join(root, 'overlayfs/etc'), { recursive: true })
      writeFileSync(join(root, 'overlayfs/etc', text), text)
      mkdirSync(join(root, 'ovlwork/work'), { recursive: true })
    })
  const home = (text: string) => {
    const root = join(folder, `home-${text}`)
    mkdirSync(join(root, 'liveuser'), { recursive: true })
    writeFileSync(join(root, 'liveuser', text), text)
    const image = join(folder, `${text}.img`)
    writeFileSync(image, Buffer.alloc(8 * 1024 * 1024))
    tool('mke2fs', ['-q', '-F', '-t', 'ext4', '-L', 'HOME', '-d', root, image])
    return image
  }
  const image = systemImage(folder, 'flat-squashfs')
  const stickOf = (text: string) => {
    const own = join(folder, `stick-${text}`)
    mkdirSync(own)
    return makeStick(own, stickFiles(own, { image, overlay: overlay(text), home: home(text) }))
  }
  const archive = join(folder, 'stick.tar.gz')
  await saved({ path: stickOf('first') }, archive)
  const stick = stickOf('second')
  const { code, stderr } = await restore(archive, stick)
  assert.equal(code, 0, stderr)
  const again = join(folder, 'again.tar')
  await saved({ path: stick }, again)
  assert.deepEqual(listed(again), listed(archive))
  assert.equal((await runCli(['undo', `${stick}.undo`, '--yes'])).code, 0)
  const undone = join(folder, 'undone.tar')
  await saved({ path: stick }, undone)
  assert.ok(listed(undone).some(([path]) => path === 'overlay/etc/second'))
  assert.ok(!listed(undone).some(([path]) => path === 'overlay/etc/first'))
})
