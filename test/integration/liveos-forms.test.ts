import assert from 'node:assert/strict'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Report } from '../../native-helpers/contract-report.ts'
import {
  blank,
  extUuid,
  fatUuid,
  fixtureImage,
  fixtureOverlay,
  grubMenu,
  type ImageKind,
  idsOf,
  inspected,
  kernelVersion,
  liveosTools,
  makeStick,
  nestedFilesystem,
  overlayImage,
  reportOn,
  stickFiles,
  syslinuxMenu,
  systemImage,
  writeRoot,
} from '../support/liveos.ts'
import { missingTools, tool } from '../support/tools.ts'

const MiB = 1024 * 1024
const needs = missingTools(...liveosTools, 'xorrisofs', 'sgdisk') ?? false
const extMenu = { root: `UUID=${extUuid}`, overlay: `UUID=${extUuid}` }

let folder = ''
const images = new Map<ImageKind, string>()
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'livecard-'))
  if (needs) return
  for (const kind of ['nested', 'nested-ext3fs', 'nested-erofs', 'flat-squashfs', 'flat-erofs'] as const) {
    images.set(kind, systemImage(folder, kind))
  }
})
after(() => rmSync(folder, { recursive: true, force: true }))

function image(kind: ImageKind): string {
  return images.get(kind) ?? ''
}

/** Nothing is wrong, the kernel is known and its modules are seen in the started system. */
function assertWell(report: Report, name = 'Fedora LiveOS stick'): void {
  assert.deepEqual([report.system?.id, report.system?.name], ['liveos', name])
  assert.deepEqual(idsOf(report.findings), [])
  assert.deepEqual(
    report.kernels.map(({ version, starts, modules }) => [version, starts, modules]),
    [[kernelVersion, true, 'present']],
  )
  assert.ok(report.facts.some(({ label, value }) => label === 'System' && value === 'Fedora Linux 37 (Sugar)'))
}

test('sticks with every kind of image and the changes that go with it are understood', { skip: needs }, async () => {
  const forms: [ImageKind, string, 'store' | 'image'][] = [
    ['nested', 'ext4 in squashfs', 'store'],
    ['nested-ext3fs', 'ext4 in squashfs', 'store'],
    ['nested-erofs', 'ext4 in EROFS', 'store'],
    ['nested', 'ext4 in squashfs', 'image'],
    ['flat-squashfs', 'flat squashfs', 'image'],
    ['flat-erofs', 'flat EROFS', 'image'],
  ]
  for (const [kind, generation, overlay] of forms) {
    const changes = overlay === 'store' ? Buffer.alloc(16 * MiB) : overlayImage(folder)
    const report = await inspected(makeStick(folder, stickFiles(folder, { image: image(kind), overlay: changes })))
    assertWell(report)
    assert.equal(report.system?.generation, generation)
    assert.equal(report.partitions[0]?.role, 'system and changes')
    assert.deepEqual(
      report.overlays.map((found) => [found.kind, found.state, found.totalBytes]),
      [[overlay === 'store' ? 'dm-snapshot' : 'overlayfs-image', 'ok', 16 * MiB]],
      `${kind} with ${overlay}`,
    )
    assert.ok(report.rooms.some(({ id }) => id === 'stick'))
    assert.equal(
      report.rooms.some(({ id }) => id === 'system'),
      overlay === 'store',
    )
  }
})

test('a stick of its own, as "livecd-iso-to-disk --format" makes it, may have ext4 and either table', { skip: needs }, async () => {
  for (const table of ['mbr', 'gpt'] as const) {
    const overlayName = `overlay-LIVE-${extUuid}`
    const files = stickFiles(folder, { image: image('nested'), overlay: Buffer.alloc(8 * MiB), overlayName, menu: extMenu })
    const report = await inspected(makeStick(folder, files, { table, filesystem: 'ext4' }))
    assertWell(report)
    assert.equal(report.table.type, table)
    assert.equal(report.overlays[0]?.path, `LiveOS/${overlayName}`)
    assert.equal(report.overlays[0]?.snapshot?.dmsetupStatus, '0 131072 snapshot 16/16384 16')
  }
})

