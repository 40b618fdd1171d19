/**
 * Brings a fresh machine to where a verb can run, in the steps that the verb needs and no more. Idempotent: with nothing to do it takes well under a
 * second. Says on stderr what it does, so that stdout stays the answer's.
 */
import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { ElectronRuntime } from './electron-runtime.ts'

const exec = promisify(execFile)
const top = fileURLToPath(new URL('..', import.meta.url))

/** command: drives, flash, verify · browser: and the interface's bundle · app: and Electron · tests: and what the tests drive */
export type Stage = 'command' | 'browser' | 'app' | 'tests'

export function say(text: string): void {
  process.stderr.write(`set-up: ${text}\n`)
}

export async function setUp(stage: Stage): Promise<{ electron: ElectronRuntime | null }> {
  await driveList()
  await accessPrograms()
  if (stage === 'command') return { electron: null }
  const { bundle } = await import('./bundle.ts')
  await bundle({ production: false })
  if (stage === 'browser') return { electron: null }
  if (stage === 'tests') {
    const { debianPackages } = await import('./debian-packages.ts')
    await installDebian([...debianPackages.tests, ...debianPackages.chromium, ...debianPackages.electron])
    await installDebian(debianPackages.guests).catch((thrown: Error) =>
      say(`no guests to start real systems in: ${thrown.message}`),
    )
    await webAssembly()
  }
  const { electronRuntime } = await import('./electron-runtime.ts')
  try {
    return { electron: await electronRuntime() }
  } catch (thrown) {
    say(thrown instanceof Error ? thrown.message : String(thrown))
    return { electron: null }
  }
}

/** drivelist's addon: its own install script fetches a prebuilt one or compiles it, with the headers that the npm package `node` brings. */
async function driveList(): Promise<void> {
  const require = createRequire(import.meta.url)
  const loads = () => {
    try {
      require('drivelist')
      return true
    } catch {
      return false
    }
  }
  if (loads()) return
  if (process.platform === 'linux' && !(await has('g++'))) await installDebian(['g++', 'make'])
  say("building drivelist's addon (about 10 s)")
  const headers = join(
    top,
    'node_modules',
    'node',
    'node_modules',
    `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`,
  )
  const npm = process.env.npm_execpath
  // With npm's own Node, beside which npm finds its global settings.
  const [command, before] = npm ? [process.env.npm_node_execpath ?? process.execPath, [npm]] : ['npm', []]
  try {
    await exec(command, [...before, 'rebuild', 'drivelist', '--ignore-scripts=false'], {
      cwd: top,
      env: { ...process.env, npm_config_nodedir: headers },
    })
  } catch (thrown) {
    const output = thrown as { stdout?: string; stderr?: string }
    throw new Error(
      `set-up: drivelist's addon could not be built, so drives cannot be listed. A C++ compiler, make and python3 are needed.\n${output.stderr ?? ''}`,
    )
  }
}

/** The program that opens one drive for a user who may not open it himself; without a compiler the app runs and says what it misses. */
async function accessPrograms(): Promise<void> {
  if (process.platform !== 'linux') return
  if (!(await has('gcc'))) await installDebian(['gcc', 'libc6-dev'])
  const { buildAccess } = await import('./access.ts')
  try {
    await buildAccess()
  } catch (thrown) {
    say(`drives that need a password cannot be opened without root: ${thrown instanceof Error ? thrown.message : String(thrown)}`)
  }
}

/** e2fsprogs and the squashfs codec, from Debian's sources. What flashes and verifies does without; tests that need them are skipped with the reason. */
async function webAssembly(): Promise<void> {
  const { buildE2fsprogs } = await import('./wasm/e2fsprogs.ts')
  const { buildCodec } = await import('./wasm/codec.ts')
  for (const build of [buildE2fsprogs, buildCodec]) {
    try {
      await build({ install: installDebian })
    } catch (thrown) {
      say(thrown instanceof Error ? thrown.message : String(thrown))
    }
  }
}

export async function has(program: string): Promise<boolean> {
  return exec('sh', ['-c', 'command -v "$1"', 'sh', program]).then(
    () => true,
    () => false,
  )
}

/** Installs what is missing of `packages` with apt, when root on a Debian; says what to install otherwise. */
export async function installDebian(packages: readonly string[]): Promise<void> {
  if (process.platform !== 'linux' || !(await has('dpkg-query'))) {
    say(`this is no Debian; where something is missing, install the like of: ${packages.join(' ')}`)
    return
  }
  let missing = await missingOf(packages)
  if (missing.length === 0) return
  if (process.getuid?.() !== 0) {
    say(`missing Debian packages (install them as root): ${missing.join(' ')}`)
    return
  }
  say(`installing ${missing.length} Debian packages: ${missing.join(' ')}`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const options = { env, maxBuffer: 1 << 26 }
  await exec('apt-get', ['update', '-qq'], options)
  missing = await Promise.all(missing.map(presentName))
  await exec('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...missing], options)
}

async function missingOf(packages: readonly string[]): Promise<string[]> {
  const format = `\${Package} \${db:Status-Status}\\n`
  const query = await exec('dpkg-query', ['-W', '-f', format, ...packages.flatMap((name) => [name, `${name}t64`])]).catch(
    (thrown: { stdout?: string }) => ({ stdout: thrown.stdout ?? '' }),
  )
  const installed = new Set(
    query.stdout
      .split('\n')
      .filter((line) => line.endsWith(' installed'))
      .map((line) => line.split(' ')[0]),
  )
  return packages.filter((name) => !installed.has(name) && !installed.has(`${name}t64`))
}

/** Since Debian 13 many libraries carry the suffix t64 (64-bit times). */
async function presentName(name: string): Promise<string> {
  const { stdout } = await exec('apt-cache', ['policy', name])
  const known = /Candidate: (?!\(none\))/.test(stdout)
  return known ? name : `${name}t64`
}
