import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { blank, fatUuid, makeStick, stickLabel } from '../liveos.ts'
import { tool } from '../tools.ts'
import { liveWords, type Start } from './boot-stick.ts'
import type { LiveParts } from './live-parts.ts'

export const overlayPath = `LiveOS/overlay-${stickLabel}-${fatUuid}`
const startBytes = 4 * 1024 * 1024
const words = `root=live:UUID=${fatUuid} rd.live.image rw rd.live.overlay=UUID=${fatUuid} selinux=0 rd.shell=0`

/** A stick as livecd-iso-to-disk makes it, with an overlay that has never been used, and a system that really starts. */
export function makeLiveStick(
  folder: string,
  parts: LiveParts,
  { overlayMiB, sizeMiB }: { overlayMiB: number; sizeMiB: number },
): string {
  const files = join(folder, 'files')
  for (const path of ['LiveOS', 'images/pxeboot', 'EFI/BOOT']) mkdirSync(join(files, path), { recursive: true })
  copyFileSync(parts.squashfs, join(files, 'LiveOS/squashfs.img'))
  blank(join(files, overlayPath), overlayMiB * 1024 * 1024)
  copyFileSync(parts.kernel, join(files, 'images/pxeboot/vmlinuz'))
  copyFileSync(parts.initrd, join(files, 'images/pxeboot/initrd.img'))
  writeFileSync(join(files, 'EFI/BOOT/grub.cfg'), menu)
  return makeStick(folder, files, { sizeMiB })
}

const menu = `set default=0
set timeout=0
menuentry 'Live' {
	search --no-floppy --set=root --fs-uuid ${fatUuid}
	linux /images/pxeboot/vmlinuz ${words} ${liveWords}
	initrd /images/pxeboot/initrd.img
}
`

/** Kernel and initrd as they lie on the stick now. */
export function startOfStick(stick: string, folder: string): Start {
  const take = (name: string) => {
    const to = join(folder, name)
    tool('mcopy', ['-n', '-o', '-i', `${stick}@@${startBytes}`, `::images/pxeboot/${name}`, to], {
      env: { MTOOLS_SKIP_CHECK: '1' },
    })
    return to
  }
  return { kernel: take('vmlinuz'), initrd: take('initrd.img'), words }
}
