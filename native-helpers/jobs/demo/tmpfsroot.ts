import { formatGrubenv } from '../../volumes/boot-config/grubenv.ts'
import { makeBtrfs } from '../../volumes/making/btrfs.ts'
import { makeFat } from '../../volumes/making/fat.ts'
import type { NewEntry, WritableDevice } from '../../volumes/making/new-entry.ts'
import { type GptPart, partitionCard, partTypes } from './gpt-card.ts'
import { makeExt } from './make-ext.ts'
import type { PracticeCard } from './practice-card.ts'
import { smallInitrd, smallKernel } from './small-kernel.ts'

const MiB = 1024 * 1024

/** Constants of seqsense/tmpfsroot-fedora (ks.tpl.cfg). */
const uuids = {
  rootA: '64eb4db5-3385-46a5-a3d5-c48197a53555',
  rootB: 'd2ada949-7fff-4257-91e9-793b25b0df02',
  persist: 'ff9691f9-7c97-4411-8f44-12685ee4a003',
  log: 'ff9691f9-7c97-4411-8f44-12685ee4a006',
}
const btrfsLabels = { docker: 'var_lib_docker', cache: 'var_cache', opt: 'opt' }
type Name = 'esp' | keyof typeof uuids | keyof typeof btrfsLabels

const parts: Record<Name, GptPart> = {
  esp: { name: 'EFI System Partition', typeGuid: partTypes.efi, sizeMiB: 200 },
  rootA: { name: '', typeGuid: partTypes.linux, sizeMiB: 2048 },
  rootB: { name: '', typeGuid: partTypes.linux, sizeMiB: 2048 },
  docker: { name: '', typeGuid: partTypes.linux, sizeMiB: 768 },
  log: { name: '', typeGuid: partTypes.linux, sizeMiB: 512 },
  cache: { name: '', typeGuid: partTypes.linux, sizeMiB: 384 },
  opt: { name: '', typeGuid: partTypes.linux, sizeMiB: 256 },
  persist: { name: '', typeGuid: partTypes.linux, sizeMiB: 200 },
}
/** As the installer sorts them: the ESP first, then by falling size, then by mount point. */
const installerOrder: readonly Name[] = ['esp', 'rootA', 'rootB', 'docker', 'log', 'cache', 'opt', 'persist']
/** As somebody has to arrange them by hand, for the log to be where its refreshing looks for it. */
const logThird: readonly Name[] = ['esp', 'rootA', 'log', 'rootB', 'docker', 'cache', 'opt', 'persist']

const alignMiB = 1
const cardMiB = 6432
const version = '6.14.4-300.fc42.x86_64'
const file = (path: string, content: string | Uint8Array): NewEntry => ({
  kind: 'file',
  path,
  content: typeof content === 'string' ? Buffer.from(content) : content,
})
const folder = (path: string, mode?: number): NewEntry => ({ kind: 'folder', path, mode })
const link = (path: string, target: string): NewEntry => ({ kind: 'link', path, target })

interface Variant {
  order: readonly Name[]
  nextEntry?: string
}

function make(card: WritableDevice, { order, nextEntry }: Variant): void {
  const devices = partitionCard(
    card,
    order.map((name) => parts[name]),
    { alignMiB },
  )
  const at = (name: Name): WritableDevice => {
    const device = devices[order.indexOf(name)]
    if (!device) throw new TypeError(`the card has a partition for ${name}`)
    return device
  }
  makeFat(at('esp'), { label: 'EFI', entries: espEntries(nextEntry) })
  makeExt(at('rootA'), { uuid: uuids.rootA, entries: rootEntries() })
  makeExt(at('rootB'), { uuid: uuids.rootB, entries: rootEntries() })
  makeExt(at('persist'), {
    uuid: uuids.persist,
    entries: [file('etc/ssh/ssh_host_ed25519_key.pub', 'ssh-ed25519 AAAA practice\n')],
  })
  for (const name of ['docker', 'cache', 'opt'] as const) makeBtrfs(at(name), { label: btrfsLabels[name] })
  makeExt(at('log'), {
    uuid: uuids.log,
    entries: [
      folder('audit', 0o700),
      folder('sssd', 0o700),
      file('audit/audit.log', 'type=DAEMON_START msg=practice\n'.repeat(400)),
    ],
  })
}

