import { copyFileSync, linkSync, mkdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  armKernel,
  firstWrite,
  gzipInitrd,
  makeSystem,
  putInto,
  rewrite,
  type SystemParts,
  writeModules,
  x86Kernel,
} from './lampone-parts.ts'
import { tool } from './tools.ts'

export type LamponeLayout = 'lampone' | 'liveng' | 'resilient'

const MiB = 1024 * 1024

export interface LamponeOptions {
  layout: LamponeLayout
  /** The running system has installed a newer kernel: it stands in the kernel partition, its modules in `rw`. */
  upgraded?: boolean
  /** Of the boot menu: which entry is tried where the first fails. */
  fallback?: number
  persistenceMiB?: number
  /** Of the boot and the kernel partition, instead of what the installers choose: for cards that are copied very often. */
  bootMiB?: number
  kernelMiB?: number
  /** Of the persistence: with 1024 even a small one has a copy of its superblock. */
  blockBytes?: 1024 | 4096
  /** Behind the last partition. */
  tailMiB?: number
  /** The password's field of root in /etc/shadow of the shipped system. */
  rootPassword?: string
  /** What lies in `rw`: a user's changes, nothing, or there is no `rw`, as before the first start. */
  changes?: 'some' | 'empty' | 'none'
  /** Of the persistence, instead of what mke2fs chooses. */
  inodes?: number
  /** LUKS instead of ext4. */
  encrypted?: boolean
  /** A real kernel, in both places. */
  kernel?: { path: string; release: string }
  /** A system that really starts, instead of one in small; and what its loader says to the kernel beside the usual words. */
  parts?: SystemParts & { words: string; loader: string }
  /** Of content in the initrd that does not pack. */
  initrdBytes?: number
  /** Puts more into the root of the shipped system. */
  furnish?: (root: string) => void
  /** Instead of the ones of the layout: the dates are the UUIDs. */
  dates?: { system: string; kernel: string }
}

export interface CardPlace {
  number: number
  startBytes: number
  sizeBytes: number
}

export interface LamponeCard {
  path: string
  boot: CardPlace
  system: CardPlace
  kernel: CardPlace
  persistence: CardPlace
  systemUuid: string
  kernelUuid: string
  systemVersion: string
  kernelVersion: string
  /** Files of the system that were deleted while it ran. */
  whiteouts: number
}

interface Kind {
  volumeIds: [system: string, kernel: string]
  order: ('boot' | 'system' | 'kernel' | 'persistence')[]
  bootMiB: number
  versions: [shipped: string, upgraded: string]
  kernelOf: (version: string) => Uint8Array
  mergedUsr: boolean
  compressor: string
}

const lampone: Kind = {
  volumeIds: ['SK-SYSTEM1', 'SK-SYSTEM2'],
  order: ['boot', 'system', 'kernel', 'persistence'],
  bootMiB: 256,
  versions: ['5.5.0-0.bpo.2-arm64', '5.6.0-0.bpo.2-arm64'],
  kernelOf: armKernel,
  mergedUsr: false,
  compressor: 'xz',
}
const resilient: Kind = {
  volumeIds: ['SK-SYSTEM1', 'SK-SYSTEM2'],
  order: ['system', 'kernel', 'boot', 'persistence'],
  bootMiB: 32,
  versions: ['4.9.0-8-amd64', '4.19.0-9-amd64'],
  kernelOf: x86Kernel,
  mergedUsr: true,
  compressor: 'gzip',
}
const kinds: Record<LamponeLayout, Kind> = {
  lampone,
  liveng: { ...resilient, volumeIds: ['LIVENG_SYSTEM', 'LIVENG_SYSTEM2'] },
  resilient,
}

function kindOf({ layout, kernel, parts }: LamponeOptions): Kind {
  const kind = kinds[layout]
  if (parts) return { ...kind, versions: [parts.version, parts.version] }
  if (!kernel) return kind
  const bytes = readFileSync(kernel.path)
  return { ...kind, versions: [kernel.release, kernel.release], kernelOf: () => bytes, compressor: 'gzip' }
}

