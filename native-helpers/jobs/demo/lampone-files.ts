import { hashPassword } from '../../systems/sha-crypt.ts'
import type { NewEntry } from '../../volumes/making/new-entry.ts'
import { rootInode } from '../../wasm/ext-files.ts'
import type { ExtWriter } from '../../wasm/ext-writer.ts'
import { smallInitrd, smallKernel } from './small-kernel.ts'

/** What stands on a practice card of this family, in small: the same names in the same places as on a real one. */
export type LamponeLayout = 'lampone' | 'liveng'

/** Which kernel the card came with, and which one an update brings. */
export const kernelVersions: Record<LamponeLayout, { shipped: string; updated: string }> = {
  lampone: { shipped: '5.5.0-0.bpo.2-arm64', updated: '5.6.0-0.bpo.2-arm64' },
  liveng: { shipped: '4.19.0-8-amd64', updated: '4.19.0-9-amd64' },
}

function text(path: string, content: string, more: { mode?: number; ownerId?: number; groupId?: number } = {}): NewEntry {
  return { kind: 'file', path, content: Buffer.from(content), ...more }
}

function kernelOf(layout: LamponeLayout, version: string): Uint8Array {
  return smallKernel(layout === 'lampone' ? 'arm64' : 'x86', version)
}

function initrdOf(version: string): Uint8Array {
  return smallInitrd({ init: '#!/bin/sh\n', 'scripts/live': '# live-boot\n', [`lib/modules/${version}/modules.dep`]: '' })
}

/** What a kernel package brings beside the kernel, below the root or below `rw`. */
function modulesOf(version: string, below = ''): NewEntry[] {
  const folder = `${below}lib/modules/${version}`
  return [
    text(`${folder}/modules.dep`, 'kernel/drivers/net/wireless/brcmfmac.ko:\n'),
    text(`${folder}/kernel/drivers/net/wireless/brcmfmac.ko`, `a driver for ${version}\n`),
  ]
}

/** The kernel that an update has installed, and its modules, among the changes. */
export function updatedFiles(layout: LamponeLayout): NewEntry[] {
  const version = kernelVersions[layout].updated
  return [
    ...modulesOf(version, 'rw/'),
    { kind: 'file', path: `rw/boot/vmlinuz-${version}`, content: kernelOf(layout, version) },
    { kind: 'file', path: `rw/boot/initrd.img-${version}`, content: initrdOf(version) },
  ]
}

/** The first bytes of a time zone, by which it is known as one (RFC 8536). */
const timezone = `TZif2${'\0'.repeat(15)}`
const timezones = ['Etc/UTC', 'Europe/Berlin', 'Europe/London', 'America/New_York', 'Asia/Tokyo', 'Pacific/Auckland']
const program = '#!/bin/sh\necho practice\n'
const programs = ['bin/sh', 'bin/bash', 'usr/sbin/sshd', 'usr/sbin/NetworkManager', 'lib/systemd/systemd']

/** What a Debian system has of languages, time zones, keyboards and services, as far as settings are checked against it. */
function settingsFiles(): NewEntry[] {
  return [
    text('etc/debian_version', '10.4\n'),
    text('etc/hosts', '127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost\n'),
    text('etc/group', 'root:x:0:\nshadow:x:42:\nsudo:x:27:user\naudio:x:29:user\nnetdev:x:108:\nuser:x:1000:\n'),
    text('etc/gshadow', 'root:*::\nshadow:*::\nsudo:*::user\naudio:*::user\nnetdev:!::\nuser:!::\n', { mode: 0o640, groupId: 42 }),
    text('etc/default/locale', 'LANG=en_GB.UTF-8\n'),
    text('etc/default/keyboard', 'XKBMODEL="pc105"\nXKBLAYOUT="gb"\nXKBVARIANT=""\nXKBOPTIONS=""\n\nBACKSPACE="guess"\n'),
    text('etc/skel/.profile', 'umask 022\n'),
    ...['C', 'en_GB', 'de_DE'].map((name) => text(`usr/lib/locale/${name}.utf8/LC_IDENTIFICATION`, `${name}\n`)),
    ...timezones.map((name) => text(`usr/share/zoneinfo/${name}`, timezone)),
    ...programs.map((path) => text(path, program, { mode: 0o755 })),
  ]
}