test('changes may be kept in a folder of the stick', { skip: needs }, async () => {
  const overlayName = `overlay-LIVE-${extUuid}`
  const files = stickFiles(folder, { image: image('flat-erofs'), menu: extMenu })
  mkdirSync(join(files, 'LiveOS', overlayName, 'home/liveuser'), { recursive: true })
  mkdirSync(join(files, 'LiveOS/ovlwork/work'), { recursive: true })
  writeFileSync(join(files, 'LiveOS', overlayName, 'home/liveuser/letter'), Buffer.alloc(100_000, 'words '))
  const report = await inspected(makeStick(folder, files, { filesystem: 'ext4' }))
  assertWell(report)
  const [overlay] = report.overlays
  assert.deepEqual([overlay?.kind, overlay?.state, overlay?.usedBytes], ['overlayfs-dir', 'ok', 100_000])
})

test('a stick whose filesystem lies there unpacked and is written to is understood', { skip: needs }, async () => {
  const rootfs = nestedFilesystem(folder)
  const files = stickFiles(folder, { image: rootfs, imageName: 'rootfs.img', menu: { overlay: 'none' } })
  const report = await inspected(makeStick(folder, files))
  assertWell(report)
  assert.equal(report.system?.generation, 'unpacked ext4')
  const [overlay] = report.overlays
  assert.deepEqual([overlay?.kind, overlay?.path, overlay?.totalBytes], ['ext4-rw', 'LiveOS/rootfs.img', statSync(rootfs).size])
  const stored = stickFiles(folder, { image: rootfs, imageName: 'rootfs.img', overlay: Buffer.alloc(8 * MiB) })
  assert.equal((await inspected(makeStick(folder, stored))).overlays[0]?.snapshot?.originSectors, statSync(rootfs).size / 512)
})

