import { closeSync, copyFileSync, mkdirSync, openSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { zstdDecompressSync } from 'node:zlib'
import { openFileDevice } from '../../native-helpers/block/file-device.ts'
import type { Finding, Report } from '../../native-helpers/contract-report.ts'
import { type CardSource, openCard } from '../../native-helpers/systems/card.ts'
import { readCard } from '../../native-helpers/systems/read-card.ts'
import { gzipInitrd, writeModules, x86Kernel } from './lampone-parts.ts'
import { noise } from './memory-device.ts'
import { tool } from './tools.ts'

/** The commands that sticks are made with here, as livecd-iso-to-disk and its users make them. */
export const liveosTools = [
  'mke2fs',
  'mkfs.fat',
  'mcopy',
  'mksquashfs',
  'mkfs.erofs',
  'sfdisk',
  'blkid',
  'cryptsetup',
  'dd',
  'debugfs',
  'dumpe2fs',
]

const MiB = 1024 * 1024
const startBytes = 4 * MiB
export const kernelVersion = '6.1.18-200.fc37.x86_64'
export const stickLabel = 'LIVE'
/** As blkid prints what mkfs.fat and mke2fs are told. */
export const fatUuid = '1A2B-3C4D'
export const extUuid = '7b2f3c4d-1111-4222-8333-944455556666'

const fixtures = fileURLToPath(new URL('../fixtures/dm-snapshot/', import.meta.url))

/** Snapshot stores that a kernel made, and the image that they lie over. */
export const fixtureImage = join(fixtures, 'squashfs.img')

export function fixtureOverlay(name: string): Buffer {
  return Buffer.from(zstdDecompressSync(readFileSync(join(fixtures, `${name}.overlay.zst`))))
}

/** The tree of a small system. */
export function writeRoot(root: string, version = kernelVersion): void {
  for (const path of ['etc', 'usr/lib', 'usr/bin', 'proc', 'var/log', 'home/liveuser'])
    mkdirSync(join(root, path), { recursive: true })
  writeModules(root, 'usr/lib', version)
  writeFileSync(
    join(root, 'etc/os-release'),
    'NAME="Fedora Linux"\nPRETTY_NAME="Fedora Linux 37 (Sugar)"\nID=fedora\nVERSION_ID=37\n',
  )
  writeFileSync(join(root, 'usr/bin/sugar'), noise(400_000))
}

export interface NestedOptions {
  sizeMiB?: number
  uuid?: string
}

/** The filesystem of a live system that is packed with it. */
export function nestedFilesystem(
  folder: string,
  { sizeMiB = 64, uuid = '11111111-aaaa-4bbb-8ccc-222222222222' }: NestedOptions = {},
): string {
  const root = join(folder, 'nested-root')
  rmSync(root, { recursive: true, force: true })
  writeRoot(root)
  const image = join(folder, 'rootfs.img')
  blank(image, sizeMiB * MiB)
  tool('mke2fs', ['-q', '-F', '-t', 'ext4', '-b', '4096', '-L', 'Anaconda', '-U', uuid, '-m', '1', '-d', root, image])
  return image
}

export type ImageKind = 'nested' | 'nested-ext3fs' | 'nested-erofs' | 'flat-squashfs' | 'flat-erofs'

/** A squashfs.img of each kind that there was. */
export function systemImage(folder: string, kind: ImageKind, options: NestedOptions = {}): string {
  const image = join(folder, `${kind}.img`)
  const source = join(folder, `source-${kind}`)
  rmSync(source, { recursive: true, force: true })
  if (kind.startsWith('flat')) writeRoot(source)
  else {
    mkdirSync(join(source, 'LiveOS'), { recursive: true })
    const name = kind === 'nested-ext3fs' ? 'ext3fs.img' : 'rootfs.img'
    tool('cp', ['--sparse=always', nestedFilesystem(folder, options), join(source, 'LiveOS', name)])
  }
  rmSync(image, { force: true })
  if (kind.endsWith('erofs')) tool('mkfs.erofs', ['--quiet', '-zlz4hc', image, source])
  else tool('mksquashfs', [source, image, '-comp', 'zstd', '-b', '128K', '-noappend', '-no-progress', '-quiet'])
  rmSync(source, { recursive: true })
  return image
}

export function blank(path: string, sizeBytes: number): void {
  closeSync(openSync(path, 'w'))
  truncateSync(path, sizeBytes)
}

export interface MenuOptions {
  root?: string
  overlay?: string | null
  extra?: string
  kernel?: string
  initrd?: string
}

function commandLine({ root = `UUID=${fatUuid}`, overlay = `UUID=${fatUuid}`, extra = '' }: MenuOptions): string {
  const asked = overlay === null ? '' : ` rd.live.overlay=${overlay}`
  return `root=live:${root} ro rd.live.image${asked} rhgb quiet${extra === '' ? '' : ` ${extra}`}`
}

/** syslinux.cfg as livecd-iso-to-disk leaves it. */
export function syslinuxMenu(options: MenuOptions = {}): string {
  const { kernel = 'vmlinuz', initrd = 'initrd.img' } = options
  return `default vesamenu.c32
timeout 100
menu background
menu autoboot Starting Fedora in # second{,s}. Press any key to interrupt.

menu title Fedora-SoaS-37
label linux
  menu label ^Start Fedora-SoaS-Live 37
  kernel ${kernel}
  append initrd=${initrd} ${commandLine(options)}
  menu default
menu separator
menu begin ^Troubleshooting
  menu title Troubleshooting
label basic
  menu indent count 5
  menu label Start Fedora-SoaS-Live 37 in ^basic graphics mode.
  kernel ${kernel}
  append initrd=${initrd} ${commandLine(options)} nomodeset
label memtest
  menu label Run a ^memory test
  kernel memtest
label local
  menu label Boot from ^local drive
  localboot 0xffff
menu end
`
}

/** grub.cfg of EFI/BOOT on the same stick. */
export function grubMenu(options: MenuOptions = {}): string {
  const { kernel = '/syslinux/vmlinuz', initrd = '/syslinux/initrd.img' } = options
  return `set default="0"

function load_video {
  insmod efi_gop
  insmod efi_uga
  insmod all_video
}

load_video
set gfxpayload=keep
insmod gzio
insmod part_gpt
insmod ext2

set timeout=10
### END /etc/grub.d/00_header ###

search --no-floppy --set=root -l 'LIVE'

### BEGIN /etc/grub.d/10_linux ###
menuentry 'Start Fedora-SoaS-Live 37' --class fedora --class gnu-linux --class gnu --class os {
	linuxefi ${kernel} ${commandLine(options)}
	initrdefi ${initrd}
}
submenu 'Troubleshooting -->' {
	menuentry 'Start Fedora-SoaS-Live 37 in basic graphics mode' --class fedora --class gnu-linux --class gnu --class os {
		linuxefi ${kernel} ${commandLine(options)} nomodeset
		initrdefi ${initrd}
	}
}
`
}

export interface StickFiles {
  /** The path of a squashfs.img or an image of the filesystem; null for none. */
  image: string | null
  imageName?: 'squashfs.img' | 'rootfs.img'
  /** The content of the store or image; a path to it, where it is large. */
  overlay?: Buffer | string | null
  overlayName?: string
  home?: string | null
  menu?: MenuOptions
}

/** What lies on a stick, in a folder of this computer. Change it before `makeStick` to make a stick that is not well. */
export function stickFiles(folder: string, files: StickFiles): string {
  const {
    image,
    imageName = 'squashfs.img',
    overlay = null,
    overlayName = `overlay-${stickLabel}-${fatUuid}`,
    home = null,
    menu = {},
  } = files
  const stick = join(folder, 'stick')
  rmSync(stick, { recursive: true, force: true })
  for (const path of ['LiveOS', 'syslinux', 'EFI/BOOT']) mkdirSync(join(stick, path), { recursive: true })
  if (image !== null) tool('cp', ['--sparse=always', image, join(stick, 'LiveOS', imageName)])
  if (typeof overlay === 'string') tool('cp', ['--sparse=always', overlay, join(stick, 'LiveOS', overlayName)])
  else if (overlay) writeFileSync(join(stick, 'LiveOS', overlayName), overlay)
  if (home !== null) copyFileSync(home, join(stick, 'LiveOS', 'home.img'))
  writeFileSync(join(stick, 'syslinux/vmlinuz'), x86Kernel(kernelVersion))
  writeFileSync(
    join(stick, 'syslinux/initrd.img'),
    gzipInitrd({ init: '#!/bin/sh\n', 'sbin/dmsquash-live-root': 'dracut\n'.repeat(300) }),
  )
  writeFileSync(join(stick, 'syslinux/syslinux.cfg'), syslinuxMenu(menu))
  writeFileSync(join(stick, 'EFI/BOOT/grub.cfg'), grubMenu(menu))
  writeFileSync(join(stick, 'EFI/BOOT/BOOTX64.EFI'), Buffer.alloc(100_000, 'MZ'))
  return stick
}

export interface StickOptions {
  table?: 'mbr' | 'gpt'
  filesystem?: 'vfat' | 'ext4'
  label?: string
  sizeMiB?: number
  active?: boolean
}

/** A card of what lies in a folder: one partition, as livecd-iso-to-disk makes it. */
export function makeStick(folder: string, files: string, options: StickOptions = {}): string {
  const { table = 'mbr', filesystem = 'vfat', label = stickLabel, sizeMiB = 192, active = true } = options
  const card = join(folder, 'stick.img')
  rmSync(card, { force: true })
  blank(card, startBytes + (sizeMiB + 2) * MiB)
  const place = `start=${startBytes / 512}, size=${(sizeMiB * MiB) / 512}`
  const mbrType = filesystem === 'vfat' ? 'c' : '83'
  const gptAttributes = active ? ', attrs=LegacyBIOSBootable' : ''
  tool('sfdisk', ['-q', card], {
    input:
      table === 'mbr'
        ? `label: dos\n${place}, type=${mbrType}${active ? ', bootable' : ''}\n`
        : `label: gpt\n${place}, type=EBD0A0A2-B9E5-4433-87C0-68B6B72699C7${gptAttributes}\n`,
  })
  if (filesystem === 'ext4') {
    const extra = ['-O', '^64bit', '-E', `offset=${startBytes}`, '-d', files]
    tool('mke2fs', [
      '-q',
      '-F',
      '-t',
      'ext4',
      '-b',
      '4096',
      '-L',
      label,
      '-U',
      extUuid,
      ...extra,
      card,
      String((sizeMiB * MiB) / 4096),
    ])
    return card
  }
  const id = fatUuid.replace('-', '')
  tool('mkfs.fat', [
    '-F',
    '32',
    '-s',
    '1',
    '-n',
    label,
    '-i',
    id,
    '--offset',
    String(startBytes / 512),
    card,
    String(sizeMiB * 1024),
  ])
  for (const name of readNames(files))
    tool('mcopy', ['-s', '-i', `${card}@@${startBytes}`, join(files, name), '::/'], { env: { MTOOLS_SKIP_CHECK: '1' } })
  return card
}

function readNames(folder: string): string[] {
  return tool('ls', [folder]).split('\n').filter(Boolean)
}

/** The report as `inspect` gives it. */
export async function inspected(path: string, base: string | null = null): Promise<Report> {
  const device = openFileDevice({ path, writable: false })
  const baseDevice = base === null ? null : openFileDevice({ path: base, writable: false })
  try {
    return await reportOn({ kind: 'file', path, device, base: baseDevice })
  } finally {
    device.close()
    baseDevice?.close()
  }
}

export async function reportOn(source: CardSource): Promise<Report> {
  const card = await openCard(source)
  try {
    return await readCard(card)
  } finally {
    card.close()
  }
}

/** Ids of findings above "info", and of those that are asked for. */
export function idsOf(findings: readonly Finding[]): string[] {
  return findings.filter(({ severity }) => severity !== 'info').map(({ id }) => id)
}

/** The filesystem image that livecd-iso-to-disk makes where the stick has none that could hold the changes itself. */
export function overlayImage(folder: string, change: (root: string) => void = () => {}, sizeMiB = 16): Buffer {
  const root = join(folder, 'overlay-root')
  rmSync(root, { recursive: true, force: true })
  for (const name of ['overlayfs', 'ovlwork']) mkdirSync(join(root, name), { recursive: true })
  change(root)
  const image = join(folder, 'overlay.img')
  blank(image, sizeMiB * MiB)
  tool('mke2fs', ['-q', '-F', '-t', 'ext4', '-b', '4096', '-L', 'OVERLAY', '-m', '0', '-d', root, image])
  return readFileSync(image)
}
