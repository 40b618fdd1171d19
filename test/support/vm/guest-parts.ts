import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { copyFile, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { tool } from '../tools.ts'
import { keptParts, scriptPath } from './kept-parts.ts'
import { fetching, NotFetched } from './not-fetched.ts'
import { unpackedKernel } from './vmlinux.ts'

const exec = promisify(execFile)
const running = { maxBuffer: 1 << 28, env: { ...process.env, LC_ALL: 'C', PATH: `${process.env.PATH}:/usr/sbin:/sbin` } }

/** The real programs of Debian that the guest works with; everything else is busybox. */
const programs = [
  ...[
    'dmsetup',
    'losetup',
    'mount',
    'umount',
    'blockdev',
    'dd',
    'cp',
    'truncate',
    'dash',
    'sha256sum',
    'stty',
    'cmp',
    'mountpoint',
    'find',
  ],
  ...['e2fsck', 'debugfs', 'dumpe2fs', 'fsck.fat'],
]
const modules = [
  ...['virtio_pci', '9pnet_virtio', '9p', 'loop', 'dm_snapshot', 'squashfs', 'vfat', 'nls_cp437', 'nls_ascii'],
  // ext4 asks for the second only when it meets a volume with checksums, and is refused where it is not there.
  ...['ext4', 'crc32c_generic'],
]

export interface GuestParts {
  kernel: string
  initrd: string
  /** As `uname -r` prints it. */
  release: string
}

/** Debian's own kernel and a root in memory with Debian's programs. Throws what went wrong. */
export async function guestParts(): Promise<GuestParts> {
  const { name, version } = await newestKernel()
  const release = name.slice('linux-image-'.length)
  const { stdout } = await exec(
    'dpkg-query',
    ['-W', 'busybox*', 'e2fsprogs', 'dmsetup', 'coreutils', 'util-linux', 'mount'],
    running,
  )
  const kept = await keptParts({
    kind: 'guest',
    versions: [name, version, stdout],
    scripts: ['guest-parts.ts', 'guest-init.sh', 'guest-loop.sh', 'vmlinux.ts'],
    make: (work) => make(work, name, release),
  })
  return { kernel: join(kept, 'vmlinux'), initrd: join(kept, 'initrd'), release }
}

/** The kernel that Debian ships for PCs now; the lists of packages are fetched where there are none. */
export async function newestKernel(): Promise<{ name: string; version: string }> {
  const found = await offeredKernel()
  if (found) return found
  await fetching('apt-get', ['update', '-qq'], running)
  return (await offeredKernel()) ?? Promise.reject(new NotFetched('apt knows no linux-image-amd64'))
}

async function offeredKernel(): Promise<{ name: string; version: string } | null> {
  const { stdout } = await exec('apt-cache', ['depends', 'linux-image-amd64'], running).catch(() => ({ stdout: '' }))
  const name = /Depends: (linux-image-\d\S+)/.exec(stdout)?.[1]
  if (!name) return null
  const shown = await exec('apt-cache', ['show', '--no-all-versions', name], running).catch(() => ({ stdout: '' }))
  const version = /^Version: (.+)$/m.exec(shown.stdout)?.[1]
  return version ? { name, version } : null
}

async function make(work: string, name: string, release: string): Promise<void> {
  const root = join(work, 'root')
  const kept = join(work, 'kept')
  for (const folder of ['bin', 'dev', 'etc', 'proc', 'run', 'share', 'sys', 'tmp'])
    await mkdir(join(root, folder), { recursive: true })
  await mkdir(kept)
  await unpackPackage(work, name)
  await writeFile(join(kept, 'vmlinux'), unpackedKernel(await readFile(join(work, 'boot', `vmlinuz-${release}`))))
  await takeModules(work, root, release)
  await takePrograms(root)
  await copyFile(scriptPath('guest-init.sh'), join(root, 'init'))
  tool('chmod', ['755', join(root, 'init')])
  await copyFile(scriptPath('guest-loop.sh'), join(root, 'guest-loop.sh'))
  await exec('sh', ['-c', 'cd "$1" && find . | cpio -o -H newc -R 0:0 --quiet > "$2"', 'sh', root, join(kept, 'initrd')], running)
}

/** The kernel and those of its folders that hold what the guest needs: unpacking all would take longer than all the rest. */
async function unpackPackage(work: string, name: string): Promise<void> {
  await fetching('apt-get', ['download', '-qq', name], { ...running, cwd: work })
  const archive = (await readdir(work)).find((file) => file.endsWith('.deb'))
  if (!archive) throw new Error(`apt fetched no ${name}`)
  const folders = ['drivers/md', 'drivers/block', 'drivers/virtio', 'fs', 'net/9p', 'lib', 'crypto', 'arch/x86/crypto']
  const wanted = ['./boot/vmlinuz-*', './lib/modules/*/modules.*', ...folders.map((folder) => `./lib/modules/*/kernel/${folder}/*`)]
  await exec(
    'sh',
    ['-c', 'archive=$1; shift; dpkg-deb --fsys-tarfile "$archive" | tar -x --wildcards "$@"', 'sh', archive, ...wanted],
    {
      ...running,
      cwd: work,
    },
  )
}

async function takeModules(work: string, root: string, release: string): Promise<void> {
  await exec('depmod', ['-b', work, release], running)
  const { stdout } = await exec('modprobe', ['-d', work, '-S', release, '--show-depends', '-a', ...modules], running)
  const files = new Set([...stdout.matchAll(/^insmod (\S+)/gm)].map(([, path = '']) => path))
  for (const path of files) {
    const inside = join(root, path.slice(work.length))
    await mkdir(dirname(inside), { recursive: true })
    await copyFile(path, inside)
  }
  for (const list of ['modules.order', 'modules.builtin', 'modules.builtin.modinfo'])
    await copyFile(join(work, 'lib/modules', release, list), join(root, 'lib/modules', release, list))
  await exec('depmod', ['-b', root, release], running)
  await writeFile(join(root, 'modules'), `${modules.join('\n')}\n`)
}

/** With the libraries that each is linked to, at their own places. */
async function takePrograms(root: string): Promise<void> {
  const { stdout: busybox } = await exec('sh', ['-c', 'command -v busybox'], running)
  await copyFile(busybox.trim(), join(root, 'bin', 'busybox'))
  const { stdout: applets } = await exec('busybox', ['--list'], running)
  for (const applet of applets.split('\n').filter((line) => line !== '' && line !== 'busybox'))
    await symlink('busybox', join(root, 'bin', applet))
  for (const program of programs) {
    const { stdout } = await exec('sh', ['-c', 'command -v "$1"', 'sh', program], running)
    await rm(join(root, 'bin', program), { force: true })
    await copyFile(stdout.trim(), join(root, 'bin', program))
    const { stdout: linked } = await exec('ldd', [stdout.trim()], running)
    for (const [library] of linked.matchAll(/\/\S+/g)) {
      if (existsSync(join(root, library))) continue
      await mkdir(join(root, dirname(library)), { recursive: true })
      await copyFile(library, join(root, library))
    }
  }
  await rm(join(root, 'bin', 'sh'), { force: true })
  await symlink('dash', join(root, 'bin', 'sh'))
}