/** A card as the installer of its system makes it, sparse: tables by sfdisk, ISO partitions by xorriso, FAT by mkfs.vfat, persistence by mke2fs. */
export function makeLampone(folder: string, options: LamponeOptions): LamponeCard {
  const { layout, upgraded = false, fallback = 1, persistenceMiB = 48, tailMiB = 0 } = options
  const kind = kindOf(options)
  const dates = options.dates ?? { system: '2020061412301100', kernel: '2020061412301200' }
  const work = join(folder, `work-${Math.random().toString(36).slice(2)}`)
  mkdirSync(work)
  const parts =
    options.parts ??
    makeSystem(work, {
      ...kind,
      version: kind.versions[0],
      rootPassword: options.rootPassword ?? '*',
      initrdBytes: options.initrdBytes ?? 1000,
      furnish: options.furnish,
    })
  const isos = makeIsos(work, kind, parts, dates)
  const kernelVersion = kind.versions[upgraded ? 1 : 0]
  const kernelPart = upgraded ? rewrittenKernel(work, kind, kernelVersion, dates.kernel) : null

  const sizesMiB = {
    boot: options.bootMiB ?? kind.bootMiB,
    system: Math.ceil(statSync(isos.system).size / MiB),
    kernel: options.kernelMiB ?? 256,
    persistence: persistenceMiB,
  }
  const places: Partial<Record<(typeof kind.order)[number], CardPlace>> = {}
  let endMiB = 1
  for (const [index, name] of kind.order.entries()) {
    places[name] = { number: index + 1, startBytes: endMiB * MiB, sizeBytes: sizesMiB[name] * MiB }
    endMiB += sizesMiB[name]
  }
  const { boot, system, kernel, persistence } = places
  if (!boot || !system || !kernel || !persistence) throw new Error('a partition has no place')

  const path = join(folder, `${layout}-${Math.random().toString(36).slice(2)}.img`)
  writeFileSync(path, '')
  // GPT keeps its copy in the last 33 sectors, which no partition of whole MiB reaches then.
  truncateSync(path, (endMiB + tailMiB + (layout === 'lampone' ? 0 : 1)) * MiB)
  tool('sfdisk', ['-q', path], { input: layout === 'lampone' ? mbrTable(kind, places) : gptTable(kind, places, layout) })
  putInto(path, isos.system, system.startBytes)
  putInto(path, isos.kernel, kernel.startBytes)
  if (kernelPart) putInto(path, kernelPart, kernel.startBytes)
  const [systemUuid, kernelUuid] = [uuidOf(path, system), uuidOf(path, kernel)]
  makeBoot(work, path, { boot, layout, fallback, systemUuid, kernelUuid, real: options.parts })
  const { changes = 'some', encrypted = false } = options
  if (encrypted) makeEncrypted(work, path, persistence)
  else
    makePersistence(work, path, {
      place: persistence,
      changes,
      kind,
      newVersion: upgraded ? kernelVersion : null,
      inodes: options.inodes,
      blockBytes: options.blockBytes ?? 4096,
    })
  const whiteouts = changes === 'some' && !encrypted && isRoot ? 2 : 0
  rmSync(work, { recursive: true })
  return {
    ...{ path, boot, system, kernel, persistence, systemUuid, kernelUuid },
    ...{ systemVersion: parts.version, kernelVersion, whiteouts },
  }
}

/** blkid(8) reads the partition by itself. */
export function uuidOf(image: string, place: CardPlace): string {
  return tool('blkid', ['-p', '-O', String(place.startBytes), '-o', 'value', '-s', 'UUID', image]).trim()
}

function makeIsos(work: string, kind: Kind, parts: SystemParts, dates: { system: string; kernel: string }) {
  const live = join(work, 'iso', 'live')
  mkdirSync(live, { recursive: true })
  copyFileSync(parts.kernel, join(live, 'vmlinuz'))
  copyFileSync(parts.initrd, join(live, 'initrd.img'))
  copyFileSync(parts.squashfs, join(live, 'filesystem.squashfs'))
  const shipped = join(work, 'shipped.iso')
  tool('xorrisofs', ['-quiet', '-J', '-r', '-V', 'LIVE_SYSTEM', '-o', shipped, join(work, 'iso')])
  const system = join(work, 'system.iso')
  const kernel = join(work, 'kernel.iso')
  firstWrite(shipped, system, kind.volumeIds[0], dates.system, [])
  firstWrite(shipped, kernel, kind.volumeIds[1], dates.kernel, ['/live/filesystem.squashfs'])
  return { system, kernel }
}

