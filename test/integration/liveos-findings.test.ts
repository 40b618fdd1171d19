import assert from 'node:assert/strict'
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { openFileDevice } from '../../native-helpers/block/file-device.ts'
import type { Report } from '../../native-helpers/contract-report.ts'
import { describeOverlayFile } from '../../native-helpers/systems/liveos/overlay.ts'
import { openFat } from '../../native-helpers/volumes/fat-tree.ts'
import { makeSnapshotStore } from '../../native-helpers/volumes/snapshot-make.ts'
import { findNode } from '../../native-helpers/volumes/tree.ts'
import { gzipInitrd, x86Kernel } from '../support/lampone-parts.ts'
import {
  blank,
  extUuid,
  fatUuid,
  fixtureImage,
  fixtureOverlay,
  idsOf,
  inspected,
  kernelVersion,
  liveosTools,
  type MenuOptions,
  makeStick,
  nestedFilesystem,
  overlayImage,
  reportOn,
  type StickFiles,
  type StickOptions,
  stickFiles,
  systemImage,
  writeRoot,
} from '../support/liveos.ts'
import { missingTools, tool } from '../support/tools.ts'

const MiB = 1024 * 1024
const chunkBytes = 4096
const needs = missingTools(...liveosTools) ?? false

let folder = ''
let image = ''
let flat = ''
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'livecard-'))
  if (needs) return
  image = systemImage(folder, 'nested')
  flat = systemImage(folder, 'flat-squashfs')
})
after(() => rmSync(folder, { recursive: true, force: true }))

/** A stick that is well but for what is changed of it, as a folder where it is mounted. */
async function mounted(files: Partial<StickFiles>, change: (stick: string) => void = () => {}): Promise<Report> {
  const stick = stickFiles(folder, { image, overlay: Buffer.alloc(2 * MiB), ...files })
  change(stick)
  return reportOn({ kind: 'folder', path: stick })
}

/** The same as a card. */
async function written(
  files: Partial<StickFiles>,
  change: (stick: string) => void = () => {},
  options: StickOptions = {},
): Promise<Report> {
  const stick = stickFiles(folder, { image, overlay: Buffer.alloc(2 * MiB), ...files })
  change(stick)
  return inspected(makeStick(folder, stick, { sizeMiB: 64, ...options }))
}

/** Every finding of the kinds of this family, those that only inform too. */
function told(report: Report): string[] {
  return report.findings.map(({ id }) => id).filter((id) => id !== 'overlay-empty' && id !== 'fat-dirty')
}

function assertTold(report: Report, ...ids: string[]): void {
  assert.deepEqual(told(report).sort(), ids.sort(), JSON.stringify(report.findings, null, 1))
}

/** A store with copies of so many chunks of the image's end, where nothing lies. */
function storeWith(copies: number, sizeBytes: number): Buffer {
  const bytes = Buffer.alloc(sizeBytes)
  const writer = makeSnapshotStore({
    size: sizeBytes,
    sectorSize: 512,
    readSync: (into, offset) => void into.set(bytes.subarray(offset, offset + into.length)),
    writeSync: (from, offset) => void bytes.set(from, offset),
  })
  const last = (64 * MiB) / chunkBytes - 1
  for (let count = 0; count < copies; count += 1) writer.append(last - count, new Uint8Array(chunkBytes))
  writer.commit()
  return bytes
}

/** A filesystem image with debugfs at work in it. */
function edited(path: string, ...commands: string[]): string {
  for (const command of commands) tool('debugfs', ['-w', '-R', command, path])
  return path
}

function homeImage(sizeMiB: number, contentBytes = 0): string {
  const home = join(folder, 'home.img')
  const content = join(folder, 'home-content')
  rmSync(content, { recursive: true, force: true })
  mkdirSync(content)
  if (contentBytes > 0) writeFileSync(join(content, 'photo'), Buffer.alloc(contentBytes, 'p'))
  rmSync(home, { force: true })
  blank(home, sizeMiB * MiB)
  tool('mke2fs', ['-q', '-F', '-t', 'ext4', '-b', '4096', '-L', 'HOME', '-m', '0', '-d', content, home])
  return home
}

test('a stick that is well has nothing to tell', { skip: needs }, async () => {
  assertTold(await mounted({}))
  assertTold(await written({}))
  assertTold(await written({ overlay: storeWith(200, 2 * MiB), home: homeImage(8) }))
})