/** The root of the compressed system. Nobody can log in as root with a password, or everybody with the published one. */
export function systemFiles(layout: LamponeLayout, hasPublishedPassword = false): NewEntry[] {
  const version = kernelVersions[layout].shipped
  const root = hasPublishedPassword ? hashPassword('password', 'published') : '*'
  return [
    text('etc/os-release', 'PRETTY_NAME="Debian GNU/Linux 10 (buster)"\nNAME="Debian GNU/Linux"\nVERSION_ID="10"\nID=debian\n'),
    text('etc/hostname', `${layout}\n`),
    text('etc/motd', 'A live system that keeps its changes.\n'),
    text('etc/passwd', 'root:x:0:0:root:/root:/bin/bash\nuser:x:1000:1000:,,,:/home/user:/bin/bash\n'),
    text('etc/shadow', `root:${root}:18400:0:99999:7:::\nuser:*:18400:0:99999:7:::\n`, { mode: 0o640, groupId: 42 }),
    text('usr/bin/program', program, { mode: 0o755 }),
    ...settingsFiles(),
    { kind: 'file', path: `boot/vmlinuz-${version}`, content: kernelOf(layout, version) },
    { kind: 'file', path: `boot/initrd.img-${version}`, content: initrdOf(version) },
    ...modulesOf(version),
  ]
}

/** The two files that a start needs, in an ISO partition. */
export function startFiles(layout: LamponeLayout, version: string): NewEntry[] {
  return [
    { kind: 'file', path: 'live/vmlinuz', content: kernelOf(layout, version) },
    { kind: 'file', path: 'live/initrd.img', content: initrdOf(version) },
  ]
}

export interface Menu {
  layout: LamponeLayout
  systemUuid: string
  kernelUuid: string
  fallback: number
}

const noFirmware = 'A practice card holds no firmware: nothing starts from it.\n'

export function bootFiles(menu: Menu): NewEntry[] {
  const { layout } = menu
  const config = text('efi/boot/grub.cfg', grubMenu(menu))
  if (layout === 'liveng') {
    return [config, { ...config, path: 'boot/grub/grub.cfg' }, text('efi/boot/bootx64.efi', noFirmware)]
  }
  const firmware = ['bootcode.bin', 'start.elf', 'u-boot.bin', 'efi/boot/bootaa64.efi'].map((path) => text(path, noFirmware))
  return [config, text('config.txt', 'arm_64bit=1\nkernel=u-boot.bin\n'), ...firmware]
}

function grubMenu({ layout, systemUuid, kernelUuid, fallback }: Menu): string {
  const [table, systemNumber, kernelNumber] = layout === 'lampone' ? ['msdos', 2, 3] : ['gpt', 1, 2]
  const entry = (title: string, uuid: string, number: string | number, more: string) => `menuentry '${title}' --unrestricted {
	search --no-floppy --set=root --hint=hd0,${table}${number} --fs-uuid ${uuid}
	linux /live/vmlinuz initrd=/live/initrd.img fromiso=${systemUuid} boot=live ip=frommedia persistence noprompt noeject quiet${more}
	initrd /live/initrd.img
}
`
  const repair = layout === 'lampone' ? ' kernel-partition-restore' : ' liveng-fallback'
  const entries = [entry('Standard boot', kernelUuid, kernelNumber, ''), entry('System Repair', systemUuid, systemNumber, repair)]
  return `set timeout=3\nset default=0\nset fallback=${fallback}\n\n${entries.join('')}`
}

const user = { ownerId: 1000, groupId: 1000 }

/** What a user and live-boot leave in the partition for changes. */
export function changedFiles(): NewEntry[] {
  return [
    text('persistence.conf', '/ union\n'),
    { kind: 'folder', path: 'work/work', mode: 0o700 },
    text('rw/etc/fstab', '# made by live-boot\n'),
    text('rw/etc/hostname', 'practice\n'),
    { kind: 'folder', path: 'rw/home/user', ...user },
    { kind: 'folder', path: 'rw/home/user/Documents', ...user },
    text('rw/home/user/Documents/letter.txt', 'Dear Sir or Madam,\nthis letter must not be lost.\n', user),
    text('rw/home/user/Documents/accounts.csv', 'date,what,amount\n2020-06-01,rent,-420\n'.repeat(200), user),
    { kind: 'folder', path: 'rw/usr/bin' },
    { kind: 'folder', path: 'rw/var/log/live' },
  ]
}

/** Two files of the system that were deleted in one session, which are one inode, and a folder that hides the one below it. */
export function deleteStockFiles(writer: ExtWriter): void {
  const etc = writer.find('rw/etc')
  const mark = writer.makeFile(etc, 'motd', { kind: 'char', major: 0, minor: 0 })
  writer.hardLink(writer.find('rw/usr/bin'), 'program', mark)
  writer.setXattr(writer.find('rw/var/log/live'), 'trusted.overlay.opaque', Buffer.from('y'))
  writer.setAttributes(writer.lookup(rootInode, 'rw') ?? etc, { permissions: 0o755 })
}
