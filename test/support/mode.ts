import { mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { gzipInitrd, x86Kernel } from './lampone-parts.ts'
import { noise } from './memory-device.ts'
import { tool } from './tools.ts'

export const modeTools = ['mksquashfs', 'mkfs.vfat', 'mcopy', 'mmd', 'mke2fs']

const MiB = 1024 * 1024
export const kernelVersion = '6.1.0-39-amd64'
/** When the base was made; each level an hour later. */
const baseSeconds = 1_700_000_000

export interface ModuleOptions {
  /** "/" and what is in it; an empty file for a folder's name with a slash at its end. */
  files?: Record<string, string | Uint8Array>
  madeSeconds?: number
  compressor?: string
}

/** An image as the project makes one: a squashfs of what a level adds. */
export function makeModule(folder: string, file: string, options: ModuleOptions = {}): string {
  const { files = {}, compressor = 'gzip' } = options
  const levels = file.split('.')[0]?.split('-').length ?? 1
  const { madeSeconds = baseSeconds + levels * 3600 } = options
  const tree = join(folder, `tree-${Math.random().toString(36).slice(2)}`)
  mkdirSync(tree)
  for (const [path, content] of Object.entries(files)) {
    const target = join(tree, path)
    if (path.endsWith('/')) mkdirSync(target, { recursive: true })
    else {
      mkdirSync(dirname(target), { recursive: true })
      writeFileSync(target, content)
    }
  }
  const image = join(folder, file)
  rmSync(image, { force: true })
  tool('mksquashfs', [tree, image, '-comp', compressor, '-noappend', '-no-progress', '-quiet', '-mkfs-time', String(madeSeconds)])
  rmSync(tree, { recursive: true })
  return image
}

export const baseFiles = {
  'usr/lib/os-release': 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\n',
  'usr/lib/x86_64-linux-gnu/libc.so.6': noise(120_000),
  'etc/debian_version': '12.5\n',
  'usr/bin/sh': Buffer.alloc(40_000, 'shell'),
}

/** base, essential with a kernel, console, and two that stand on it. */
export function makeChain(folder: string, ending = '.sqfs.img'): void {
  makeModule(folder, `base${ending}`, { files: baseFiles })
  makeModule(folder, `base-essential${ending}`, {
    files: {
      [`boot/vmlinuz-${kernelVersion}`]: x86Kernel(kernelVersion),
      [`boot/initrd.img-${kernelVersion}`]: gzipInitrd({ init: '#!/bin/sh\n' }),
      [`usr/lib/modules/${kernelVersion}/modules.dep`]: '',
      'usr/lib/x86_64-linux-gnu/libssl.so.3': Buffer.alloc(60_000, 'ssl'),
    },
  })
  makeModule(folder, `base-essential-console${ending}`, {
    files: { 'usr/bin/mc': Buffer.alloc(70_000, 'commander') },
    compressor: 'xz',
  })
  makeModule(folder, `base-essential-console-lightx${ending}`, { files: { 'usr/bin/startx': 'X\n' }, compressor: 'zstd' })
  makeModule(folder, `base-essential-console-smtp${ending}`, { files: { 'etc/exim4/exim4.conf': 'hostname\n' } })
}

/** A stick whose FAT holds a folder's files, below `inside`. */
export function fatStick(folder: string, from: string, inside: string): string {
  const image = join(folder, `stick-${Math.random().toString(36).slice(2)}.img`)
  writeFileSync(image, '')
  truncateSync(image, 40 * MiB)
  tool('mkfs.vfat', ['-n', 'MODE', image])
  const env = { MTOOLS_SKIP_CHECK: '1' }
  if (inside !== '') tool('mmd', ['-i', image, `::${inside}`], { env })
  tool('sh', ['-c', `mcopy -i "${image}" "${from}"/* "::${inside}"`], { env })
  return image
}

/** The same on ext4. */
export function extStick(folder: string, from: string, inside: string): string {
  const tree = join(folder, `stick-tree-${Math.random().toString(36).slice(2)}`)
  mkdirSync(join(tree, inside), { recursive: true })
  tool('sh', ['-c', `cp "${from}"/* "${join(tree, inside)}"`])
  const image = join(folder, `stick-${Math.random().toString(36).slice(2)}.img`)
  writeFileSync(image, '')
  truncateSync(image, 40 * MiB)
  tool('mke2fs', ['-q', '-t', 'ext4', '-b', '4096', '-L', 'MODE', '-d', tree, image])
  rmSync(tree, { recursive: true })
  return image
}
