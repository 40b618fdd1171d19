import { closeSync, mkdirSync, openSync, rmSync, symlinkSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { gzipInitrd, putInto, writeModules, x86Kernel } from './lampone-parts.ts'
import { tool } from './tools.ts'

/** The commands that such a disk is made with here, in place of the installer. */
export const tmpfsrootTools = ['mkfs.vfat', 'mcopy', 'mmd', 'mdel', 'mke2fs', 'mkfs.btrfs', 'sfdisk', 'dd', 'debugfs', 'sgdisk']

const MiB = 1024 * 1024

export const uuids = {
  rootA: '64eb4db5-3385-46a5-a3d5-c48197a53555',
  rootB: 'd2ada949-7fff-4257-91e9-793b25b0df02',
  persist: 'ff9691f9-7c97-4411-8f44-12685ee4a003',
  log: 'ff9691f9-7c97-4411-8f44-12685ee4a006',
}

export type TmpfsrootPart = 'esp' | 'docker' | 'cache' | 'rootA' | 'opt' | 'rootB' | 'log' | 'persist'

export interface TmpfsrootOptions {
  /** In the order of the table. Of the installer (blivet) by default: the ESP, then by falling size, then by mount point, so that 3 is the cache. */
  order?: readonly TmpfsrootPart[]
  /** Root B is as after the installation. */
  emptyB?: boolean
  grubenv?: string
  /** The first start is done. */
  provisioned?: boolean
  menuSize?: string
}

export interface TmpfsrootDisk {
  path: string
  starts: Map<TmpfsrootPart, number>
  sizes: Map<TmpfsrootPart, number>
  kernelVersion: string
}

export const installerOrder: readonly TmpfsrootPart[] = ['esp', 'docker', 'cache', 'rootA', 'opt', 'rootB', 'log', 'persist']
/** The log where the refreshing script looks for it. */
export const logThird: readonly TmpfsrootPart[] = ['esp', 'rootA', 'log', 'rootB', 'docker', 'cache', 'opt', 'persist']
const sizesMiB: Record<TmpfsrootPart, number> = {
  esp: 40,
  docker: 160,
  cache: 128,
  rootA: 48,
  opt: 112,
  rootB: 48,
  log: 32,
  persist: 16,
}
const kernelVersion = '6.14.4-300.fc42.x86_64'
const espType = 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B'
const linuxType = '0FC63DAF-8483-4772-8E79-3D69D8477DE4'

export const grubenvOf = (lines: string): string => `# GRUB Environment Block\n${lines}`.padEnd(1024, '#')

/** As grub2-mkconfig writes it with the project's 10_linux. */
export function menuOf(size: string): string {
  const entry = (uuid: string) => `# UUID=${uuid}
menuentry "tmpfsroot-fedora ${uuid}" {
  search --no-floppy --fs-uuid --set root ${uuid}
  source \${root}/boot/grub-opts || true
  linux /boot/vmlinuz root=UUID=${uuid} ro console=ttyS0 tmpfsroot.size=${size} quiet
  initrd /boot/initramfs.img
}
`
  return `set pager=1
if [ -f \${config_directory}/grubenv ]; then
  load_env -f \${config_directory}/grubenv
elif [ -s $prefix/grubenv ]; then
  load_env
fi
if [ "\${next_entry}" ] ; then
   set default="\${next_entry}"
   set next_entry=
   save_env next_entry
   set boot_once=true
else
   set default="\${saved_entry}"
fi
insmod part_gpt
insmod ext2

${entry(uuids.rootA)}${entry(uuids.rootB)}`
}

/** A disk as the installer of seqsense/tmpfsroot-fedora leaves it (ks.tpl.cfg), in small. */
export function makeTmpfsroot(folder: string, options: TmpfsrootOptions = {}): TmpfsrootDisk {
  const {
    order = installerOrder,
    emptyB = false,
    grubenv = grubenvOf('saved_entry=0\n'),
    provisioned = true,
    menuSize = '2G',
  } = options
  const work = join(folder, `work-${Math.random().toString(36).slice(2)}`)
  mkdirSync(work)
  const root = rootTree(work)
  const files: Record<TmpfsrootPart, string> = {
    esp: esp(work, grubenv, menuSize),
    rootA: ext(work, 'rootA', uuids.rootA, root),
    rootB: ext(work, 'rootB', uuids.rootB, emptyB ? null : root),
    persist: ext(work, 'persist', uuids.persist, persistTree(work, provisioned)),
    log: ext(work, 'log', uuids.log, logTree(work)),
    docker: btrfs(work, 'docker', 'var_lib_docker'),
    cache: btrfs(work, 'cache', 'var_cache'),
    opt: btrfs(work, 'opt', 'opt'),
  }
  const path = join(folder, `tmpfsroot-${Math.random().toString(36).slice(2)}.img`)
  const starts = new Map<TmpfsrootPart, number>()
  const sizes = new Map<TmpfsrootPart, number>()
  let endMiB = 1
  const lines = order.map((part) => {
    starts.set(part, endMiB * MiB)
    sizes.set(part, sizesMiB[part] * MiB)
    const named = part === 'esp' ? `type=${espType}, name="EFI System Partition"` : `type=${linuxType}`
    const line = `start=${(endMiB * MiB) / 512}, size=${(sizesMiB[part] * MiB) / 512}, ${named}`
    endMiB += sizesMiB[part]
    return line
  })
  writeFileSync(path, '')
  truncateSync(path, (endMiB + 1) * MiB)
  tool('sfdisk', ['-q', path], { input: `label: gpt\n${lines.join('\n')}\n` })
  for (const part of order) putInto(path, files[part], starts.get(part) ?? 0)
  rmSync(work, { recursive: true })
  return { path, starts, sizes, kernelVersion }
}

function blank(work: string, part: TmpfsrootPart): string {
  const file = join(work, `${part}.img`)
  writeFileSync(file, '')
  truncateSync(file, sizesMiB[part] * MiB)
  return file
}

const env = { MTOOLS_SKIP_CHECK: '1' }

function esp(work: string, grubenv: string, menuSize: string): string {
  const file = blank(work, 'esp')
  tool('mkfs.vfat', ['-n', 'EFI', file])
  tool('mmd', ['-i', file, '::EFI', '::EFI/fedora'], { env })
  for (const [name, content] of [
    ['grub.cfg', menuOf(menuSize)],
    ['grubenv', grubenv],
    ['shimx64.efi', 'MZ'.repeat(20_000)],
  ] as const) {
    tool('mcopy', ['-i', file, '-', `::EFI/fedora/${name}`], { env, input: content })
  }
  return file
}

function rootTree(work: string): string {
  const root = join(work, 'root')
  const at = (path: string) => join(root, path)
  for (const path of ['boot', 'etc/default', 'usr/lib/systemd', 'usr/sbin', 'usr/share', 'var/log', 'opt', 'persist']) {
    mkdirSync(at(path), { recursive: true })
  }
  symlinkSync('usr/sbin', at('sbin'))
  symlinkSync('../lib/systemd/systemd', at('usr/sbin/init'))
  writeFileSync(at('usr/lib/systemd/systemd'), Buffer.alloc(90_001, 'systemd'))
  writeFileSync(at('usr/lib/os-release'), 'NAME="Fedora Linux"\nID=fedora\nVERSION_ID=42\nPRETTY_NAME="Fedora Linux 42 (Adams)"\n')
  symlinkSync('../usr/lib/os-release', at('etc/os-release'))
  writeFileSync(at('etc/default/grub'), `GRUB_DISK_UUID0=${uuids.rootA}\nGRUB_DISK_UUID1=${uuids.rootB}\n`)
  writeFileSync(at(`boot/vmlinuz-${kernelVersion}`), x86Kernel(kernelVersion))
  writeFileSync(
    at(`boot/initramfs-${kernelVersion}.img`),
    gzipInitrd({ init: '#!/bin/sh\n', [`usr/lib/modules/${kernelVersion}/modules.dep`]: '' }),
  )
  symlinkSync(`/boot/vmlinuz-${kernelVersion}`, at('boot/vmlinuz'))
  symlinkSync(`/boot/initramfs-${kernelVersion}.img`, at('boot/initramfs.img'))
  writeModules(root, 'usr/lib', kernelVersion)
  return root
}

function persistTree(work: string, provisioned: boolean): string {
  const top = join(work, 'persist')
  mkdirSync(join(top, 'etc/ssh'), { recursive: true })
  if (provisioned) writeFileSync(join(top, 'etc/ssh/ssh_host_ed25519_key.pub'), 'ssh-ed25519 AAAA\n')
  else writeFileSync(join(top, 'PROVISIONING'), '')
  return top
}

function logTree(work: string): string {
  const top = join(work, 'log')
  for (const name of ['audit', 'sssd']) mkdirSync(join(top, name), { recursive: true, mode: 0o700 })
  writeFileSync(join(top, 'audit/audit.log'), 'type=DAEMON_START\n'.repeat(1000))
  return top
}

function ext(work: string, part: TmpfsrootPart, uuid: string, tree: string | null): string {
  const file = blank(work, part)
  tool('mke2fs', ['-q', '-t', 'ext4', '-b', '4096', '-U', uuid, ...(tree ? ['-d', tree] : []), file])
  return file
}

function btrfs(work: string, part: TmpfsrootPart, label: string): string {
  const file = blank(work, part)
  tool('mkfs.btrfs', ['-q', '-L', label, file])
  return file
}

/** A copy to spoil. */
export function copyDisk(disk: TmpfsrootDisk, folder: string): TmpfsrootDisk {
  const path = join(folder, `copy-${Math.random().toString(36).slice(2)}.img`)
  tool('cp', ['--sparse=always', disk.path, path])
  return { ...disk, path }
}

/** A file of the ESP written anew, or removed. */
export function changeEsp(disk: TmpfsrootDisk, path: string, content: string | null): void {
  const image = `${disk.path}@@${disk.starts.get('esp') ?? 0}`
  if (content === null) tool('mdel', ['-i', image, `::${path}`], { env })
  else tool('mcopy', ['-o', '-i', image, '-', `::${path}`], { env, input: content })
}

/** debugfs commands on an ext4 partition. */
export function changeExt(disk: TmpfsrootDisk, part: TmpfsrootPart, commands: readonly string[]): void {
  tool('debugfs', ['-w', '-f', '-', `${disk.path}?offset=${disk.starts.get(part) ?? 0}`], { input: `${commands.join('\n')}\n` })
}

export function overwrite(disk: TmpfsrootDisk, part: TmpfsrootPart, offsetBytes: number, bytes: Uint8Array): void {
  const file = openSync(disk.path, 'r+')
  try {
    writeSync(file, bytes, 0, bytes.length, (disk.starts.get(part) ?? 0) + offsetBytes)
  } finally {
    closeSync(file)
  }
}
