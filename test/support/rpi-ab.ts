import { closeSync, mkdirSync, openSync, readSync, rmSync, symlinkSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { armKernel, gzipInitrd, putInto, writeModules } from './lampone-parts.ts'
import { tool } from './tools.ts'

/** The commands that a card is made with here, in place of genimage, which calls the same ones. */
export const abTools = ['mkfs.vfat', 'mcopy', 'mmd', 'mke2fs', 'mkfs.erofs', 'sfdisk', 'cryptsetup', 'dd']

const MiB = 1024 * 1024

export interface AbOptions {
  /** 2025: `config`/BOOTFS and ext4 roots. 2026: `bootconfig`/BOOTCONFIG and EROFS roots. */
  generation: 2025 | 2026
  map?: 'clear' | 'crypt' | 'cryptslots' | 'cryptdata'
  bootMiB?: number
  systemMiB?: number
  dataMiB?: number
  /** Room behind the last partition, as on a card that is larger than its image. */
  tailMiB?: number
  /** The card has run: there is a machine number and a log. */
  started?: boolean
  /** Slot B has another system than A. */
  updated?: boolean
  /** The start files lie in an image that the firmware loads as a whole. */
  ramdisk?: boolean
  /** 4096 for storage with such sectors; needs a loop device. */
  sectorBytes?: 512 | 4096
}

export interface AbCard {
  path: string
  /** Where each partition begins, by its name. */
  starts: Map<string, number>
  sizes: Map<string, number>
  kernelVersions: [pi4: string, pi5: string]
}

const versions: AbCard['kernelVersions'] = ['6.12.34+rpt-rpi-v8', '6.12.34+rpt-rpi-2712']
const newVersions: AbCard['kernelVersions'] = ['6.12.47+rpt-rpi-v8', '6.12.47+rpt-rpi-2712']
const systemUuid = '6f2d1c1e-5b1f-4d3a-9a57-0c1c7a4c8a11'
export const machineId = '0123456789abcdef0123456789abcdef'
/** Both slots carry the same one. */
const bootSerial = '8A3C55D1'
const basicData = 'EBD0A0A2-B9E5-4433-87C0-68B6B72699C7'
const linuxData = '0FC63DAF-8483-4772-8E79-3D69D8477DE4'
const alignMiB = 8

/** A card as rpi-image-gen makes it: image/gpt/ab_userdata (pre-image.sh, genimage.cfg.in.*), and the maps as its provisioner applies them. */
export function makeAbCard(folder: string, options: AbOptions): AbCard {
  const { generation, map = 'clear', bootMiB = 40, systemMiB = 24, dataMiB = 32, tailMiB = 0, sectorBytes = 512 } = options
  const work = join(folder, `work-${Math.random().toString(36).slice(2)}`)
  mkdirSync(work)
  const config = bootconfig(work, generation, sectorBytes)
  const boot = bootPart(work, 'a', versions, bootMiB, options)
  const system = systemPart(work, 'a', versions, systemMiB, generation, '1.0')
  const bootB = options.updated ? bootPart(work, 'b', newVersions, bootMiB, options) : boot
  const systemB = options.updated ? systemPart(work, 'b', newVersions, systemMiB, generation, '1.1') : system
  const data = dataPart(work, dataMiB, options)
  const label = { clear: '', crypt: 'OSDATA_CRYPT', cryptslots: 'OSAB_CRYPT', cryptdata: 'USERDATA_CRYPT' }[map]
  const luks = label === '' ? '' : luksPart(work, label)

  const name = generation === 2025 ? 'config' : 'bootconfig'
  const first: Part[] = [
    { name, type: basicData, file: config, sizeMiB: 32 },
    { name: 'boot_a', type: basicData, file: boot, sizeMiB: bootMiB },
    { name: 'boot_b', type: basicData, file: bootB, sizeMiB: bootMiB },
  ]
  const systems: Part[] = [
    { name: 'system_a', type: linuxData, file: system, sizeMiB: systemMiB },
    { name: 'system_b', type: linuxData, file: systemB, sizeMiB: systemMiB },
  ]
  const persistent: Part = { name: 'persistent', type: linuxData, file: data, sizeMiB: dataMiB }
  const container: Part = { name: map === 'cryptdata' ? 'persistent_crypt' : 'os_crypt', type: linuxData, file: luks, sizeMiB: 24 }
  const parts = {
    clear: [...first, ...systems, persistent],
    crypt: [...first, container],
    cryptslots: [...first, container, persistent],
    cryptdata: [...first, ...systems, container],
  }[map]
  const card = assemble(folder, parts, tailMiB, sectorBytes)
  rmSync(work, { recursive: true })
  return { ...card, kernelVersions: versions }
}

interface Part {
  name: string
  type: string
  file: string
  sizeMiB: number
}

function assemble(
  folder: string,
  parts: readonly Part[],
  tailMiB: number,
  sectorBytes: number,
): Pick<AbCard, 'path' | 'starts' | 'sizes'> {
  const path = join(folder, `ab-${Math.random().toString(36).slice(2)}.img`)
  const starts = new Map<string, number>()
  const sizes = new Map<string, number>()
  let endMiB = alignMiB
  const lines = parts.map(({ name, type, sizeMiB }) => {
    starts.set(name, endMiB * MiB)
    sizes.set(name, sizeMiB * MiB)
    const bootable = type === basicData ? ', attrs=LegacyBIOSBootable' : ''
    const line = `start=${(endMiB * MiB) / sectorBytes}, size=${(sizeMiB * MiB) / sectorBytes}, type=${type}, name=${name}${bootable}`
    endMiB = Math.ceil((endMiB + sizeMiB) / alignMiB) * alignMiB
    return line
  })
  writeFileSync(path, '')
  truncateSync(path, (endMiB + 1) * MiB)
  partition(path, `label: gpt\n${lines.join('\n')}\n`, sectorBytes)
  for (const { name, file } of parts) putInto(path, file, starts.get(name) ?? 0)
  if (tailMiB > 0) truncateSync(path, (endMiB + 1 + tailMiB) * MiB)
  return { path, starts, sizes }
}

function partition(path: string, table: string, sectorBytes: number): void {
  if (sectorBytes === 512) return void tool('sfdisk', ['-q', path], { input: table })
  const loop = tool('losetup', ['--find', '--show', '--sector-size', String(sectorBytes), path]).trim()
  try {
    tool('sfdisk', ['-q', '--no-reread', '--no-tell-kernel', loop], { input: table })
  } finally {
    tool('losetup', ['-d', loop])
  }
}

const env = { MTOOLS_SKIP_CHECK: '1' }

function fat(work: string, name: string, sizeMiB: number, args: readonly string[]): string {
  const file = join(work, name)
  writeFileSync(file, '')
  truncateSync(file, sizeMiB * MiB)
  tool('mkfs.vfat', [...args, file])
  return file
}

export const healthyAutoboot = '[all]\ntryboot_a_b=1\nboot_partition=2\n[tryboot]\nboot_partition=3\n'

function bootconfig(work: string, generation: number, sectorBytes: number): string {
  const file = fat(work, 'bootconfig.vfat', 32, [
    '-s',
    '1',
    '-S',
    String(sectorBytes),
    '-n',
    generation === 2025 ? 'BOOTFS' : 'BOOTCONFIG',
  ])
  const text = join(work, 'autoboot.txt')
  writeFileSync(text, healthyAutoboot)
  tool('mcopy', ['-i', file, text, '::autoboot.txt'], { env })
  return file
}

/** What raspi-firmware leaves in the boot partition of a system with both 64-bit kernels, in small. */
function bootPart(
  work: string,
  slot: string,
  [pi4, pi5]: AbCard['kernelVersions'],
  sizeMiB: number,
  { generation, ramdisk, sectorBytes = 512 }: AbOptions,
): string {
  const top = join(work, `boot-${slot}`)
  mkdirSync(join(top, 'overlays'), { recursive: true })
  const put = (name: string, content: string | Uint8Array) => writeFileSync(join(top, name), content)
  const root = generation === 2025 ? '/dev/ram0' : '/dev/disk/by-slot/active/system'
  put(
    'config.txt',
    '# For more options see the documentation\nauto_initramfs=1\narm_64bit=1\ndtparam=audio=on\n\n[cm4]\notg_mode=1\n\n[all]\nenable_uart=1\n',
  )
  put('cmdline.txt', `console=serial0,115200 console=tty1 root=${root} rootwait ro quiet\n`)
  put('kernel8.img', gzipSync(armKernel(pi4)))
  put('kernel_2712.img', gzipSync(armKernel(pi5)))
  put('initramfs8', gzipInitrd({ init: '#!/bin/sh\n', [`usr/lib/modules/${pi4}/modules.dep`]: '' }))
  put('initramfs_2712', gzipInitrd({ init: '#!/bin/sh\n', [`usr/lib/modules/${pi5}/modules.dep`]: '' }))
  put('overlays/dwc2.dtbo', Buffer.alloc(2000, 'overlay'))
  if (!ramdisk) put('start4.elf', Buffer.alloc(200_000, 'firmware'))
  const file = fat(work, `boot-${slot}.vfat`, sizeMiB, ['-S', String(sectorBytes), '-n', 'BOOT', '-i', bootSerial])
  if (ramdisk) {
    const inner = fat(work, `boot-${slot}.img`, sizeMiB - 8, ['-S', String(sectorBytes), '-n', 'BOOTRD', '--invariant'])
    tool('sh', ['-c', `mcopy -s -i "${inner}" "${top}"/* ::/`], { env })
    writeFileSync(join(work, 'outer.txt'), 'boot_ramdisk=1\n')
    tool('mcopy', ['-i', file, inner, '::boot.img'], { env })
    tool('mcopy', ['-i', file, join(work, 'outer.txt'), '::config.txt'], { env })
  } else tool('sh', ['-c', `mcopy -s -i "${file}" "${top}"/* ::/`], { env })
  return file
}

function systemPart(
  work: string,
  slot: string,
  kernels: AbCard['kernelVersions'],
  sizeMiB: number,
  generation: number,
  version: string,
): string {
  const root = join(work, `root-${slot}`)
  const at = (path: string) => join(root, path)
  for (const path of [
    'etc/systemd/journald.conf.d',
    'etc/rpi-image-gen/slot-shared.d',
    'usr/lib/systemd',
    'usr/sbin',
    'home',
    'boot/firmware',
    'var/tmp',
  ]) {
    mkdirSync(at(path), { recursive: true })
  }
  mkdirSync(at('etc/NetworkManager/system-connections'), { recursive: true })
  symlinkSync('usr/lib', at('lib'))
  symlinkSync('usr/sbin', at('sbin'))
  symlinkSync('/usr/lib/systemd/systemd', at('usr/sbin/init'))
  writeFileSync(at('usr/lib/systemd/systemd'), Buffer.alloc(90_000, 'systemd'))
  writeFileSync(at('usr/lib/os-release'), `PRETTY_NAME="Debian GNU/Linux 13 (trixie) ${version}"\nID=debian\nVERSION_ID="13"\n`)
  symlinkSync('../usr/lib/os-release', at('etc/os-release'))
  writeFileSync(at('etc/machine-id'), '')
  const bootfs = generation === 2025 ? 'LABEL=BOOTFS' : '/dev/disk/by-slot/bootconfig'
  writeFileSync(
    at('etc/fstab'),
    `/dev/disk/by-slot/active/system /  ext4 ro 0 1\n${bootfs}  /bootfs vfat defaults,rw,noatime 0 2\n`,
  )
  writeFileSync(
    at('etc/systemd/journald.conf.d/persistent.conf'),
    '[Journal]\nStorage=persistent\nCompress=yes\nSystemMaxUse=512M\n',
  )
  writeFileSync(
    at('etc/rpi-image-gen/slot-shared.d/50-network.conf'),
    '# Networks\nVersion=1\nPath=/etc/NetworkManager/system-connections\n',
  )
  for (const kernel of kernels) writeModules(root, 'usr/lib', kernel)
  const file = join(work, `system-${slot}.img`)
  if (generation === 2025) {
    writeFileSync(file, '')
    truncateSync(file, sizeMiB * MiB)
    tool('mke2fs', ['-q', '-t', 'ext4', '-b', '4096', '-L', 'SYSTEM', '-U', systemUuid, '-d', root, file])
  } else {
    tool('mkfs.erofs', ['--quiet', '-zlz4hc', '-U', systemUuid, file, root])
    truncateSync(file, sizeMiB * MiB)
  }
  return file
}

function dataPart(work: string, sizeMiB: number, { started = true, generation }: AbOptions): string {
  const top = join(work, 'persistent')
  const at = (path: string) => join(top, path)
  for (const slot of ['system_a', 'system_b']) {
    mkdirSync(at(`slots/${slot}/var/lib/dpkg`), { recursive: true })
    mkdirSync(at(`slots/${slot}/var/tmp`))
    writeFileSync(at(`slots/${slot}/var/lib/dpkg/status`), 'Package: base-files\n'.repeat(2000))
  }
  for (const path of ['common/etc', 'home/pi', 'log/journal']) mkdirSync(at(path), { recursive: true })
  if (generation === 2026) mkdirSync(at('shared/etc/NetworkManager/system-connections'), { recursive: true })
  writeFileSync(at('home/pi/letter.txt'), 'Dear Sir or Madam\n'.repeat(100))
  if (started) {
    writeFileSync(at('common/etc/machine-id'), `${machineId}\n`)
    mkdirSync(at(`log/journal/${machineId}`))
    writeFileSync(at(`log/journal/${machineId}/system.journal`), Buffer.alloc(400_000, 'LPKSHHRH'))
  }
  const file = join(work, 'persistent.img')
  writeFileSync(file, '')
  truncateSync(file, sizeMiB * MiB)
  const features = '64bit,metadata_csum,flex_bg,resize_inode'
  tool('mke2fs', ['-q', '-t', 'ext4', '-b', '4096', '-I', '256', '-O', features, '-L', 'PERSISTENT', '-d', top, file])
  return file
}

function luksPart(work: string, label: string): string {
  const file = join(work, 'luks.img')
  writeFileSync(file, '')
  truncateSync(file, 24 * MiB)
  const args = [
    'luksFormat',
    '-q',
    '--type',
    'luks2',
    '--label',
    label,
    '--cipher',
    'aes-xts-plain64',
    '--key-size',
    '512',
    '--hash',
    'sha256',
  ]
  tool('cryptsetup', [...args, '--pbkdf', 'pbkdf2', '--pbkdf-force-iterations', '1000', file, '-'], { input: 'key' })
  return file
}

/** A copy to spoil. */
export function copyCard(card: AbCard, folder: string): AbCard {
  const path = join(folder, `copy-${Math.random().toString(36).slice(2)}.img`)
  tool('cp', ['--sparse=always', card.path, path])
  return { ...card, path }
}

/** Of a FAT partition of the card: mtools' way to name it. */
export function inFat(card: AbCard, name: string): string[] {
  return ['-i', `${card.path}@@${card.starts.get(name) ?? 0}`]
}

/** A file of a FAT partition written anew, or removed. */
export function changeFat(card: AbCard, name: string, path: string, content: string | Uint8Array | null): void {
  if (content === null) tool('mdel', [...inFat(card, name), `::${path}`], { env })
  else tool('mcopy', ['-o', ...inFat(card, name), '-', `::${path}`], { env, input: content })
}

/** debugfs commands on an ext4 partition. */
export function changeExt(card: AbCard, name: string, commands: readonly string[]): void {
  tool('debugfs', ['-w', '-f', '-', `${card.path}?offset=${card.starts.get(name) ?? 0}`], { input: `${commands.join('\n')}\n` })
}

/** Bytes of a partition, at a place of it. */
export function overwrite(card: AbCard, name: string, offsetBytes: number, bytes: Uint8Array): void {
  const file = openSync(card.path, 'r+')
  try {
    writeSync(file, bytes, 0, bytes.length, (card.starts.get(name) ?? 0) + offsetBytes)
  } finally {
    closeSync(file)
  }
}

/** Text somewhere in a partition, for another one of the same length. */
export function replaceText(card: AbCard, name: string, from: string, to: string): void {
  const bytes = Buffer.alloc(card.sizes.get(name) ?? 0)
  const file = openSync(card.path, 'r')
  readSync(file, bytes, 0, bytes.length, card.starts.get(name) ?? 0)
  closeSync(file)
  const at = bytes.indexOf(from)
  if (at < 0 || from.length !== to.length) throw new Error(`there is no place for ${to}`)
  overwrite(card, name, at, Buffer.from(to))
}