function rewrittenKernel(work: string, kind: Kind, version: string, date: string): string {
  const live = join(work, 'rewrite', 'live')
  mkdirSync(live, { recursive: true })
  writeFileSync(join(live, 'vmlinuz'), kind.kernelOf(version))
  writeFileSync(join(live, 'initrd.img'), upgradedInitrd(version))
  const target = join(work, 'rewritten.iso')
  rewrite(join(work, 'rewrite'), target, kind.volumeIds[1], date)
  return target
}

function upgradedInitrd(version: string): Uint8Array {
  return gzipInitrd({ init: '#!/bin/sh\n', [`modules-${version}`]: version })
}

type Places = Partial<Record<Kind['order'][number], CardPlace>>

function mbrTable(kind: Kind, places: Places): string {
  const lines = kind.order.map((name) => {
    const place = places[name]
    return `start=${(place?.startBytes ?? 0) / 512}, size=${(place?.sizeBytes ?? 0) / 512}, type=${name === 'boot' ? 'c, bootable' : '83'}`
  })
  return `label: dos\nlabel-id: 0x5eed1a3b\n${lines.join('\n')}\n`
}

/** The names are the ones that gdisk gives by default; bit 62 hides a partition. */
function gptTable(kind: Kind, places: Places, layout: LamponeLayout): string {
  const efi = 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B'
  const linux = '0FC63DAF-8483-4772-8E79-3D69D8477DE4'
  const lines = kind.order.map((name) => {
    const place = places[name]
    const isHidden = layout === 'resilient' && (name === 'system' || name === 'kernel')
    const type = name === 'boot' ? `type=${efi}, name="EFI System"` : `type=${linux}, name="Linux filesystem"`
    return `start=${(place?.startBytes ?? 0) / 512}, size=${(place?.sizeBytes ?? 0) / 512}, ${type}${isHidden ? ', attrs="GUID:62"' : ''}`
  })
  return `label: gpt\n${lines.join('\n')}\n`
}

interface BootPart {
  boot: CardPlace
  layout: LamponeLayout
  fallback: number
  systemUuid: string
  kernelUuid: string
  real: LamponeOptions['parts']
}

/** Made as a file of its own: mkfs.vfat --offset would judge by the size of the whole card. */
function makeBoot(work: string, image: string, { boot, layout, fallback, systemUuid, kernelUuid, real }: BootPart): void {
  const part = join(work, 'boot.fat')
  writeFileSync(part, '')
  truncateSync(part, boot.sizeBytes)
  tool('mkfs.vfat', ['-n', 'UEFI Boot', part])
  const menu = join(work, 'grub.cfg')
  writeFileSync(menu, bootMenu(layout, fallback, systemUuid, kernelUuid, real?.words))
  const env = { MTOOLS_SKIP_CHECK: '1' }
  const loader = layout === 'lampone' ? 'bootaa64.efi' : 'bootx64.efi'
  writeFileSync(join(work, 'loader'), Buffer.alloc(50_000, 'MZ'))
  tool('mmd', ['-i', part, '::efi', '::efi/boot'], { env })
  tool('mcopy', ['-i', part, menu, '::efi/boot/grub.cfg'], { env })
  tool('mcopy', ['-i', part, join(work, 'loader'), `::efi/boot/${loader}`], { env })
  if (real) tool('mcopy', ['-o', '-i', part, real.loader, '::efi/boot/bootx64.efi'], { env })
  if (layout === 'lampone') {
    for (const name of ['u-boot.bin', 'config.txt', 'bootcode.bin', 'start.elf'])
      tool('mcopy', ['-i', part, join(work, 'loader'), `::${name}`], { env })
  } else {
    tool('mmd', ['-i', part, '::boot', '::boot/grub'], { env })
    tool('mcopy', ['-i', part, menu, '::boot/grub/grub.cfg'], { env })
  }
  putInto(image, part, boot.startBytes)
}