test('what is wrong with a store is told', { skip: needs }, async () => {
  const capacity = 509
  assertTold(await mounted({ overlay: storeWith(Math.ceil(capacity * 0.8) - 1, 2 * MiB) }))
  assertTold(await mounted({ overlay: storeWith(Math.ceil(capacity * 0.8), 2 * MiB) }), 'overlay-nearly-full')
  assertTold(await mounted({ overlay: storeWith(capacity - 1, 2 * MiB) }), 'overlay-nearly-full')
  assertTold(await mounted({ overlay: storeWith(capacity, 2 * MiB) }), 'overlay-full')
  const invalid = storeWith(100, 2 * MiB)
  invalid.writeUInt32LE(0, 4)
  const report = await mounted({ overlay: invalid })
  assertTold(report, 'overlay-invalid')
  assert.equal(report.overlays[0]?.snapshot?.dmsetupStatus, '0 131072 snapshot Invalid')
  // 257 chunks and one: the smallest size at which Linux gives a full store up.
  assertTold(await mounted({ overlay: storeWith(10, 258 * chunkBytes) }), 'overlay-trap-size')
  assertTold(await mounted({ overlay: storeWith(10, 259 * chunkBytes) }))
  assertTold(await mounted({ overlay: storeWith(255, 258 * chunkBytes) }), 'overlay-trap-size', 'overlay-full')
})

test('a store that is damaged, cut off or none at all is told of', { skip: needs }, async () => {
  const damaged = storeWith(100, 2 * MiB)
  damaged.writeBigUInt64LE(9999n, chunkBytes + 5 * 16 + 8)
  const report = await mounted({ overlay: damaged })
  // Its place in the image is not read by anything that is looked at.
  assertTold(report, 'overlay-damaged')
  assert.deepEqual([report.overlays[0]?.state, report.overlays[0]?.snapshot?.damagedAreas], ['damaged', 1])
  assertTold(
    await mounted({ overlay: storeWith(256, 2 * MiB).subarray(0, 258 * chunkBytes) }),
    'overlay-cut-off',
    'overlay-trap-size',
  )

  const garbage = Buffer.alloc(2 * MiB, 'no store ')
  const unusable = await mounted({ overlay: garbage })
  assertTold(unusable, 'overlay-header')
  assert.equal(unusable.overlays[0]?.state, 'unusable')
  const newer = storeWith(3, 2 * MiB)
  newer.writeUInt32LE(2, 8)
  assertTold(await mounted({ overlay: newer }), 'overlay-header')
  const odd = storeWith(3, 2 * MiB)
  odd.writeUInt32LE(24, 12)
  assertTold(await mounted({ overlay: odd }), 'overlay-header')
})

test('a store that belongs to another image is known by its size and by its filesystem', { skip: needs }, async () => {
  const smaller = await mounted({ overlay: fixtureOverlay('half') })
  assert.ok(smaller.findings.some(({ id, detail }) => id === 'overlay-other-base' && detail.includes('behind the end')))
  const other = systemImage(folder, 'nested-erofs', { sizeMiB: 256, uuid: '99999999-aaaa-4bbb-8ccc-222222222222' })
  const report = await mounted({ image: other, overlay: fixtureOverlay('half') })
  assertTold(report, 'overlay-other-base')
  assert.match(report.findings[0]?.detail ?? '', /11111111-2222-.*99999999-aaaa-/)
  assert.equal(report.overlays[0]?.filesystem, null)
  // Fedora's older images name their filesystem otherwise, which is told and does no harm.
  assertTold(await mounted({ image: fixtureImage, overlay: fixtureOverlay('half') }), 'liveos-image-name', 'liveos-modules-missing')
})

test('a store over an image without a filesystem of its own cannot work', { skip: needs }, async () => {
  for (const kind of ['flat-squashfs', 'flat-erofs'] as const) {
    const report = await mounted({ image: systemImage(folder, kind), overlay: storeWith(3, 2 * MiB) })
    assertTold(report, 'overlay-flat-base')
    assert.equal(report.overlays[0]?.state, 'unusable')
  }
})

