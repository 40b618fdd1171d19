import { copyFileSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { noise } from './memory-device.ts'
import { tool } from './tools.ts'

/** The commands that a card of this family is made with here, as its installers make one. */
export const lamponeTools = [
  'xorriso',
  'xorrisofs',
  'mksquashfs',
  'mke2fs',
  'mkfs.vfat',
  'mmd',
  'mcopy',
  'sfdisk',
  'blkid',
  'dd',
  'cryptsetup',
  'setfattr',
]

/** The files of one system: what it starts with, and what it consists of. */
export interface SystemParts {
  version: string
  kernel: string
  initrd: string
  squashfs: string
}

/**
 * A boot executable of arm64 (Documentation/arch/arm64/booting.rst) with the words that every kernel carries, without code: 64 KiB instead
 * of 30 MiB. What is done with real ones is tested where kernels are read.
 */
export function armKernel(version: string): Uint8Array {
  const image = Buffer.alloc(64 * 1024)
  image.write('MZ', 0, 'latin1')
  image.writeBigUInt64LE(BigInt(image.length), 16)
  image.writeBigUInt64LE(0xan, 24)
  image.write('ARM\x64', 56, 'latin1')
  image.writeUInt32LE(64, 60)
  image.write('PE\0\0', 64, 'latin1')
  const banner = `Linux version ${version} (debian-kernel@lists.debian.org) (gcc-8 (Debian 8.3.0-6) 8.3.0) #1 SMP Debian 5.6.14-1\n\0`
  image.write(banner, 40_000, 'latin1')
  return image
}

/** A bzImage (Documentation/arch/x86/boot.rst) whose setup part says its version. */
export function x86Kernel(version: string): Uint8Array {
  const image = Buffer.alloc(64 * 1024)
  const setupSectors = 4
  image.writeUInt8(setupSectors, 0x1f1)
  image.writeUInt32LE((image.length - (setupSectors + 1) * 512) / 16, 0x1f4)
  image.writeUInt16LE(0xaa55, 0x1fe)
  image.write('\xeb\x66', 0x200, 'latin1')
  image.write('HdrS', 0x202, 'latin1')
  image.writeUInt16LE(0x20f, 0x206)
  image.writeUInt8(1, 0x211)
  const versionAt = 0x400
  image.writeUInt16LE(versionAt - 0x200, 0x20e)
  image.write(
    `${version} (debian-kernel@lists.debian.org) #1 SMP PREEMPT_DYNAMIC Debian 6.1.76-1 (2024-02-01)\0`,
    versionAt,
    'latin1',
  )
  return image
}

/** A cpio archive of files as the kernel takes it (Documentation/driver-api/early-userspace/buffer-format.rst), packed by gzip. */
export function gzipInitrd(files: Record<string, string | Uint8Array>): Uint8Array {
  const entries = [...Object.entries(files), ['TRAILER!!!', ''] as const].map(([name, content], index) => {
    const bytes = Buffer.from(content)
    const mode = name === 'TRAILER!!!' ? 0 : 0o100755
    const numbers = [index + 1, mode, 0, 0, 1, 0, bytes.length, 0, 0, 0, 0, name.length + 1, 0]
    const head = Buffer.from(`070701${numbers.map((value) => value.toString(16).padStart(8, '0').toUpperCase()).join('')}${name}\0`)
    return Buffer.concat([padded(head), padded(bytes)])
  })
  return gzipSync(Buffer.concat(entries))
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)])
}

export interface SystemOptions {
  version: string
  kernelOf: (version: string) => Uint8Array
  /** /lib as a link to usr/lib, as in systems since 2019. */
  mergedUsr: boolean
  compressor: string
  /** The line of root in /etc/shadow, the password's field of it. */
  rootPassword: string
  initrdBytes: number
  /** Puts more into the root. */
  furnish?: ((root: string) => void) | undefined
}