function espEntries(nextEntry: string | undefined): NewEntry[] {
  const variables = new Map([['saved_entry', '0'], ...(nextEntry === undefined ? [] : [['next_entry', nextEntry] as const])] as [
    string,
    string,
  ][])
  const { value: grubenv, problem } = formatGrubenv(variables)
  if (!grubenv) throw new TypeError(problem.detail)
  return [
    file('EFI/BOOT/BOOTX64.EFI', Buffer.alloc(64 * 1024, 'MZ practice loader ')),
    file('EFI/fedora/shimx64.efi', Buffer.alloc(64 * 1024, 'MZ practice loader ')),
    file('EFI/fedora/grub.cfg', menu()),
    file('EFI/fedora/grubenv', grubenv),
  ]
}

/** What grub2-mkconfig makes with the project's root/etc/grub.d/10_linux. */
function menu(): string {
  const entry = (uuid: string): string => `menuentry "tmpfsroot-fedora ${uuid}" {
  search --no-floppy --fs-uuid --set root ${uuid}
  linux /boot/vmlinuz root=UUID=${uuid} ro console=tty0 tmpfsroot.size=2G quiet
  initrd /boot/initramfs.img
}
`
  return `load_env
if [ "\${next_entry}" ] ; then
  set default="\${next_entry}"
  set next_entry=
  save_env next_entry
else
  set default="\${saved_entry}"
fi
set timeout=3
insmod part_gpt
insmod ext2

${entry(uuids.rootA)}${entry(uuids.rootB)}`
}

function rootEntries(): NewEntry[] {
  return [
    ...['dev', 'home', 'opt', 'persist', 'proc', 'run', 'sys', 'tmp', 'var/cache', 'var/log'].map((path) => folder(path)),
    link('lib', 'usr/lib'),
    link('sbin', 'usr/sbin'),
    link('etc/os-release', '../usr/lib/os-release'),
    file('usr/lib/os-release', 'NAME="Fedora Linux"\nID=fedora\nVERSION_ID=42\nPRETTY_NAME="Fedora Linux 42 (Adams)"\n'),
    file('etc/default/grub', `GRUB_DISK_UUID0=${uuids.rootA}\nGRUB_DISK_UUID1=${uuids.rootB}\n`),
    file('usr/lib/systemd/systemd', Buffer.alloc(100_000, 'a program without code ')),
    link('usr/sbin/init', '/usr/lib/systemd/systemd'),
    file(`usr/lib/modules/${version}/modules.dep`, ''),
    file(`boot/vmlinuz-${version}`, smallKernel('x86', version)),
    file(`boot/initramfs-${version}.img`, smallInitrd({ init: '#!/bin/sh\n', [`usr/lib/modules/${version}/modules.dep`]: '' })),
    link('boot/vmlinuz', `/boot/vmlinuz-${version}`),
    link('boot/initramfs.img', `/boot/initramfs-${version}.img`),
  ]
}

const common = { system: 'tmpfsroot', sizeBytes: cardMiB * MiB, needsTools: true } as const

export const tmpfsrootCards: readonly PracticeCard[] = [
  {
    ...common,
    id: 'tmpfsroot-healthy',
    title: 'tmpfsroot-fedora disk',
    ailment: null,
    findings: ['tmpfsroot-fallback-ready'],
    make: async (card) => make(card, { order: logThird }),
  },
  {
    ...common,
    id: 'tmpfsroot-log-not-third',
    title: 'tmpfsroot-fedora disk whose third partition is not the log',
    ailment: 'A start on /dev/sda may format the second root in place of the log.',
    findings: ['tmpfsroot-partition-3'],
    make: async (card) => make(card, { order: installerOrder }),
  },
  {
    ...common,
    id: 'tmpfsroot-trial-pending',
    title: 'tmpfsroot-fedora disk with a trial start pending',
    ailment: 'The next start takes the other root, once.',
    findings: ['tmpfsroot-trial-pending'],
    make: async (card) => make(card, { order: logThird, nextEntry: '1' }),
  },
]
