import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type LamponeCard, makeLampone } from '../lampone.ts'
import { missingTools, tool } from '../tools.ts'
import { liveWords, type Start } from './boot-stick.ts'
import type { LiveParts } from './live-parts.ts'
import { uefiFirmware } from './qemu.ts'

/** Why no loader for PCs can be made here, or null. */
export function cannotMakeLoader(): string | null {
  const missing = ['/usr/lib/grub/x86_64-efi/linux.mod', uefiFirmware].filter((path) => !existsSync(path))
  return missing.length > 0 ? `not installed: ${missing.join(', ')}` : missingTools('grub-mkimage', 'bsdtar')
}

/** What is built into the loader: it has no folder of modules on the card. */
const loaderModules = [
  'part_msdos',
  'part_gpt',
  'fat',
  'iso9660',
  'normal',
  'linux',
  'search',
  'search_fs_uuid',
  'search_label',
  'configfile',
  'test',
]

/** A card in the layout of Lampone Pi with a system that really starts, on a PC: GRUB for UEFI beside the loaders of the board. */
export function makeLiveCard(folder: string, live: LiveParts, persistenceMiB: number): LamponeCard {
  const loader = join(folder, 'bootx64.efi')
  tool('grub-mkimage', ['-O', 'x86_64-efi', '-o', loader, '-p', '/efi/boot', ...loaderModules])
  const parts = {
    version: live.release,
    kernel: live.kernel,
    initrd: live.initrd,
    squashfs: live.squashfs,
    words: liveWords,
    loader,
  }
  return makeLampone(folder, { layout: 'lampone', parts, changes: 'none', persistenceMiB })
}

/** Kernel and initrd as they lie in the kernel partition now, with the words of the card's menu. */
export function startOfCard(image: string, card: LamponeCard, folder: string): Start {
  const part = join(folder, 'kernel-partition')
  const { startBytes, sizeBytes } = card.kernel
  const bytes = [`skip=${startBytes}`, `count=${sizeBytes}`, 'iflag=skip_bytes,count_bytes']
  tool('dd', [`if=${image}`, `of=${part}`, 'bs=1M', ...bytes, 'conv=sparse', 'status=none'])
  mkdirSync(join(folder, 'start'), { recursive: true })
  tool('bsdtar', ['-xf', part, '-C', join(folder, 'start'), 'live/vmlinuz', 'live/initrd.img'])
  const menu = tool('mtype', ['-i', `${image}@@${card.boot.startBytes}`, '::efi/boot/grub.cfg'])
  const words = /^\s*linux \S+ (.*)$/m.exec(menu)?.[1] ?? ''
  return { kernel: join(folder, 'start/live/vmlinuz'), initrd: join(folder, 'start/live/initrd.img'), words }
}
