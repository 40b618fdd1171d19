import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { cacheFolder } from '../../build/cache-folder.ts'
import { archives } from '../../build/wasm/debian-source.ts'

const exec = promisify(execFile)

/** The smallest packages that Debian makes of its kernels, whatever its version: each depends on the one that holds it. */
const packages = {
  amd64: 'linux-image-cloud-amd64',
  arm64: 'linux-image-cloud-arm64',
  armhf: 'linux-image-armmp',
} as const
export type KernelArchitecture = keyof typeof packages

export interface DebianKernel {
  path: string
  /** As `uname -r` prints it: Debian names the package, the file and the folder of the modules after it. */
  release: string
}

/** A kernel of Debian for another machine too, fetched by apt once and kept outside of the checkout; or why there is none. */
export async function debianKernel(architecture: KernelArchitecture): Promise<DebianKernel | string> {
  if (process.platform !== 'linux' || !existsSync('/usr/bin/apt-get')) return 'apt, which fetches the kernels, is not here'
  const folder = join(cacheFolder(), 'kernels', architecture)
  const kept = await keptKernel(folder)
  if (kept) return kept
  const work = await mkdtemp(join(tmpdir(), 'livecard-kernel-'))
  try {
    await fetchKernel(work, architecture)
    await mkdir(join(folder, '..'), { recursive: true })
    // Another test may have been faster; what it left is as good.
    await rename(join(work, 'kept'), folder).catch(() => undefined)
    return (await keptKernel(folder)) ?? 'the package holds no kernel'
  } catch (thrown) {
    return `the kernel could not be fetched: ${thrown instanceof Error ? thrown.message.split('\n')[0] : thrown}`
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

async function keptKernel(folder: string): Promise<DebianKernel | null> {
  const release = await readFile(join(folder, 'release'), 'utf8').catch(() => null)
  return release ? { path: join(folder, 'vmlinuz'), release } : null
}

async function fetchKernel(work: string, architecture: KernelArchitecture): Promise<void> {
  const from = (await archives({ source: 'glibc', binary: 'libc6' })).filter(({ component }) => component === 'main').slice(0, 1)
  if (from.length === 0) throw new Error('apt knows no archive of Debian')
  for (const inside of ['sources', 'lists/partial', 'cache/archives/partial', 'kept'])
    await mkdir(join(work, inside), { recursive: true })
  const entries = from.map(({ uri, suite }) => `Types: deb\nURIs: ${uri}\nSuites: ${suite}\nComponents: main\n`)
  await writeFile(join(work, 'sources', 'kernel.sources'), entries.join('\n'))
  await writeFile(join(work, 'status'), '')
  const options = [
    `APT::Architecture=${architecture}`,
    `APT::Architectures=${architecture}`,
    'Dir::Etc::SourceList=/dev/null',
    `Dir::Etc::SourceParts=${join(work, 'sources')}`,
    `Dir::State::Lists=${join(work, 'lists')}`,
    `Dir::State::Status=${join(work, 'status')}`,
    `Dir::Cache=${join(work, 'cache')}`,
    'APT::Sandbox::User=',
    'Acquire::Languages=none',
  ].flatMap((option) => ['-o', option])
  const running = { cwd: work, maxBuffer: 1 << 26, env: { ...process.env, LC_ALL: 'C' } }
  await exec('apt-get', [...options, 'update', '-qq'], running)
  const { stdout } = await exec('apt-cache', [...options, 'depends', packages[architecture]], running)
  const name = /Depends: (linux-image-\S+)/.exec(stdout)?.[1]
  if (!name) throw new Error(`${packages[architecture]} depends on no kernel`)
  await exec('apt-get', [...options, 'download', '-qq', name], running)
  const archive = (await readdir(work)).find((file) => file.endsWith('.deb'))
  if (!archive) throw new Error(`apt fetched no ${name}`)
  const release = name.slice('linux-image-'.length)
  await mkdir(join(work, 'unpacked'))
  const unpack = 'dpkg-deb --fsys-tarfile "$1" | tar -x -C unpacked "./boot/vmlinuz-$2"'
  await exec('sh', ['-c', unpack, 'sh', archive, release], running)
  await rename(join(work, 'unpacked', 'boot', `vmlinuz-${release}`), join(work, 'kept', 'vmlinuz'))
  await writeFile(join(work, 'kept', 'release'), release)
}
