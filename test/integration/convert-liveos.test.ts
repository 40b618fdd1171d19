import assert from 'node:assert/strict'
import { randomFillSync } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { BlockDevice } from '../../native-helpers/block/device.ts'
import { openFileDevice } from '../../native-helpers/block/file-device.ts'
import { makeSnapshotStore } from '../../native-helpers/volumes/snapshot-make.ts'
import { cannotMount, mounted } from '../support/kernel-mount.ts'
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
  writeRoot,
} from '../support/liveos.ts'
import { noise } from '../support/memory-device.ts'
import { assertSound, assertStickSound, mergedOf, openStick, originIn, sha256Of, sumsOfTree } from '../support/merged-view.ts'
import { recordingCard } from '../support/power-cut.ts'
import { runCli } from '../support/run-cli.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'
import { cannotWasm } from '../support/wasm.ts'

const skip =
  missingTools(...liveosTools, 'e2fsck', 'fsck.fat', 'unsquashfs', 'setfattr', 'getfattr') ?? cannotWasm() ?? cannotMount() ?? false
const MiB = 1024 * 1024
const chunkBytes = 4096
const overlayPaths = { vfat: `LiveOS/overlay-${stickLabel}-${fatUuid}`, ext4: `LiveOS/overlay-${stickLabel}-${extUuid}` }

function copied(path: string, device: BlockDevice): string {
  const bytes = new Uint8Array(device.size)
  device.readSync(bytes, 0)
  writeFileSync(path, bytes)
  return path
}

/** All that a kernel shows of a tree: kinds, rights, owners, lengths, times, targets, devices, attributes and sums of contents. */
function shown(folder: string): { facts: string[]; attributes: string[]; sums: string[] } {
  const lines = (text: string) => text.split('\n').filter(Boolean).sort()
  const at = (script: string) => tool('sh', ['-c', `cd "$1" && ${script}`, 'sh', folder])
  const files = '-path ./lost+found -prune -o'
  return {
    // Overlayfs counts links and lengths of folders in its own way.
    facts: lines(
      at(
        `find . ${files} -type d -printf '%P d %m %U %G %T@\\n' -o -printf '%P %y %m %U %G %s %T@ %n %l\\n' && find . ${files} \\( -type b -o -type c \\) -exec stat -c '%n %t %T' {} +`,
      ),
    ),
    attributes: at('getfattr -R -P -h -d -m - . 2>/dev/null || true').split('\n\n').sort(),
    sums: lines(at(`find . ${files} -type f -exec sha256sum {} +`)),
  }
}

/** What a kernel shows of a store over its image. */
function shownBefore(folder: string, origin: BlockDevice, store: BlockDevice) {
  return mounted(copied(join(folder, 'merged.img'), mergedOf(origin, store)), 'ro', shown)
}

/** What a kernel shows of overlayfs as dracut mounts it, and that it can be written to. */
function shownAfter(folder: string, origin: BlockDevice, image: BlockDevice) {
  const base = copied(join(folder, 'base.img'), origin)
  const changes = copied(join(folder, 'changes.img'), image)
  const root = join(folder, 'root')
  mkdirSync(root, { recursive: true })
  return mounted(base, 'ro', (lower) =>
    mounted(changes, 'rw', (upper) => {
      const where = `lowerdir=${lower},upperdir=${upper}/overlayfs,workdir=${upper}/ovlwork`
      tool('mount', ['-t', 'overlay', 'overlay', '-o', where, root])
      try {
        const seen = shown(root)
        writeFileSync(join(root, 'one more'), 'written')
        return seen
      } finally {
        tool('umount', [root])
      }
    }),
  )
}

/** Every kind of change that a kernel can make, over a small system. */
function change(root: string): void {
  const at = (path: string) => join(root, path)
  writeFileSync(at('home/liveuser/letter'), noise(50_000, 1))
  writeFileSync(at('etc/os-release'), 'changed\n')
  rmSync(at('usr/bin/sugar'))
  rmSync(at('doc'), { recursive: true })
  rmSync(at('was-folder'), { recursive: true })
  writeFileSync(at('was-folder'), 'a file now')
  rmSync(at('was-file'))
  mkdirSync(at('was-file'))
  writeFileSync(at('was-file/in it'), 'x')
  rmSync(at('again'), { recursive: true })
  mkdirSync(at('again'))
  writeFileSync(at('again/new'), 'new')
  renameSync(at('old-name'), at('new-name'))
  chmodSync(at('var/log'), 0o2750)
  chownSync(at('etc'), 0, 42)
  chmodSync(at('kept'), 0o4755)
  tool('setfattr', ['-n', 'user.word', '-v', 'said', at('kept')])
  tool('setfattr', ['-n', 'security.selinux', '-v', 'system_u:object_r:etc_t:s0', at('etc')])
  tool('setfattr', ['-n', 'user.long', '-v', 'y'.repeat(2000), at('home/liveuser/letter')])
  linkSync(at('linked'), at('home/linked too'))
  symlinkSync('l'.repeat(200), at('home/long link'))
  tool('mknod', [at('home/tty'), 'c', '4', '7'])
  tool('mkfifo', [at('home/pipe')])
  writeFileSync(at('home/sparse'), 'begin')
  truncateSync(at('home/sparse'), 9_000_000)
  for (let index = 0; index < 300; index += 1) writeFileSync(at(`home/many-${index}`), `${index}`)
}