test('a store that has no room to grow on a FAT volume says so', () => {
  const path = join(folder, 'large.overlay')
  for (const [sizeBytes, ids] of [
    [4 * 1024 * MiB - 512, ['overlay-size-limit', 'overlay-empty']],
    [4 * 1024 * MiB - 4 * MiB, ['overlay-empty']],
  ] as const) {
    blank(path, sizeBytes)
    const device = openFileDevice({ path, writable: false })
    const { findings } = describeOverlayFile(device, { path, partition: 1, image: null, hostType: 'vfat' })
    device.close()
    assert.deepEqual(findings.map(({ id }) => id).sort(), [...ids].sort())
  }
})

test("what is wrong with the system's own filesystem is told, as it is seen through the store", { skip: needs }, async () => {
  const nested = () => nestedFilesystem(folder)
  const plain: Partial<StickFiles> = { imageName: 'rootfs.img' }
  assertTold(await mounted({ ...plain, image: nested() }))
  assertTold(await mounted({ ...plain, image: edited(nested(), 'ssv state 2') }), 'overlay-filesystem-damaged')
  const crowded = nested()
  const ballast = join(folder, 'ballast')
  writeFileSync(ballast, Buffer.alloc(53 * MiB, 'x'))
  assertTold(await mounted({ ...plain, image: edited(crowded, `write ${ballast} ballast`) }), 'overlay-filesystem-full')
  const alone = { ...plain, overlay: null, menu: { overlay: null } }
  assertTold(await mounted({ ...alone, image: nested() }))
  assertTold(await mounted({ ...alone, image: edited(nested(), 'ssv state 2') }), 'liveos-image-damaged')
})

test('what is wrong with an image for the changes is told', { skip: needs }, async () => {
  const path = join(folder, 'overlay.img')
  const stick = (overlay: Buffer) => mounted({ image: flat, overlay })
  assertTold(await stick(overlayImage(folder)))
  for (const name of ['overlayfs', 'ovlwork']) {
    overlayImage(folder)
    const report = await stick(readFileSync(edited(path, `rmdir ${name}`)))
    assertTold(report, 'overlay-image-folders')
    assert.equal(report.overlays[0]?.state, 'unusable')
  }
  overlayImage(folder)
  assertTold(await stick(readFileSync(edited(path, 'ssv state 2'))), 'overlay-image-damaged')
  const filled = (bytes: number) =>
    overlayImage(folder, (root) => writeFileSync(join(root, 'overlayfs/film'), Buffer.alloc(bytes, 'f')))
  assertTold(await stick(filled(9 * MiB)), 'overlay-image-nearly-full')
  assertTold(await stick(filled(10.8 * MiB)), 'overlay-image-full')
  const swap = join(folder, 'swap')
  blank(swap, 2 * MiB)
  tool('mkswap', ['-q', swap])
  assertTold(await stick(readFileSync(swap)), 'overlay-image-folders')
})

test('what is wrong with a folder for the changes is told', { skip: needs }, async () => {
  const overlayName = `overlay-LIVE-${extUuid}`
  const menu: MenuOptions = { root: `UUID=${extUuid}`, overlay: `UUID=${extUuid}` }
  const make = (names: string[], fillBytes = 0) =>
    written(
      { image: flat, overlay: null, menu },
      (stick) => {
        for (const name of names) mkdirSync(join(stick, 'LiveOS', name))
        if (fillBytes > 0) writeFileSync(join(stick, 'LiveOS', overlayName, 'film'), Buffer.alloc(fillBytes, 'f'))
      },
      { filesystem: 'ext4' },
    )
  assertTold(await make([overlayName, 'ovlwork']))
  const report = await make([overlayName])
  assertTold(report, 'overlay-work-missing')
  assert.equal(report.overlays[0]?.state, 'unusable')
  assertTold(await make([overlayName, 'ovlwork'], 48 * MiB), 'stick-nearly-full')
  const onFat = await written({ image: flat, overlay: null }, (stick) => {
    for (const name of [`overlay-LIVE-${fatUuid}`, 'ovlwork']) mkdirSync(join(stick, 'LiveOS', name))
  })
  assertTold(onFat, 'overlay-host-filesystem')
})