export function bootMenu(layout: LamponeLayout, fallback: number, systemUuid: string, kernelUuid: string, words = 'quiet'): string {
  const table = layout === 'lampone' ? 'msdos' : 'gpt'
  const [systemNumber, kernelNumber] = layout === 'lampone' ? [2, 3] : [1, 2]
  const live = `initrd=/live/initrd.img fromiso=${systemUuid} boot=live live-noconfig live-config.nocomponents ip=frommedia persistence noprompt noeject ${words}`
  const entry = (title: string, uuid: string, number: number, extra: string) =>
    `menuentry '${title}' --unrestricted {
	search --no-floppy --set=root --hint=hd0,${table}${number} --fs-uuid ${uuid}
	linux /live/vmlinuz ${live}${extra}
	initrd /live/initrd.img
}
`
  const repair = layout === 'liveng' ? ' liveng-fallback' : ' kernel-partition-restore'
  const reset = layout === 'resilient' ? entry('Factory reset', systemUuid, systemNumber, ' sk-factory-reset') : ''
  return `set timeout=3
set default=0
set fallback=${fallback}

insmod part_${table}
insmod iso9660

${entry('Standard boot', kernelUuid, kernelNumber, '')}${entry('System Repair', systemUuid, systemNumber, repair)}${reset}`
}

const isRoot = process.getuid?.() === 0

interface PersistencePart {
  place: CardPlace
  changes: 'some' | 'empty' | 'none'
  newVersion: string | null
  kind: Kind
  inodes: number | undefined
  blockBytes: number
}

function makePersistence(
  work: string,
  image: string,
  { place, changes, newVersion, kind, inodes, blockBytes }: PersistencePart,
): void {
  const top = join(work, 'persistence')
  mkdirSync(top)
  writeFileSync(join(top, 'persistence.conf'), '/ union\n')
  if (changes !== 'none') for (const name of ['rw', 'work/work']) mkdirSync(join(top, name), { recursive: true })
  if (changes === 'some') writeChanges(top, kind, newVersion)
  tool('mke2fs', [
    ...['-q', '-t', 'ext4', '-b', String(blockBytes), '-L', 'persistence', '-E', `offset=${place.startBytes}`, '-d', top],
    ...(inodes === undefined ? [] : ['-N', String(inodes)]),
    ...[image, String(place.sizeBytes / blockBytes)],
  ])
}

/** What live-boot and a user leave behind: changed files, deleted ones, a folder that replaces another, the modules of a newer kernel. */
function writeChanges(top: string, kind: Kind, newVersion: string | null): void {
  const at = (path: string) => join(top, 'rw', path)
  for (const path of ['etc', 'home/user', 'var/log/live', 'usr/bin']) mkdirSync(at(path), { recursive: true })
  writeFileSync(at('etc/fstab'), '# made by live-boot\n')
  writeFileSync(at('home/user/letter.txt'), 'Dear Sir or Madam\n'.repeat(100))
  writeFileSync(at('home/user/photo.jpg'), Buffer.alloc(3_000_000, 'photo'))
  linkSync(at('home/user/photo.jpg'), at('home/user/same photo.jpg'))
  if (newVersion) {
    writeModules(top, kind.mergedUsr ? 'rw/usr/lib' : 'rw/lib', newVersion)
    mkdirSync(at('boot'))
    writeFileSync(at(`boot/vmlinuz-${newVersion}`), kind.kernelOf(newVersion))
    writeFileSync(at(`boot/initrd.img-${newVersion}`), upgradedInitrd(newVersion))
  }
  if (!isRoot) return
  // One inode with a name for each file that was deleted in one session.
  tool('mknod', [at('etc/motd'), 'c', '0', '0'])
  linkSync(at('etc/motd'), at('usr/bin/tool'))
  tool('setfattr', ['-n', 'trusted.overlay.opaque', '-v', 'y', at('var/log/live')])
}

/** The way that the specification describes; with few rounds, since nothing here is secret. */
function makeEncrypted(work: string, image: string, place: CardPlace): void {
  const part = join(work, 'luks')
  writeFileSync(part, '')
  truncateSync(part, place.sizeBytes)
  const key = join(work, 'key')
  writeFileSync(key, 'a key of the tests')
  tool('cryptsetup', [
    ...['luksFormat', '--batch-mode', '--type', 'luks2', '--cipher', 'aes-xts-plain64', '--key-size', '512', '--hash', 'sha512'],
    ...['--pbkdf', 'pbkdf2', '--pbkdf-force-iterations', '1000', part, key],
  ])
  putInto(image, part, place.startBytes)
}

/** The same card once more, for a test that damages it. */
export function copyOfCard(card: LamponeCard, folder: string): LamponeCard {
  const path = join(folder, `copy-${Math.random().toString(36).slice(2)}.img`)
  try {
    tool('cp', ['--sparse=always', card.path, path])
  } catch {
    copyFileSync(card.path, path)
  }
  return { ...card, path }
}