/** A base with its changed self in a store, as blocks. */
function changedSystem(folder: string, changes: (root: string) => void): { image: string; base: string; store: Buffer } {
  const root = join(folder, 'source')
  writeRoot(root)
  for (const name of ['doc/deep/er', 'was-folder/sub', 'again/sub']) {
    mkdirSync(join(root, name), { recursive: true })
    writeFileSync(join(root, name, 'file'), name)
  }
  for (const name of ['was-file', 'old-name', 'kept', 'linked']) writeFileSync(join(root, name), name.repeat(100))
  const base = join(folder, 'packed/LiveOS/rootfs.img')
  mkdirSync(join(folder, 'packed/LiveOS'), { recursive: true })
  blank(base, 24 * MiB)
  tool('mke2fs', ['-q', '-F', '-t', 'ext4', '-b', '4096', '-J', 'size=4', '-d', root, base])
  const image = join(folder, 'squashfs.img')
  tool('mksquashfs', [join(folder, 'packed'), image, '-comp', 'gzip', '-noappend', '-no-progress', '-quiet'])
  const later = join(folder, 'later.img')
  copyFileSync(base, later)
  mounted(later, 'rw', changes)
  const [before, after] = [readFileSync(base), readFileSync(later)]
  const store = recordingCard(new Uint8Array(20 * MiB))
  const writer = makeSnapshotStore(store)
  for (let offset = 0; offset < before.length; offset += chunkBytes) {
    const chunk = after.subarray(offset, offset + chunkBytes)
    if (Buffer.compare(before.subarray(offset, offset + chunkBytes), chunk) !== 0) writer.append(offset / chunkBytes, chunk)
  }
  writer.commit()
  return { image, base, store: Buffer.from(store.bytes) }
}

for (const filesystem of ['vfat', 'ext4'] as const) {
  test(`converted on ${filesystem}, a kernel shows the same through overlayfs, and it can be taken back`, { skip }, async (t) => {
    const folder = testFolder(t)
    const { image, base, store } = changedSystem(folder, change)
    const origin = openFileDevice({ path: base, writable: false })
    const overlay = join(folder, 'overlay')
    writeFileSync(overlay, store)
    const kept = openFileDevice({ path: overlay, writable: false })
    const before = shownBefore(folder, origin, kept)
    kept.close()
    const overlayName = overlayPaths[filesystem].slice('LiveOS/'.length)
    const files = stickFiles(folder, { image, overlay, overlayName })
    const card = makeStick(folder, files, { filesystem, sizeMiB: 80 })
    if (filesystem === 'vfat') dirtyFree(folder, card)
    const sums = await sumsOn(card, filesystem)
    const undo = join(folder, 'undo')
    const { code, stdout, stderr } = await runCli(['convert', card, '--yes', '--undo', undo])
    assert.ok(code === 0 || code === 6, `${stdout}${stderr}`)
    assert.match(stderr, /The boot menus need no change/)
    assert.equal(/takes room only as it is filled/.test(stderr), filesystem === 'ext4')
    assertStickSound(folder, card, filesystem, 80)
    const stick = await openStick(card, filesystem, 80)
    const changes = stick.file(overlayPaths[filesystem])
    assert.equal(changes.size, 20 * MiB)
    assertSound(folder, changes)
    const after = shownAfter(folder, origin, changes)
    assert.ok(after.sums.length > 300)
    assert.deepEqual(after, before)
    const { [overlayPaths[filesystem]]: _new, ...others } = sumsOfTree(stick.tree)
    const { [overlayPaths[filesystem]]: _old, ...othersBefore } = sums
    assert.deepEqual(others, othersBefore)
    stick.close()
    const report = await inspected(card)
    assert.deepEqual([report.overlays[0]?.kind, report.overlays[0]?.state], ['overlayfs-image', 'ok'])

    const again = await runCli(['convert', card, '--yes'])
    assert.equal(again.code, 0, again.stderr)
    assert.match(again.stdout, /holds the changes as files already/)

    const back = await runCli(['undo', undo, '--yes'])
    assert.equal(back.code, 0, back.stderr)
    assertStickSound(folder, card, filesystem, 80)
    assert.deepEqual(await sumsOn(card, filesystem), sums)
    origin.close()
  })
}

async function sumsOn(card: string, filesystem: 'vfat' | 'ext4'): Promise<Record<string, string>> {
  const stick = await openStick(card, filesystem, 80)
  const sums = sumsOfTree(stick.tree)
  stick.close()
  return sums
}