test('an overlay that the system does not find is told of', { skip: needs }, async () => {
  const renamed = await written({}, () => {}, { label: 'OTHER' })
  assertTold(renamed, 'overlay-name')
  assert.match(renamed.findings.find(({ id }) => id === 'overlay-name')?.detail ?? '', /should be named "overlay-OTHER-1A2B-3C4D"/)
  const byPath = { menu: { overlay: `UUID=${fatUuid}:/LiveOS/overlay-mine` }, overlayName: 'overlay-mine' }
  assertTold(await written(byPath))
  assertTold(await written({ overlay: null }), 'overlay-missing')
  assertTold(await written({ ...byPath, overlayName: `overlay-LIVE-${fatUuid}` }), 'overlay-missing')
  assertTold(await written({ menu: { overlay: null } }), 'overlay-not-used')
  assertTold(await written({ overlay: null, menu: { overlay: null } }))
  assertTold(await written({ menu: { extra: 'rd.live.overlay.reset=1' } }), 'overlay-menu-reset')
  assertTold(await written({ menu: { extra: 'rd.live.overlay.reset=0' } }))
  assertTold(await written({ menu: { extra: 'rd.live.overlay.readonly' } }), 'overlay-menu-readonly')
})

test('a system image that is damaged, unknown or empty is told of', { skip: needs }, async () => {
  const file = 'LiveOS/squashfs.img'
  const cut = await mounted({}, (stick) => truncateSync(join(stick, file), statSync(image).size / 2))
  assertTold(cut, 'liveos-image-damaged')
  assertTold(await mounted({}, (stick) => writeFileSync(join(stick, file), Buffer.alloc(100_000, 'x'))), 'liveos-image-damaged')
  const patched = (at: number, byte: number) => (stick: string) => {
    const fd = openSync(join(stick, file), 'r+')
    writeSync(fd, Uint8Array.of(byte), 0, 1, at)
    closeSync(fd)
  }
  // The number of the compressor, which stands in the superblock.
  assertTold(await mounted({}, patched(20, 77)), 'liveos-image-unread')
  const empty = join(folder, 'empty.img')
  const nothing = join(folder, 'nothing')
  mkdirSync(join(nothing, 'boot'), { recursive: true })
  rmSync(empty, { force: true })
  tool('mksquashfs', [nothing, empty, '-noappend', '-no-progress', '-quiet'])
  assertTold(await mounted({ image: empty }), 'liveos-image-empty')
})

test('a file whose place on the stick is not known is told of', { skip: needs }, async () => {
  for (const name of ['squashfs.img', `overlay-LIVE-${fatUuid}`, 'home.img']) {
    const stick = stickFiles(folder, { image, overlay: Buffer.alloc(2 * MiB), home: homeImage(8) })
    const card = makeStick(folder, stick, { sizeMiB: 64 })
    const device = openFileDevice({ path: card, writable: true })
    const partition = {
      ...device,
      size: 64 * MiB,
      sectorSize: 512,
      readSync: (into: Uint8Array, at: number) => device.readSync(into, at + 4 * MiB),
    }
    const fat = openFat(partition).value
    assert.ok(fat)
    const start = findNode(fat, `LiveOS/${name}`)?.extents().value?.[0]?.start ?? 0
    const { dataStart, clusterBytes, reservedSectors } = fat.volume
    // The first link of its chain leads nowhere.
    device.writeSync?.(new Uint8Array(4), 4 * MiB + reservedSectors * 512 + ((start - dataStart) / clusterBytes + 2) * 4)
    device.close()
    const report = await inspected(card)
    assert.deepEqual(told(report), ['liveos-file-damaged'], name)
  }
})

test('a boot menu that leads nowhere is told of', { skip: needs }, async () => {
  assertTold(
    await written({}, (stick) => {
      rmSync(join(stick, 'syslinux'), { recursive: true })
      rmSync(join(stick, 'EFI'), { recursive: true })
    }),
    'liveos-menu-missing',
  )
  for (const root of ['UUID=9999-9999', 'LABEL=LEVI', 'CDLABEL=Fedora-Live'])
    assertTold(await written({ menu: { root } }), 'liveos-menu-root')
  for (const root of ['LABEL=LIVE', '/dev/sdb1', `/dev/disk/by-uuid/${fatUuid}`]) assertTold(await written({ menu: { root } }))
  assertTold(await written({ menu: { overlay: 'UUID=9999-9999' } }), 'liveos-menu-overlay')
  assertTold(await written({ menu: { extra: 'rd.live.dir=Other' } }), 'liveos-menu-folder')
  assertTold(await written({}, (stick) => renameSync(join(stick, 'LiveOS'), join(stick, 'Moved'))), 'liveos-menu-folder')
  assertTold(await written({}, (stick) => rmSync(join(stick, 'syslinux/vmlinuz'))), 'liveos-menu-kernel')
  assertTold(await written({}, (stick) => rmSync(join(stick, 'syslinux/initrd.img'))), 'liveos-menu-initrd')
  assertTold(await written({}, () => {}, { active: false }), 'liveos-not-active')
  assertTold(await written({}, () => {}, { table: 'gpt', active: false }), 'liveos-not-active')
})

