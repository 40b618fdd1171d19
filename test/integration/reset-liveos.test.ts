import assert from 'node:assert/strict'
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openFileDevice } from '../../native-helpers/block/file-device.ts'
import { openExt } from '../../native-helpers/volumes/ext-tree.ts'
import { readSnapshotStore } from '../../native-helpers/volumes/snapshot-store.ts'
import { findNode } from '../../native-helpers/volumes/tree.ts'
import {
  blank,
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
import { assertSound, assertStickSound, keptSums, mergedOf, openStick, originIn, sha256Of, sumsOf } from '../support/merged-view.ts'
import { runCli } from '../support/run-cli.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'
import { cannotWasm } from '../support/wasm.ts'

const skip = missingTools(...liveosTools, 'e2fsck', 'fsck.fat', 'mknod', 'setfattr') ?? cannotWasm() ?? false
const MiB = 1024 * 1024
const originOfFixtures = () => originIn(openFileDevice({ path: fixtureImage, writable: false }))

async function undone(undo: string): Promise<void> {
  const { code, stderr } = await runCli(['undo', undo, '--yes'])
  assert.equal(code, 0, stderr)
}

test('a store is empty after a reset, whatever state it was in, and goes back to the byte', { skip }, async (t) => {
  const origin = await originOfFixtures()
  const spoiled = fixtureOverlay('half')
  spoiled.fill(0x5a, 0, 6000)
  for (const [name, content] of [
    ['half', fixtureOverlay('half')],
    ['full-invalid', fixtureOverlay('full-invalid')],
    ['with a spoiled beginning', spoiled],
  ] as const) {
    const folder = testFolder(t)
    const overlay = join(folder, 'overlay')
    const undo = join(folder, 'undo')
    writeFileSync(overlay, content)
    const before = sha256Of(overlay)
    const { code, stderr, stdout } = await runCli(['reset', overlay, '--base', fixtureImage, '--yes', '--undo', undo])
    assert.equal(code, 0, `${name}: ${stdout}${stderr}`)
    assert.match(stderr, /Goes\n {2}Everything that was changed, installed or saved/)
    const store = openFileDevice({ path: overlay, writable: false })
    const { value } = readSnapshotStore(store, origin.size)
    assert.deepEqual([value?.blank, value?.valid, value?.exceptions.count, value?.chunkSectors], [false, true, 0, 8], name)
    assert.equal(value?.exceptions.damageCount, 0)
    assert.equal((await inspected(overlay, fixtureImage)).overlays[0]?.state, 'ok')
    store.close()
    await undone(undo)
    assert.equal(sha256Of(overlay), before, name)
  }
})

test('an empty store is left alone', { skip }, async (t) => {
  const overlay = join(testFolder(t), 'overlay')
  writeFileSync(overlay, fixtureOverlay('fresh'))
  const before = sha256Of(overlay)
  const { code, stdout } = await runCli(['reset', overlay, '--base', fixtureImage, '--yes'])
  assert.equal(code, 0)
  assert.match(stdout, /This would change nothing/)
  assert.equal(sha256Of(overlay), before)
})

test('what is kept is there after the reset of a store, and nothing else that was changed', { skip }, async (t) => {
  const origin = await originOfFixtures()
  const folder = testFolder(t)
  const delivered = sumsOf(origin)
  for (const name of ['recovered', 'full-invalid']) {
    const overlay = join(folder, name)
    const undo = join(folder, `${name}.undo`)
    writeFileSync(overlay, fixtureOverlay(name))
    const before = sha256Of(overlay)
    const keep = ['--keep', '/home/liveuser/notes/', '--keep', 'home/liveuser/Documents/note.txt']
    const { code, stderr, stdout } = await runCli(['reset', overlay, '--base', fixtureImage, ...keep, '--yes', '--undo', undo])
    assert.equal(code, 0, `${name}: ${stdout}${stderr}`)
    const store = openFileDevice({ path: overlay, writable: false })
    const merged = mergedOf(origin, store)
    assertSound(folder, merged)
    const isKept = (path: string) => path.startsWith('home/liveuser/notes/') || path === 'home/liveuser/Documents/note.txt'
    const expected = { ...delivered, ...Object.fromEntries(Object.entries(keptSums).filter(([path]) => isKept(path))) }
    assert.deepEqual(sumsOf(merged), expected, name)
    assert.ok(Object.keys(expected).length > Object.keys(delivered).length)
    store.close()
    await undone(undo)
    assert.equal(sha256Of(overlay), before, name)
  }
})

test('a path that is misspelt, leads out, or needs an image that is not named costs nobody a file', { skip }, async (t) => {
  const overlay = join(testFolder(t), 'overlay')
  writeFileSync(overlay, fixtureOverlay('recovered'))
  const before = sha256Of(overlay)
  for (const [args, says] of [
    [['--base', fixtureImage, '--keep', 'hom/liveuser'], /"hom\/liveuser" cannot be kept: there is no such file/],
    [['--base', fixtureImage, '--keep', 'home/../etc'], /leads out of the folder/],
    [['--base', fixtureImage, '--keep', '/'], /that is everything/],
    [['--keep', 'home'], /the system image is not at hand/],
  ] as const) {
    const { code, stderr } = await runCli(['reset', overlay, ...args, '--yes'])
    assert.equal(code, 1, stderr)
    assert.match(stderr, says)
    assert.equal(sha256Of(overlay), before)
  }
})

test('on a stick the overlay is emptied where it lies; the home stays, unless it is dropped too', { skip }, async (t) => {
  for (const [filesystem, drop] of [
    ['vfat', false],
    ['ext4', true],
  ] as const) {
    const folder = testFolder(t)
    const home = join(folder, 'home.img')
    const inHome = join(folder, 'in-home')
    mkdirSync(join(inHome, 'liveuser'), { recursive: true })
    writeFileSync(join(inHome, 'liveuser', 'letter'), 'to whom it may concern')
    blank(home, 8 * MiB)
    tool('mke2fs', ['-q', '-F', '-t', 'ext4', '-L', 'HOME', '-d', inHome, home])
    const files = stickFiles(folder, { image: fixtureImage, overlay: fixtureOverlay('half'), home })
    const card = makeStick(folder, files, { filesystem, sizeMiB: 128 })
    const before = sha256Of(card)
    const undo = join(folder, 'undo')
    const { code, stdout, stderr } = await runCli([
      ...['reset', card, '--yes', '--undo', undo],
      ...(drop ? ['--drop', 'home'] : []),
    ])
    assert.ok(code === 0 || code === 6, `${filesystem}: ${stdout}${stderr}`)
    const stick = await openStick(card, filesystem, 128)
    const store = stick.file(`LiveOS/overlay-${stickLabel}-${fatUuid}`)
    assert.deepEqual(sumsOf(mergedOf(await originOfFixtures(), store)), sumsOf(await originOfFixtures()), filesystem)
    const letters = sumsOf(stick.file('LiveOS/home.img'))
    assert.equal('liveuser/letter' in letters, !drop)
    assertSound(folder, stick.file('LiveOS/home.img'))
    assertStickSound(folder, card, filesystem, 128)
    stick.close()
    await undone(undo)
    assert.equal(sha256Of(card), before, filesystem)
  }
})

test('an encrypted home cannot be emptied, and then nothing is', { skip }, async (t) => {
  const folder = testFolder(t)
  const home = join(folder, 'home.img')
  blank(home, 20 * MiB)
  tool('cryptsetup', ['luksFormat', '--type', 'luks1', '-q', '--iter-time', '1', home, '-'], { input: 'secret' })
  const card = makeStick(folder, stickFiles(folder, { image: fixtureImage, overlay: fixtureOverlay('half'), home }), {
    sizeMiB: 128,
  })
  const before = sha256Of(card)
  const { code, stderr } = await runCli(['reset', card, '--drop', 'home', '--yes'])
  assert.equal(code, 1)
  assert.match(stderr, /encrypted, and cannot be emptied without its password/)
  assert.equal(sha256Of(card), before)
})

/** Changes as overlayfs keeps them: a new file, one that hides a delivered one, a deleted one, and a folder that hides what was in it. */
function change(upper: string): void {
  for (const path of ['home/liveuser/music', 'etc', 'usr/lib', 'var/log']) mkdirSync(join(upper, path), { recursive: true })
  writeFileSync(join(upper, 'home/liveuser/letter'), 'dear reader')
  writeFileSync(join(upper, 'home/liveuser/music/song'), 'la la')
  writeFileSync(join(upper, 'etc/os-release'), 'NAME=mine\n')
  tool('mknod', [join(upper, 'usr/bin'), 'c', '0', '0'])
  tool('mknod', [join(upper, 'home/gone'), 'c', '0', '0'])
  tool('setfattr', ['-n', 'trusted.overlay.opaque', '-v', 'y', join(upper, 'home/liveuser')])
}

test('changes that are files are removed but for what is kept, in an image on FAT and in a folder on ext4', { skip }, async (t) => {
  for (const [form, keep] of [
    ['image', []],
    ['folder', ['home/liveuser/music', 'usr/lib/modules']],
  ] as const) {
    const folder = testFolder(t)
    const image = systemImage(folder, 'flat-squashfs')
    const filesystem = form === 'image' ? 'vfat' : 'ext4'
    const name = `overlay-${stickLabel}-${form === 'image' ? fatUuid : extUuid}`
    const overlay = overlayImage(folder, (root) => {
      change(join(root, 'overlayfs'))
      mkdirSync(join(root, 'ovlwork/work/#5'), { recursive: true })
    })
    const files = stickFiles(folder, { image, overlay: form === 'image' ? overlay : null, menu: { root: `UUID=${extUuid}` } })
    if (form === 'folder') {
      change(join(files, 'LiveOS', name))
      mkdirSync(join(files, 'LiveOS/ovlwork/work/#5'), { recursive: true })
    }
    const card = makeStick(folder, files, { filesystem, sizeMiB: 64 })
    const before = sha256Of(card)
    const undo = join(folder, 'undo')
    const { code, stdout, stderr } = await runCli([
      'reset',
      card,
      ...keep.flatMap((path) => ['--keep', path]),
      '--yes',
      '--undo',
      undo,
    ])
    assert.ok(code === 0 || code === 6, `${form}: ${stdout}${stderr}`)
    const stick = await openStick(card, filesystem, 64)
    const device = form === 'image' ? stick.file(`LiveOS/${name}`) : stick.volume
    const [upper, work] = form === 'image' ? ['overlayfs', 'ovlwork'] : [`LiveOS/${name}`, 'LiveOS/ovlwork']
    const { value: ext } = openExt(device)
    assert.ok(ext)
    const node = (path: string) => findNode(ext.tree, path)
    assert.deepEqual(node(work)?.list().entries, [])
    const left = node(upper)
      ?.list()
      .entries.map(({ name: one }) => one)
    assert.deepEqual(left, keep.length > 0 ? ['home'] : [])
    if (keep.length > 0) {
      assert.ok(node(`${upper}/home/liveuser/music/song`))
      assert.equal(node(`${upper}/home/liveuser/letter`), null)
      assert.equal(node(`${upper}/home/gone`), null)
      // What was delivered of the folder shows again.
      assert.equal(node(`${upper}/home/liveuser`)?.xattrs?.().value?.has('trusted.overlay.opaque'), false)
    }
    assertSound(folder, device)
    assertStickSound(folder, card, filesystem, 64)
    stick.close()
    await undone(undo)
    assert.equal(sha256Of(card), before, form)
    if (form === 'image') continue
    const deleted = await runCli(['reset', card, '--keep', 'usr/bin/sugar', '--yes'])
    assert.equal(deleted.code, 1)
    assert.match(deleted.stderr, /it was deleted in the system/)
    assert.equal(sha256Of(card), before)
  }
})

test('of several overlays the one that the system uses is emptied', { skip }, async (t) => {
  const folder = testFolder(t)
  const files = stickFiles(folder, { image: fixtureImage, overlay: fixtureOverlay('half') })
  const old = join(files, 'LiveOS/overlay-OLD-0000-0001')
  copyFileSync(join(files, `LiveOS/overlay-${stickLabel}-${fatUuid}`), old)
  const card = makeStick(folder, files, { sizeMiB: 160 })
  const { code, stderr } = await runCli(['reset', card, '--yes', '--undo', join(folder, 'undo')])
  assert.ok(code === 0 || code === 6, stderr)
  const stick = await openStick(card, 'vfat', 160)
  const kept = stick.file('LiveOS/overlay-OLD-0000-0001')
  const bytes = new Uint8Array(kept.size)
  kept.readSync(bytes, 0)
  assert.ok(readFileSync(old).equals(bytes))
  assert.equal(readSnapshotStore(stick.file(`LiveOS/overlay-${stickLabel}-${fatUuid}`)).value?.exceptions.count, 0)
  stick.close()
})
