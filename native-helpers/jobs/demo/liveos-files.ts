import type { NewEntry } from '../../volumes/making/new-entry.ts'
import { smallInitrd, smallKernel } from './small-kernel.ts'

const version = '6.1.18-200.fc37.x86_64'
const user = { ownerId: 1000, groupId: 1000 }

function text(path: string, content: string, more: { mode?: number; ownerId?: number; groupId?: number } = {}): NewEntry {
  return { kind: 'file', path, content: Buffer.from(content), ...more }
}

/** The root of the system as its image brings it. */
export function rootFiles(): NewEntry[] {
  const modules = `usr/lib/modules/${version}`
  return [
    text('etc/os-release', 'NAME="Fedora Linux"\nPRETTY_NAME="Fedora Linux 37 (Sugar on a Stick)"\nID=fedora\nVERSION_ID=37\n'),
    text('etc/hostname', 'localhost-live\n'),
    text('etc/passwd', 'root:x:0:0:root:/root:/bin/bash\nliveuser:x:1000:1000:Live System User:/home/liveuser:/bin/bash\n'),
    text('etc/shadow', 'root::19400:0:99999:7:::\nliveuser::19400:0:99999:7:::\n', { mode: 0o000 }),
    text('usr/bin/sugar', '#!/bin/sh\necho practice\n', { mode: 0o755 }),
    text(`${modules}/modules.dep`, 'kernel/drivers/net/wireless/iwlwifi.ko.xz:\n'),
    text(`${modules}/kernel/drivers/net/wireless/iwlwifi.ko.xz`, `a driver for ${version}\n`),
    { kind: 'folder', path: 'proc', mode: 0o555 },
    { kind: 'folder', path: 'sys', mode: 0o555 },
    { kind: 'folder', path: 'var/log' },
    { kind: 'folder', path: 'home/liveuser', mode: 0o700, ...user },
  ]
}

/** What somebody has made with the system: path and content. */
export function ownFiles(): { path: string; content: string }[] {
  return [
    { path: 'letter.txt', content: 'Dear Sir or Madam,\nthis letter must not be lost.\n' },
    { path: 'homework.txt', content: 'The capital of Peru is Lima.\n'.repeat(400) },
    { path: 'journal.json', content: `${JSON.stringify({ activity: 'org.laptop.WebActivity', title: 'Whales' })}\n`.repeat(2000) },
  ]
}

const noLoader = 'A practice card holds no boot program: nothing starts from it.\n'

/** Everything on the stick beside the image, the changes and home. */
export function startFiles(uuid: string, overlay: string | null): NewEntry[] {
  const asked = overlay === null ? '' : ` rd.live.overlay=${overlay}`
  const words = `root=live:UUID=${uuid} ro rd.live.image${asked} rhgb quiet`
  return [
    { kind: 'file', path: 'syslinux/vmlinuz', content: smallKernel('x86', version) },
    {
      kind: 'file',
      path: 'syslinux/initrd.img',
      content: smallInitrd({ init: '#!/bin/sh\n', 'sbin/dmsquash-live-root': '#!/bin/sh\n' }),
    },
    text('syslinux/ldlinux.sys', noLoader),
    text(
      'syslinux/syslinux.cfg',
      `default vesamenu.c32
timeout 100
menu title Fedora-SoaS-Live 37
label linux
  menu label ^Start Fedora-SoaS-Live 37
  kernel vmlinuz
  append initrd=initrd.img ${words}
  menu default
`,
    ),
    text('EFI/BOOT/BOOTX64.EFI', noLoader),
    text(
      'EFI/BOOT/grub.cfg',
      `set default="0"
set timeout=10
search --no-floppy --set=root --fs-uuid ${uuid}
menuentry 'Start Fedora-SoaS-Live 37' --class fedora {
	linuxefi /syslinux/vmlinuz ${words}
	initrdefi /syslinux/initrd.img
}
`,
    ),
  ]
}
