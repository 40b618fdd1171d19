import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openExt } from '../../native-helpers/volumes/ext-tree.ts'
import { findNode } from '../../native-helpers/volumes/tree.ts'
import {
  blank,
  extUuid,
  fatUuid,
  inspected,
  liveosTools,
  makeStick,
  overlayImage,
  stickFiles,
  stickLabel,
  systemImage,
} from '../support/liveos.ts'
import { assertSound, assertStickSound, openStick, sha256Of, sumsOf } from '../support/merged-view.ts'
import { runCli } from '../support/run-cli.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'
import { cannotWasm } from '../support/wasm.ts'

const skip = missingTools(...liveosTools, 'e2fsck', 'fsck.fat', 'mlabel', 'e2label') ?? cannotWasm() ?? false

/** Takes the inode of a file off its map and sets the mark for errors, as a kernel leaves a volume whose damage it met. */
function damage(image: string, file: string): void {
  tool('debugfs', ['-w', '-R', `freei ${file}`, image])
  tool('debugfs', ['-w', '-R', 'ssv state 2', image])
}

test('a damaged home and a damaged overlay image are mended where they lie, with all files', { skip }, async (t) => {
  const folder = testFolder(t)
  const inHome = join(folder, 'in-home')
  const home = join(folder, 'home.img')
  mkdirSync(inHome)
  writeFileSync(join(inHome, 'letter'), 'to whom it may concern')
  blank(home, 8 * 1024 * 1024)
  tool('mke2fs', ['-q', '-F', '-t', 'ext4', '-L', 'HOME', '-d', inHome, home])
  damage(home, '/letter')
  const overlay = overlayImage(folder, (root) => writeFileSync(join(root, 'overlayfs/song'), 'la la'))
  const overlayFile = join(folder, 'overlay')
  writeFileSync(overlayFile, overlay)
  damage(overlayFile, '/overlayfs/song')
  tool('debugfs', ['-w', '-R', 'rmdir /ovlwork', overlayFile])
  const files = stickFiles(folder, { image: systemImage(folder, 'flat-squashfs'), overlay: overlayFile, home })
  const card = makeStick(folder, files, { sizeMiB: 64 })
  const before = sha256Of(card)
  const ids = (await inspected(card)).findings.map(({ id }) => id)
  for (const id of ['home-damaged', 'overlay-image-damaged', 'overlay-image-folders']) assert.ok(ids.includes(id), id)

  const undo = join(folder, 'undo')
  const { code, stdout, stderr } = await runCli(['repair', card, '--yes', '--undo', undo])
  assert.ok(code === 0 || code === 6, `${stdout}${stderr}`)
  assert.match(stderr, /make the folders "ovlwork" in it/)
  const stick = await openStick(card, 'vfat', 64)
  for (const path of ['LiveOS/home.img', `LiveOS/overlay-${stickLabel}-${fatUuid}`]) assertSound(folder, stick.file(path))
  assert.ok('letter' in sumsOf(stick.file('LiveOS/home.img')))
  assert.ok('overlayfs/song' in sumsOf(stick.file(`LiveOS/overlay-${stickLabel}-${fatUuid}`)))
  stick.close()
  const left = (await inspected(card)).findings.map(({ id }) => id).filter((id) => /^(home|overlay)-/.test(id))
  assert.deepEqual(left, [])
  assertStickSound(folder, card, 'vfat', 64)
  const undone = await runCli(['undo', undo, '--yes'])
  assert.equal(undone.code, 0, undone.stderr)
  assert.equal(sha256Of(card), before)
})

test('the folder that an overlay on the stick itself needs is made beside it', { skip }, async (t) => {
  const folder = testFolder(t)
  const files = stickFiles(folder, { image: systemImage(folder, 'flat-squashfs'), menu: { root: `UUID=${extUuid}` } })
  mkdirSync(join(files, `LiveOS/overlay-${stickLabel}-${extUuid}/etc`), { recursive: true })
  const card = makeStick(folder, files, { filesystem: 'ext4', sizeMiB: 48 })
  const { code, stdout, stderr } = await runCli(['repair', card, '--yes', '--undo', join(folder, 'undo')])
  assert.ok(code === 0 || code === 6, `${stdout}${stderr}`)
  const stick = await openStick(card, 'ext4', 48)
  const { value: ext } = openExt(stick.volume)
  const work = ext && findNode(ext.tree, 'LiveOS/ovlwork')
  assert.deepEqual([work?.kind, work?.mode], ['directory', 0o755])
  stick.close()
  assertStickSound(folder, card, 'ext4', 48)
})

test('a stick that was renamed gets the name back that its menu and its overlay ask for', { skip }, async (t) => {
  for (const filesystem of ['vfat', 'ext4'] as const) {
    const folder = testFolder(t)
    const uuid = filesystem === 'vfat' ? fatUuid : extUuid
    const files = stickFiles(folder, {
      image: systemImage(folder, 'flat-squashfs'),
      overlay: overlayImage(folder),
      overlayName: `overlay-${stickLabel}-${uuid}`,
      menu: { root: `LABEL=${stickLabel}`, overlay: `LABEL=${stickLabel}` },
    })
    const card = makeStick(folder, files, { filesystem, sizeMiB: 64 })
    const renamed = async () => (await inspected(card)).partitions[0]?.label
    if (filesystem === 'vfat') tool('mlabel', ['-i', `${card}@@4M`, '::HOLIDAY'], { env: { MTOOLS_SKIP_CHECK: '1' } })
    else tool('e2label', [`${card}?offset=${4 * 1024 * 1024}`, 'HOLIDAY'])
    assert.equal(await renamed(), 'HOLIDAY')
    const before = sha256Of(card)
    const ids = (await inspected(card)).findings.map(({ id }) => id)
    for (const id of ['overlay-name', 'liveos-menu-root']) assert.ok(ids.includes(id), id)
    const undo = join(folder, 'undo')
    const { code, stdout, stderr } = await runCli(['repair', card, '--yes', '--undo', undo])
    assert.equal(code, 0, `${stdout}${stderr}`)
    assert.match(stderr, /name it "LIVE" again.*its name is "HOLIDAY" now/)
    assert.equal(tool('blkid', ['-p', '-o', 'value', '-s', 'LABEL', '-O', String(4 * 1024 * 1024), card]).trim(), 'LIVE')
    const { findings } = await inspected(card)
    assert.deepEqual(
      findings.filter(({ id }) => /^overlay-name|^liveos-menu/.test(id)),
      [],
    )
    assertStickSound(folder, card, filesystem, 64)
    const undone = await runCli(['undo', undo, '--yes'])
    assert.equal(undone.code, 0, undone.stderr)
    assert.equal(sha256Of(card), before)
  }
})