/** The root filesystem of a live system in small, and its kernel and initrd beside it. */
export function makeSystem(folder: string, options: SystemOptions): SystemParts {
  const { version, kernelOf, mergedUsr, compressor, rootPassword, initrdBytes, furnish } = options
  const root = join(folder, 'root')
  const at = (path: string) => join(root, path)
  for (const path of ['boot', 'etc', 'usr/lib', 'usr/bin', 'var/log', 'home']) mkdirSync(at(path), { recursive: true })
  if (mergedUsr) symlinkSync('usr/lib', at('lib'))
  writeModules(root, mergedUsr ? 'usr/lib' : 'lib', version)
  writeFileSync(at('usr/lib/os-release'), 'PRETTY_NAME="Debian GNU/Linux 10 (buster)"\nID=debian\n')
  symlinkSync('../usr/lib/os-release', at('etc/os-release'))
  writeFileSync(at('etc/hostname'), 'live\n')
  writeFileSync(at('etc/motd'), 'A live system\n')
  writeFileSync(at('etc/passwd'), 'root:x:0:0:root:/root:/bin/bash\n')
  writeFileSync(at('etc/shadow'), `root:${rootPassword}:18400:0:99999:7:::\ndaemon:*:18400:0:99999:7:::\n`, { mode: 0o640 })
  writeFileSync(at('usr/bin/tool'), noise(1_500_000))
  furnish?.(root)
  const kernel = join(folder, 'vmlinuz')
  const initrd = join(folder, 'initrd.img')
  writeFileSync(kernel, kernelOf(version))
  writeFileSync(initrd, gzipInitrd({ init: '#!/bin/sh\n', 'scripts/live': noise(initrdBytes), [`modules-${version}`]: version }))
  copyFileSync(kernel, at(`boot/vmlinuz-${version}`))
  const squashfs = join(folder, 'filesystem.squashfs')
  tool('mksquashfs', [root, squashfs, '-comp', compressor, '-b', '128K', '-noappend', '-no-progress', '-quiet'])
  return { version, kernel, initrd, squashfs }
}

/** As a kernel package leaves them. */
export function writeModules(root: string, lib: string, version: string): void {
  const modules = join(root, lib, 'modules', version)
  mkdirSync(join(modules, 'kernel/drivers/net'), { recursive: true })
  writeFileSync(join(modules, 'modules.dep'), 'kernel/drivers/net/wireless.ko:\n')
  writeFileSync(join(modules, 'kernel/drivers/net/wireless.ko'), Buffer.alloc(20_000, version))
}

/** The first write of a partition: the shipped ISO modified by xorriso, whose session then begins at block 32. */
export function firstWrite(source: string, target: string, volumeId: string, date: string, without: readonly string[]): void {
  const removed = without.length > 0 ? ['-rm_r', ...without, '--'] : []
  tool('xorriso', [
    ...['-report_about', 'WARNING', '-abort_on', 'FAILURE', '-return_with', 'SORRY', '0'],
    ...['-indev', source, '-outdev', `stdio:${target}`, '-blank', 'as_needed', '-boot_image', 'any', 'discard', '-overwrite', 'on'],
    ...['-volid', volumeId, '-volume_date', 'uuid', date, ...removed, '-commit'],
  ])
  if (statSync(target).size === 0) throw new Error(`xorriso wrote no ${target}`)
}

/** The rewrite of the kernel partition by the running system: a new ISO from the first block on, of the same name and date. */
export function rewrite(tree: string, target: string, volumeId: string, date: string): void {
  tool('xorrisofs', ['-quiet', '-r', '-V', volumeId, `--modification-date=${date}`, '-o', target, tree])
}

/** Bytes into an image at a place of it, leaving out what is only zeros. */
export function putInto(image: string, part: string, offsetBytes: number): void {
  const mebibyte = 1024 * 1024
  tool('dd', [`if=${part}`, `of=${image}`, 'bs=1M', `seek=${offsetBytes / mebibyte}`, 'conv=notrunc,sparse', 'status=none'])
}
