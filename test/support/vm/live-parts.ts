import { execFile } from 'node:child_process'
import { copyFile, mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { archives } from '../../../build/wasm/debian-source.ts'
import { missingTools } from '../tools.ts'
import { newestKernel } from './guest-parts.ts'
import { keptParts, scriptPath } from './kept-parts.ts'
import { fetching } from './not-fetched.ts'
import { cannotRunGuests } from './qemu.ts'

const exec = promisify(execFile)
const running = { maxBuffer: 1 << 28, env: { ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' } }

/** How a system finds its root: dracut's dmsquash-live (Fedora's way), or Debian's live-boot. */
export type LiveKind = 'dracut' | 'live-boot'

/** What a live system starts with and consists of, made of Debian's packages. */
export interface LiveParts {
  kernel: string
  initrd: string
  /** dracut: an ext4 lies in it as LiveOS/rootfs.img. live-boot: it is the root itself. */
  squashfs: string
  /** As `uname -r` prints it. */
  release: string
}

/** Why no live system can be made here, or null. */
export function cannotMakeLive(): string | null {
  if (process.getuid?.() !== 0) return 'a system of Debian packages is made as root'
  return cannotRunGuests() ?? missingTools('mmdebstrap', 'mksquashfs', 'mke2fs', 'chroot')
}

const tools = ['udev', 'kmod', 'e2fsprogs', 'util-linux', 'mount', 'dmsetup', 'libcap2-bin', 'acl', 'attr', 'dosfstools', 'zstd']
const starters: Record<LiveKind, string[]> = {
  dracut: ['dracut', 'dracut-live'],
  // The tools of its hooks; busybox is the shell of its initrd.
  'live-boot': ['initramfs-tools', 'live-boot', 'live-boot-initramfs-tools', 'busybox-static'],
}

/** Of a kernel's modules those that a stick in QEMU needs, with what they need themselves; all of them would make the tree three times as large. */
const keptModules = [
  ...['arch/x86/crypto', 'block', 'crypto', 'lib', 'drivers/ata', 'drivers/block', 'drivers/cdrom', 'drivers/hid', 'drivers/md'],
  ...['drivers/scsi', 'drivers/usb/common', 'drivers/usb/core', 'drivers/usb/host', 'drivers/usb/storage', 'drivers/virtio'],
  ...[
    'fs/ext4',
    'fs/fat',
    'fs/fuse',
    'fs/isofs',
    'fs/jbd2',
    'fs/nls',
    'fs/overlayfs',
    'fs/squashfs',
    'fs/exfat',
    'fs/udf',
    'fs/mbcache.ko',
  ],
]
const unneeded = ['man', 'locale', 'i18n', 'info', 'doc', 'bug', 'lintian', 'zoneinfo', 'bash-completion'].map(
  (name) => `/usr/share/${name}/*`,
)
const pathRules = [
  ...[...unneeded, '/boot/System.map-*', '/lib/modules/*/kernel/*'].map((path) => `--dpkgopt=path-exclude=${path}`),
  ...keptModules.map((path) => `--dpkgopt=path-include=/lib/modules/*/kernel/${path}${path.endsWith('.ko') ? '' : '/*'}`),
]

/** Throws what went wrong. */
export async function liveParts(kind: LiveKind): Promise<LiveParts> {
  const { name, version } = await newestKernel()
  const release = name.slice('linux-image-'.length)
  const kept = await keptParts({
    kind,
    versions: [name, version],
    scripts: ['live-parts.ts', 'live-init.sh', 'guest-loop.sh'],
    make: (work) => make(work, kind, name, release),
  })
  return { kernel: join(kept, 'vmlinuz'), initrd: join(kept, 'initrd.img'), squashfs: join(kept, 'squashfs.img'), release }
}

async function make(work: string, kind: LiveKind, kernel: string, release: string): Promise<void> {
  const root = join(work, 'root')
  const kept = join(work, 'kept')
  await mkdir(kept)
  await installTree(root, [kernel, ...tools, ...starters[kind]])
  await writeFile(join(root, 'etc/hostname'), 'live\n')
  await writeFile(join(root, 'live-init'), `${await readFile(scriptPath('live-init.sh'), 'utf8')}\n`, { mode: 0o755 })
  await copyFile(scriptPath('guest-loop.sh'), join(root, 'guest-loop.sh'))
  await exec('chroot', [root, 'useradd', '-m', '-s', '/bin/bash', 'user'], running)
  await makeInitrd(root, kind, release)
  await copyFile(join(root, 'boot', `vmlinuz-${release}`), join(kept, 'vmlinuz'))
  await copyFile(join(root, 'boot', `initrd.img-${release}`), join(kept, 'initrd.img'))
  await pack(work, root, kind, join(kept, 'squashfs.img'))
}

/** From where the machine's own packages come: apt's word on the kernel's package names each archive and its suite. */
async function installTree(root: string, packages: readonly string[]): Promise<void> {
  const from = (await archives({ source: 'linux', binary: 'linux-image-amd64' })).filter(({ component }) => component === 'main')
  const plain = from.find(({ suite }) => !suite.includes('-'))
  if (!plain) throw new Error('apt knows no archive of Debian')
  const lines = from.map(({ uri, suite }) => `deb ${uri} ${suite} main`)
  const options = [
    '--mode=root',
    '--variant=essential',
    '--dpkgopt=force-unsafe-io',
    '--aptopt=Acquire::Languages "none"',
    ...pathRules,
  ]
  // The kernel's package would make an initrd while it is installed, before all the rest is there.
  const env = { ...running.env, INITRD: 'No' }
  await fetching('mmdebstrap', [...options, `--include=${packages.join(',')}`, plain.suite, root, ...lines], { ...running, env })
  for (const folder of ['var/cache/apt', 'var/lib/apt/lists']) await rm(join(root, folder), { recursive: true, force: true })
  await writeFile(join(root, 'etc/resolv.conf'), '')
}

/** Modules of dracut that a stick does not need, among them systemd: dracut's own start is shorter. */
const omitted = [
  'network',
  'plymouth',
  'i18n',
  'crypt',
  'lvm',
  'mdraid',
  'multipath',
  'nfs',
  'iscsi',
  'nbd',
  'btrfs',
  'resume',
  'memstrack',
]

async function makeInitrd(root: string, kind: LiveKind, release: string): Promise<void> {
  const places = ['proc', 'sys', 'dev']
  const commands: Record<LiveKind, string[]> = {
    dracut: [
      ...['dracut', '--force', '--no-hostonly', '--zstd', '--no-early-microcode', '--kver', release, '--add', 'dmsquash-live'],
      ...[
        '--omit',
        [...omitted, 'systemd', 'systemd-initrd', 'dracut-systemd'].join(' '),
        '--force-drivers',
        'vfat nls_cp437 nls_ascii',
      ],
      `/boot/initrd.img-${release}`,
    ],
    'live-boot': ['update-initramfs', '-c', '-k', release],
  }
  const bound: string[] = []
  try {
    for (const place of places) {
      await exec('mount', ['--bind', `/${place}`, join(root, place)])
      bound.unshift(join(root, place))
    }
    await exec('chroot', [root, ...commands[kind]], running)
  } finally {
    for (const place of bound) await exec('umount', [place])
  }
  if (!(await readdir(join(root, 'boot'))).includes(`initrd.img-${release}`)) throw new Error('no initrd was made')
}

async function pack(work: string, root: string, kind: LiveKind, squashfs: string): Promise<void> {
  const fast = ['-comp', 'zstd', '-Xcompression-level', '3', '-b', '128K', '-noappend', '-no-progress', '-quiet']
  if (kind === 'live-boot') return void (await exec('mksquashfs', [root, squashfs, ...fast], running))
  await rm(join(root, 'boot'), { recursive: true })
  await mkdir(join(root, 'boot'))
  const image = join(work, 'packed', 'LiveOS', 'rootfs.img')
  await mkdir(dirname(image), { recursive: true })
  await writeFile(image, '')
  const { stdout } = await exec('du', ['-sm', root], running)
  await truncate(image, Math.ceil(Number.parseInt(stdout, 10) * 1.2 + 360) * 1024 * 1024)
  await exec('mke2fs', ['-q', '-t', 'ext4', '-b', '4096', '-L', 'Live', '-m', '1', '-d', root, image], running)
  await exec('mksquashfs', [join(work, 'packed'), squashfs, ...fast], running)
}