test('a kernel or start-up image that is damaged, or does not go with the system, is told of', { skip: needs }, async () => {
  const kernel = (bytes: Uint8Array) => (stick: string) => writeFileSync(join(stick, 'syslinux/vmlinuz'), bytes)
  const initrd = (bytes: Uint8Array) => (stick: string) => writeFileSync(join(stick, 'syslinux/initrd.img'), bytes)
  const whole = x86Kernel(kernelVersion)
  assertTold(await mounted({}, kernel(whole.subarray(0, 40_000))), 'liveos-kernel-damaged')
  assertTold(await mounted({}, kernel(Buffer.alloc(50_000, 'x'))), 'liveos-kernel-damaged')
  const archive = gzipInitrd({
    init: 'x'.repeat(1000),
    other: Buffer.from(Array.from({ length: 20_000 }, (_, at) => (at * 7919) % 251)),
  })
  assertTold(await mounted({}, initrd(archive)))
  assertTold(await mounted({}, initrd(archive.subarray(0, archive.length / 2))), 'liveos-initrd-damaged')
  assertTold(await mounted({}, initrd(Buffer.alloc(5000, 'x'))), 'liveos-initrd-damaged')
  const other = await mounted({}, kernel(x86Kernel('6.6.6-1.fc37.x86_64')))
  assertTold(other, 'liveos-modules-missing')
  assert.equal(other.kernels[0]?.modules, 'missing')
  const updated = overlayImage(folder, (root) => writeRoot(join(root, 'overlayfs'), '6.6.6-1.fc37.x86_64'))
  assertTold(await mounted({ image: flat, overlay: updated }), 'liveos-kernel-update')
})

test('what is wrong with a home image is told', { skip: needs }, async () => {
  const home = join(folder, 'home.img')
  assertTold(await mounted({ home: homeImage(8) }))
  assertTold(await mounted({ home: homeImage(16, 9 * MiB) }), 'home-nearly-full')
  assertTold(await mounted({ home: homeImage(16, 10.8 * MiB) }), 'home-full')
  assertTold(await mounted({ home: edited(homeImage(8), 'ssv state 2') }), 'home-damaged')
  writeFileSync(home, Buffer.alloc(MiB, 'x'))
  assertTold(await mounted({ home }), 'home-damaged')
  truncateSync(homeImage(8), 6 * MiB)
  assertTold(await mounted({ home }), 'home-cut-off')
  assertTold(await mounted({ home: edited(homeImage(8), 'feature needs_recovery') }), 'home-journal')

  const encrypted = (): string => {
    blank(home, 20 * MiB)
    const fast = ['--pbkdf', 'pbkdf2', '--pbkdf-force-iterations', '1000']
    tool('cryptsetup', ['luksFormat', '-q', '--type', 'luks2', ...fast, home, '-'], { input: 'x' })
    return home
  }
  const spoiled = (path: string, ...places: number[]): string => {
    const fd = openSync(path, 'r+')
    for (const at of places) writeSync(fd, Buffer.alloc(64, 'x'), 0, 64, at)
    closeSync(fd)
    return path
  }
  assertTold(await mounted({ home: encrypted() }))
  assertTold(await mounted({ home: spoiled(encrypted(), 0x4000 + 0x1000) }), 'home-header')
  assertTold(await mounted({ home: spoiled(encrypted(), 0x1000, 0x4000 + 0x1000) }), 'home-damaged')
})

test('a stick that was pulled out is told of, and that alone', { skip: needs }, async () => {
  const card = makeStick(folder, stickFiles(folder, { image, overlay: Buffer.alloc(2 * MiB) }), { sizeMiB: 64 })
  const fd = openSync(card, 'r+')
  writeSync(fd, Uint8Array.of(1), 0, 1, 4 * MiB + 0x41)
  closeSync(fd)
  const report = await inspected(card)
  assert.deepEqual(idsOf(report.findings), [])
  assert.ok(report.findings.some(({ id, severity, partition }) => id === 'fat-dirty' && severity === 'info' && partition === 1))
})