test('an image written as it is may have a partition for the changes behind it', { skip: needs }, async () => {
  const label = 'Fedora-WS-Live-41'
  const tree = join(folder, 'iso')
  rmSync(tree, { recursive: true, force: true })
  for (const path of ['LiveOS', 'EFI/BOOT', 'boot/grub2', 'boot/x86_64/loader']) mkdirSync(join(tree, path), { recursive: true })
  const stick = stickFiles(folder, { image: image('flat-erofs') })
  cpSync(image('flat-erofs'), join(tree, 'LiveOS/squashfs.img'))
  cpSync(join(stick, 'syslinux/vmlinuz'), join(tree, 'boot/x86_64/loader/linux'))
  cpSync(join(stick, 'syslinux/initrd.img'), join(tree, 'boot/x86_64/loader/initrd'))
  const loader = { kernel: '($root)/boot/x86_64/loader/linux', initrd: '($root)/boot/x86_64/loader/initrd' }
  const menu = grubMenu({ ...loader, root: `CDLABEL=${label}`, overlay: 'LABEL=persist' }).replace("-l 'LIVE'", `-l '${label}'`)
  writeFileSync(join(tree, 'boot/grub2/grub.cfg'), menu)
  const boot = join(folder, 'efi.img')
  rmSync(boot, { force: true })
  blank(boot, 4 * MiB)
  tool('mkfs.fat', ['-n', 'ANACONDA', boot])
  const card = join(folder, 'iso.img')
  rmSync(card, { force: true })
  tool('xorrisofs', [
    ...['-quiet', '-R', '-J', '-V', label, '-partition_offset', '16'],
    ...['-append_partition', '2', 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B', boot, '-appended_part_as_gpt', '-o', card, tree],
  ])
  const before = await inspected(card)
  assertWell(before, 'Fedora live image, written as it is')
  assert.deepEqual(before.overlays, [])
  assert.equal(before.system?.generation, 'flat EROFS')

  const uuid = tool('blkid', ['-p', '-o', 'value', '-s', 'UUID', '-O', '0', card]).trim()
  const isoBytes = statSync(card).size
  const start = Math.ceil(isoBytes / MiB) * MiB
  tool('truncate', ['-s', String(start + 40 * MiB), card])
  tool('sgdisk', ['-e', '-n', `0:${start / 512}:${start / 512 + (32 * MiB) / 512 - 1}`, card])
  const upper = join(folder, 'persist')
  rmSync(upper, { recursive: true, force: true })
  mkdirSync(join(upper, `LiveOS/overlay-${label}-${uuid}`, 'etc'), { recursive: true })
  mkdirSync(join(upper, 'LiveOS/ovlwork'))
  writeFileSync(join(upper, `LiveOS/overlay-${label}-${uuid}`, 'etc/hostname'), 'mine\n')
  tool('mke2fs', ['-q', '-F', '-t', 'ext4', '-L', 'persist', '-E', `offset=${start}`, '-d', upper, card, '32M'])
  const report = await inspected(card)
  assertWell(report, 'Fedora live image, written as it is')
  assert.deepEqual(
    report.overlays.map(({ kind, state, partition, path }) => [kind, state, partition, path]),
    [['overlayfs-dir', 'ok', report.partitions.at(-1)?.number, `LiveOS/overlay-${label}-${uuid}`]],
  )
  const roles = report.partitions.filter(({ role }) => role !== null).map(({ fs, role }) => [fs, role])
  assert.deepEqual(roles, [
    ['iso9660', 'system'],
    ['vfat', 'boot'],
    ['ext4', 'changes'],
  ])
})

test('changes may be kept on a partition of their own that the boot menu names', { skip: needs }, async () => {
  const menu = { overlay: null, extra: 'rd.overlay=LABEL=persist' }
  const card = makeStick(folder, stickFiles(folder, { image: image('flat-erofs'), menu }), { sizeMiB: 64 })
  const start = statSync(card).size
  tool('truncate', ['-s', String(start + 32 * MiB), card])
  tool('sfdisk', ['-q', '--append', '--no-reread', card], { input: `start=${start / 512}, size=${(32 * MiB) / 512}, type=83\n` })
  const persist = (...names: string[]) => {
    const root = join(folder, 'persist')
    rmSync(root, { recursive: true, force: true })
    for (const name of names) mkdirSync(join(root, name), { recursive: true })
    tool('mke2fs', ['-q', '-F', '-t', 'ext4', '-L', 'persist', '-E', `offset=${start}`, '-d', root, card, '32M'])
  }
  persist('overlay/etc', 'ovlwork')
  const report = await inspected(card)
  assertWell(report)
  assert.deepEqual(
    report.overlays.map(({ kind, state, partition, path }) => [kind, state, partition, path]),
    [['overlayfs-dir', 'ok', 2, 'overlay']],
  )
  assert.equal(report.partitions[1]?.role, 'changes')
  persist('etc')
  assert.deepEqual(idsOf((await inspected(card)).findings), ['overlay-missing'])
})

test('a stick with several systems tells of the changes of each', { skip: needs }, async () => {
  const files = stickFiles(folder, { image: image('nested'), overlay: Buffer.alloc(8 * MiB) })
  mkdirSync(join(files, 'q7Rx/syslinux'), { recursive: true })
  cpSync(image('nested-ext3fs'), join(files, 'q7Rx/squashfs.img'))
  writeFileSync(join(files, `q7Rx/overlay-LIVE-${fatUuid}`), Buffer.alloc(4 * MiB))
  cpSync(join(files, 'syslinux/vmlinuz'), join(files, 'q7Rx/syslinux/vmlinuz'))
  cpSync(join(files, 'syslinux/initrd.img'), join(files, 'q7Rx/syslinux/initrd.img'))
  writeFileSync(join(files, 'q7Rx/syslinux/syslinux.cfg'), syslinuxMenu({ extra: 'rd.live.dir=q7Rx' }))
  const report = await inspected(makeStick(folder, files))
  assert.deepEqual(
    report.overlays.map(({ path }) => path),
    [`LiveOS/overlay-LIVE-${fatUuid}`, `q7Rx/overlay-LIVE-${fatUuid}`],
  )
  assert.deepEqual(idsOf(report.findings), [])
})

test('a stick that is mounted is understood from its folder', { skip: needs }, async () => {
  const files = stickFiles(folder, { image: fixtureImage, overlay: fixtureOverlay('half') })
  for (const path of [files, join(files, 'LiveOS')]) {
    const report = await reportOn({ kind: 'folder', path })
    assert.deepEqual([report.target.kind, report.system?.id, report.system?.name], ['folder', 'liveos', 'Fedora LiveOS stick'])
    assert.equal(report.overlays[0]?.snapshot?.dmsetupStatus, '0 524288 snapshot 68528/131072 280')
    assert.deepEqual(
      idsOf(report.findings).filter((id) => id !== 'liveos-modules-missing'),
      [],
    )
  }
})

test('the system sees modules that lie only in the changes', { skip: needs }, async () => {
  const overlay = overlayImage(folder, (root) => writeRoot(join(root, 'overlayfs'), '6.5.0-1.fc37.x86_64'))
  const report = await inspected(makeStick(folder, stickFiles(folder, { image: image('flat-squashfs'), overlay })))
  assert.deepEqual(idsOf(report.findings), [])
  assert.equal(report.kernels[0]?.modules, 'present')
  assert.ok(report.findings.some(({ id, detail }) => id === 'liveos-kernel-update' && detail.includes('6.5.0-1.fc37.x86_64')))
})

test('home images are measured by their own filesystem, and encrypted ones named as such', { skip: needs }, async () => {
  const home = join(folder, 'home.img')
  const content = join(folder, 'home')
  mkdirSync(join(content, 'liveuser'), { recursive: true })
  writeFileSync(join(content, 'liveuser/photo'), Buffer.alloc(2 * MiB, 'p'))
  blank(home, 16 * MiB)
  tool('mke2fs', ['-q', '-F', '-t', 'ext4', '-b', '4096', '-L', 'HOME', '-d', content, home])
  const free = /^Free blocks: +(\d+)$/m.exec(tool('dumpe2fs', ['-h', home]))?.[1]
  const plain = await inspected(
    makeStick(folder, stickFiles(folder, { image: image('nested'), overlay: Buffer.alloc(8 * MiB), home })),
  )
  assertWell(plain)
  const room = plain.rooms.find(({ id }) => id === 'home')
  assert.deepEqual([room?.totalBytes, room?.usedBytes], [16 * MiB, 16 * MiB - Number(free) * 4096])

  blank(home, 20 * MiB)
  tool('cryptsetup', ['luksFormat', '-q', '--type', 'luks2', '--pbkdf', 'pbkdf2', '--pbkdf-force-iterations', '1000', home, '-'], {
    input: 'x',
  })
  const files = stickFiles(folder, { image: image('nested'), overlay: Buffer.alloc(8 * MiB), home })
  const encrypted = await inspected(makeStick(folder, files))
  assertWell(encrypted)
  assert.ok(encrypted.facts.some(({ label, value }) => label === 'Home image' && value.includes('LUKS2 with aes-xts-plain64')))
  assert.ok(readdirSync(join(files, 'LiveOS')).includes('home.img'))
})

test('a stick whose own filesystem is not read here is known by its boot partition', {
  skip: needs || (missingTools('mkfs.btrfs') ?? false),
}, async () => {
  const uuid = 'c0ffee00-1111-4222-8333-444455556666'
  const card = join(folder, 'btrfs.img')
  rmSync(card, { force: true })
  blank(card, 200 * MiB)
  tool('sfdisk', ['-q', card], { input: 'label: gpt\nstart=8192, size=262144\nstart=270336, size=65536, type=U\n' })
  const live = join(folder, 'live.img')
  rmSync(live, { force: true })
  blank(live, 128 * MiB)
  tool('mkfs.btrfs', ['-q', '-f', '-U', uuid, '-L', 'LIVE', live])
  tool('dd', [`if=${live}`, `of=${card}`, 'bs=1M', 'seek=4', 'conv=notrunc,sparse', 'status=none'])
  const at = String(270336 * 512)
  tool('mkfs.fat', ['-n', 'ESP', '--offset', '270336', card, '32768'])
  const files = stickFiles(folder, { image: null, menu: { root: `UUID=${uuid}`, overlay: `UUID=${uuid}` } })
  for (const name of ['syslinux', 'EFI'])
    tool('mcopy', ['-s', '-i', `${card}@@${at}`, join(files, name), '::/'], { env: { MTOOLS_SKIP_CHECK: '1' } })
  const report = await inspected(card)
  assert.deepEqual(report.system?.evidence, [
    `"syslinux/syslinux.cfg" starts a live system on UUID=${uuid}`,
    'which is partition 1 (btrfs)',
  ])
  assert.deepEqual(
    report.findings.map(({ id }) => id),
    ['liveos-host-unread'],
  )
  assert.deepEqual(
    report.partitions.map(({ role }) => role),
    ['system', 'boot'],
  )
  assert.equal(report.kernels[0]?.version, kernelVersion)
})
