import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { BlockDevice } from '../../native-helpers/block/device.ts'
import { openFileDevice } from '../../native-helpers/block/file-device.ts'
import { readSnapshotStore } from '../../native-helpers/volumes/snapshot-store.ts'
import { readSuperblock } from '../../native-helpers/volumes/squashfs/superblock.ts'
import { findNode } from '../../native-helpers/volumes/tree.ts'
import {
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
import {
  assertSound,
  assertStickSound,
  keptSums,
  mergedOf,
  openStick,
  originIn,
  sha256Of,
  sumsOf,
  sumsOfTree,
} from '../support/merged-view.ts'
import { runCli } from '../support/run-cli.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'
import { cannotWasm } from '../support/wasm.ts'

const skip = missingTools(...liveosTools, 'e2fsck', 'fsck.fat', 'unsquashfs') ?? cannotWasm() ?? false
const overlayPath = `LiveOS/overlay-${stickLabel}-${fatUuid}`

/** The system image of a stick, and the filesystem in it as the native unsquashfs unpacks it. */
function unpacked(folder: string, image: BlockDevice): string {
  const bytes = new Uint8Array(image.size)
  image.readSync(bytes, 0)
  const copy = join(folder, 'image.img')
  writeFileSync(copy, bytes)
  const into = join(folder, 'unpacked')
  rmSync(into, { recursive: true, force: true })
  tool('unsquashfs', ['-d', into, '-n', copy])
  const [name = ''] = readdirSync(join(into, 'LiveOS'))
  return join(into, 'LiveOS', name)
}

async function undone(undo: string): Promise<void> {
  const { code, stderr } = await runCli(['undo', undo, '--yes'])
  assert.equal(code, 0, stderr)
}

test('a merged system is what its changes made of it, on FAT and on ext4, and it can be taken back', { skip }, async (t) => {
  for (const [filesystem, name] of [
    ['vfat', 'recovered'],
    ['ext4', 'half'],
  ] as const) {
    const folder = testFolder(t)
    const origin = await originIn(openFileDevice({ path: fixtureImage, writable: false }))
    const overlay = join(folder, 'overlay')
    writeFileSync(overlay, fixtureOverlay(name))
    const before = sumsOf(mergedOf(origin, openFileDevice({ path: overlay, writable: false })))
    const card = makeStick(folder, stickFiles(folder, { image: fixtureImage, overlay }), { filesystem, sizeMiB: 200 })
    const undo = join(folder, 'undo')
    const { code, stdout, stderr } = await runCli(['merge', card, '--yes', '--undo', undo])
    assert.ok(code === 0 || code === 6, `${filesystem}: ${stdout}${stderr}`)
    assert.match(stderr, /Write the system with its changes as a new image beside the old one/)
    assertStickSound(folder, card, filesystem, 200)

    const stick = await openStick(card, filesystem, 200)
    const image = stick.file('LiveOS/squashfs.img')
    const [oldPacking, newPacking] = [openFileDevice({ path: fixtureImage, writable: false }), image].map(readSuperblock)
    assert.equal(newPacking?.compressor, oldPacking?.compressor)
    assert.equal(newPacking?.blockBytes, oldPacking?.blockBytes)
    const rootfs = unpacked(folder, image)
    const system = openFileDevice({ path: rootfs, writable: false })
    assertSound(folder, system)
    assert.deepEqual(sumsOf(system), before, filesystem)
    if (name === 'recovered') {
      const kernel = Object.fromEntries(Object.keys(keptSums).map((path) => [path, sumsOf(system, (one) => one === path)[path]]))
      assert.deepEqual(kernel, keptSums)
    }
    const store = stick.file(overlayPath)
    const { value } = readSnapshotStore(store, system.size)
    assert.deepEqual([value?.valid, value?.blank, value?.exceptions.count], [true, false, 0])
    assert.deepEqual(sumsOf(mergedOf(await originIn(image), store)), before)
    assert.deepEqual(
      stick.tree.root
        .list()
        .entries.map(({ name: one }) => one)
        .filter((one) => one.startsWith('.livecard')),
      [],
    )
    system.close()
    stick.close()
    assert.equal((await inspected(card)).overlays[0]?.state, 'ok')

    await undone(undo)
    assertStickSound(folder, card, filesystem, 200)
    const again = await openStick(card, filesystem, 200)
    assert.deepEqual(sumsOfTree(again.tree)['LiveOS/squashfs.img'], sha256Of(fixtureImage))
    assert.deepEqual(sumsOfTree(again.tree)[overlayPath], sha256Of(overlay))
    again.close()
  }
})

test('an image that lies unpacked on the stick takes the changed blocks where they belong', { skip }, async (t) => {
  const folder = testFolder(t)
  const packed = await originIn(openFileDevice({ path: fixtureImage, writable: false }))
  const overlay = join(folder, 'overlay')
  writeFileSync(overlay, fixtureOverlay('half'))
  const before = sumsOf(mergedOf(packed, openFileDevice({ path: overlay, writable: false })))
  const image = unpacked(folder, openFileDevice({ path: fixtureImage, writable: false }))
  const files = stickFiles(folder, { image, imageName: 'rootfs.img', overlay })
  const card = makeStick(folder, files, { filesystem: 'ext4', sizeMiB: 300 })
  const undo = join(folder, 'undo')
  const { code, stdout, stderr } = await runCli(['merge', card, '--yes', '--undo', undo])
  assert.ok(code === 0 || code === 6, `${stdout}${stderr}`)
  assertStickSound(folder, card, 'ext4', 300)
  const stick = await openStick(card, 'ext4', 300)
  assert.deepEqual(sumsOf(stick.file('LiveOS/rootfs.img')), before)
  assert.equal(readSnapshotStore(stick.file(overlayPath)).value?.exceptions.count, 0)
  stick.close()
  await undone(undo)
  const after = await openStick(card, 'ext4', 300)
  assert.equal(sumsOfTree(after.tree)['LiveOS/rootfs.img'], sha256Of(image))
  assert.equal(sumsOfTree(after.tree)[overlayPath], sha256Of(overlay))
  after.close()
})

async function refused(t: TestContext, card: string, says: RegExp): Promise<void> {
  const before = sha256Of(card)
  const { code, stderr } = await runCli(['merge', card, '--yes', '--undo', join(testFolder(t), 'undo')])
  assert.equal(code, 1, stderr)
  assert.match(stderr, says)
  assert.equal(sha256Of(card), before)
}

test('what cannot be merged is left as it is, and the sentence says why', { skip }, async (t) => {
  const folder = testFolder(t)
  const invalid = stickFiles(folder, { image: fixtureImage, overlay: fixtureOverlay('full-invalid') })
  await refused(t, makeStick(folder, invalid, { sizeMiB: 128 }), /marked invalid, or damaged; repair them first/)

  const flat = systemImage(folder, 'flat-squashfs')
  const asFiles = stickFiles(folder, { image: flat, overlay: overlayImage(folder) })
  await refused(t, makeStick(folder, asFiles, { sizeMiB: 64 }), /kept as files, and not as blocks/)

  const full = stickFiles(folder, { image: fixtureImage, overlay: fixtureOverlay('recovered') })
  mkdirSync(join(full, 'filler'))
  writeFileSync(join(full, 'filler/large'), '')
  truncateSync(join(full, 'filler/large'), 26 * 1024 * 1024)
  await refused(t, makeStick(folder, full, { sizeMiB: 126 }), /does not fit beside the old one, which has .*there is room for/)

  const alone = join(folder, 'overlay')
  writeFileSync(alone, fixtureOverlay('half'))
  await refused(t, alone, /the whole stick is needed/)
})

test('an empty overlay has nothing to be folded in', { skip }, async (t) => {
  const folder = testFolder(t)
  const card = makeStick(folder, stickFiles(folder, { image: fixtureImage, overlay: fixtureOverlay('fresh') }), { sizeMiB: 100 })
  const { code, stdout } = await runCli(['merge', card, '--yes'])
  assert.equal(code, 0)
  assert.match(stdout, /there is nothing to fold in/)
  assert.ok(findNode((await openStick(card, 'vfat', 100)).tree, overlayPath))
})