/** What is free on a stick that was used is no zeros. */
function dirtyFree(folder: string, card: string): void {
  const filler = join(folder, 'filler')
  writeFileSync(filler, randomFillSync(new Uint8Array(40 * MiB)))
  const env = { MTOOLS_SKIP_CHECK: '1' }
  tool('mcopy', ['-i', `${card}@@${4 * MiB}`, filler, '::/filler'], { env })
  tool('mdel', ['-i', `${card}@@${4 * MiB}`, '::/filler'], { env })
}

test('changes that a kernel kept in a store are the same as files', { skip }, async (t) => {
  const folder = testFolder(t)
  const origin = await originIn(openFileDevice({ path: fixtureImage, writable: false }))
  const overlay = join(folder, 'overlay')
  writeFileSync(overlay, fixtureOverlay('recovered'))
  const before = shownBefore(folder, origin, openFileDevice({ path: overlay, writable: false }))
  const card = makeStick(folder, stickFiles(folder, { image: fixtureImage, overlay }), { sizeMiB: 200 })
  const { code, stdout, stderr } = await runCli(['convert', card, '--yes', '--undo', join(folder, 'undo')])
  assert.ok(code === 0 || code === 6, `${stdout}${stderr}`)
  assertStickSound(folder, card, 'vfat', 200)
  const stick = await openStick(card, 'vfat', 200)
  const changes = stick.file(overlayPaths.vfat)
  assert.deepEqual(shownAfter(folder, origin, changes).sums, before.sums)
  stick.close()
})

test('a list of blocks over a flat image gives way to an empty form that works', { skip }, async (t) => {
  const folder = testFolder(t)
  const files = stickFiles(folder, { image: systemImage(folder, 'flat-squashfs'), overlay: fixtureOverlay('half') })
  const card = makeStick(folder, files, { sizeMiB: 160 })
  assert.equal((await inspected(card)).overlays[0]?.state, 'unusable')
  const { code, stdout, stderr } = await runCli(['convert', card, '--yes', '--undo', join(folder, 'undo')])
  assert.ok(code === 0 || code === 6, `${stdout}${stderr}`)
  assert.match(stderr, /which this system cannot use/)
  assertStickSound(folder, card, 'vfat', 160)
  assert.equal((await inspected(card)).overlays[0]?.state, 'ok')
})

async function refused(t: TestContext, args: string[], says: RegExp, exitCode = 1): Promise<void> {
  const [card = ''] = args
  const before = sha256Of(card)
  const { code, stderr } = await runCli(['convert', ...args, '--yes', '--undo', join(testFolder(t), 'undo')])
  assert.equal(code, exitCode, stderr)
  assert.match(stderr, says)
  assert.equal(sha256Of(card), before)
}

test('what cannot be converted is left as it is, and the sentence says why', { skip }, async (t) => {
  const folder = testFolder(t)
  const invalid = stickFiles(folder, { image: fixtureImage, overlay: fixtureOverlay('full-invalid') })
  await refused(t, [makeStick(folder, invalid, { sizeMiB: 128 })], /marked invalid, or damaged; repair them first/)

  const half = stickFiles(folder, { image: fixtureImage, overlay: fixtureOverlay('half') })
  await refused(
    t,
    [makeStick(folder, half, { sizeMiB: 128 }), '--size', '1GiB'],
    /need 1.1 GB beside the old one, and there is room/,
  )

  await refused(t, [join(folder, 'stick.img'), '--size', '20MiB'], /do not fit into 21 MB/, 2)

  const alone = join(folder, 'overlay')
  writeFileSync(alone, fixtureOverlay('half'))
  await refused(t, [alone], /the whole stick is needed/)

  const files = stickFiles(folder, { image: systemImage(folder, 'flat-squashfs'), overlay: overlayImage(folder) })
  const { code, stdout } = await runCli(['convert', makeStick(folder, files, { sizeMiB: 64 }), '--yes'])
  assert.equal(code, 0)
  assert.match(stdout, /holds the changes as files already/)
})

test('layers of a container, and a start that knows no files, keep a system as it is', { skip }, async (t) => {
  const script = 'usr/lib/dracut/modules.d/90dmsquash-live/dmsquash-live-root.sh'
  const cases: [change: (root: string) => void, says: RegExp][] = [
    [(root) => tool('mknod', [join(root, 'home/gone'), 'c', '0', '0']), /"home\/gone" belongs to the layers of a container/],
    [
      (root) => tool('setfattr', ['-n', 'trusted.overlay.opaque', '-v', 'y', join(root, 'doc')]),
      /"doc" belongs to the layers of a container/,
    ],
    [
      (root) => {
        mkdirSync(dirname(join(root, script)), { recursive: true })
        writeFileSync(join(root, script), 'dmsetup create live-rw\n')
      },
      /older than version 045/,
    ],
  ]
  for (const [changes, says] of cases) {
    const folder = testFolder(t)
    const { image, store } = changedSystem(folder, changes)
    await refused(t, [makeStick(folder, stickFiles(folder, { image, overlay: store }), { sizeMiB: 80 })], says)
  }
})
