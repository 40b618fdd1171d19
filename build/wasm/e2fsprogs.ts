/**
 * e2fsprogs in WebAssembly: fetched as Debian's source, compiled with Debian's emscripten, checked, and kept outside the checkout, so that only the first checkout of a machine
 * waits for it. Nothing of the machine is changed except that missing Debian packages are installed when this runs as root.
 */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmod, copyFile, cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { builtFolder } from '../../native-helpers/wasm/modules.ts'
import { cacheFolder } from '../cache-folder.ts'
import { compile, configureRecipe, moduleNames, ownSources, recipe } from './compile.ts'
import { wasmBuildPackages } from './debian-packages.ts'
import { fetchSource, sourceVersion } from './debian-source.ts'
import { selfCheck } from './self-check.ts'

const exec = promisify(execFile)
const here = dirname(fileURLToPath(import.meta.url))
const top = join(here, '..', '..')

/** What cannot be done without the modules, for whoever tells the user that they are missing. */
export const featuresNeedingE2fsprogs = 'checking, repairing, enlarging, backing up and restoring Linux volumes'

export interface BuildOptions {
  /** Where builds are kept; the user's cache by default. */
  cache?: string
  /** Where the modules are put for the program to find them; null leaves them in the cache. */
  into?: string | null
  say?(text: string): void
  /** Installs what is missing of the toolchain, or says what to install. */
  install?(packages: readonly string[]): Promise<void>
}

/** What a finished build says of itself, in built.json beside the modules. */
interface Built {
  key: string
  source: string
  emscripten: string
  seconds: number
  sha256: Record<string, string>
}

/** Throws one sentence where it cannot be done; the program runs without, except for `featuresNeedingE2fsprogs`. */
export async function buildE2fsprogs(options: BuildOptions = {}): Promise<{ folder: string }> {
  const { cache = join(cacheFolder(), 'wasm'), into = join(top, builtFolder) } = options
  const say = options.say ?? ((text: string) => void process.stderr.write(`set-up: e2fsprogs: ${text}\n`))
  const built = (await findE2fsprogs(cache)) ?? (await build(cache, await recipeKey(), await sourceVersion(), say, options.install))
  if (into === null) return { folder: built }
  await place(built, into)
  return { folder: into }
}

/** Of everything that decides what comes out, except for the versions of source and compiler. */
async function recipeKey(): Promise<string> {
  const hash = createHash('sha256').update(recipe).update(testImagesFolder)
  for (const name of ownSources) hash.update(await readFile(join(here, name)))
  return hash.digest('hex').slice(0, 16)
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}

async function emscriptenVersion(): Promise<string | null> {
  const format = `\${db:Status-Status} \${Version}`
  const query = await exec('dpkg-query', ['-W', '-f', format, 'emscripten']).catch(() => null)
  const [state, version] = query?.stdout.split(' ') ?? []
  return state === 'installed' && version ? version : null
}

/** The finished build that this checkout and this machine would use, or null. A version that the machine does not know does not decide: a build is used without the compiler that made it. */
export async function findE2fsprogs(cache = join(cacheFolder(), 'wasm')): Promise<string | null> {
  const [key, source, emscripten] = await Promise.all([recipeKey(), sourceVersion(), emscriptenVersion()])
  for (const name of await readdir(cache).catch(() => [])) {
    const folder = join(cache, name)
    const built = await readBuilt(folder)
    if (built?.key !== key) continue
    if ((source === null || built.source === source) && (emscripten === null || built.emscripten === emscripten)) return folder
  }
  return null
}

async function readBuilt(folder: string): Promise<Built | null> {
  try {
    return JSON.parse(await readFile(join(folder, 'built.json'), 'utf8')) as Built
  } catch {
    return null
  }
}

async function build(
  cache: string,
  key: string,
  wanted: string | null,
  say: (text: string) => void,
  install: BuildOptions['install'],
): Promise<string> {
  const started = performance.now()
  const failed = (what: string, thrown: unknown) => {
    const why = thrown instanceof Error ? thrown.message : String(thrown)
    return new Error(
      `e2fsprogs could not be ${what}, so ${featuresNeedingE2fsprogs} will not work here; everything else does. ${why}`,
    )
  }
  if (process.platform !== 'linux') throw failed('built', new Error('It is built on Debian; packages for this system carry it.'))
  await install?.(wasmBuildPackages)
  const emscripten = await emscriptenVersion()
  if (emscripten === null) throw failed('built', new Error(`These Debian packages are needed: ${wasmBuildPackages.join(' ')}.`))
  say('building it in WebAssembly: about 3 minutes with two processors, once per machine')
  await mkdir(cache, { recursive: true })
  const work = await mkdtemp(join(tmpdir(), 'livecard-wasm-'))
  try {
    say("fetching Debian's source")
    const source = await fetchSource(work, wanted).catch((thrown: unknown) => {
      throw failed('fetched', thrown)
    })
    const configureCache = join(cache, `configure-${source}-${emscripten}-${shortHash(configureRecipe)}.cache`)
    const modules = await compile({ folder: work, configureCache, say }).catch((thrown: unknown) => {
      throw failed('compiled', thrown)
    })
    await keepTestImages(join(work, 'source', 'tests'), join(modules, testImagesFolder))
    await selfCheck(modules).catch((thrown: unknown) => {
      throw failed('used', thrown)
    })
    const sha256: Record<string, string> = {}
    for (const name of moduleNames) sha256[name] = await sha256Of(join(modules, `${name}.wasm`))
    const seconds = Math.round((performance.now() - started) / 1000)
    const built: Built = { key, source, emscripten, seconds, sha256 }
    await writeFile(join(modules, 'built.json'), `${JSON.stringify(built, null, 2)}\n`)
    const folder = join(cache, `e2fsprogs-${source}-emscripten-${emscripten}-${key}`)
    await moveTo(modules, folder)
    say(`e2fsprogs ${source} built in ${seconds} s`)
    return folder
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

/** The damaged volumes of e2fsprogs' own tests (6 MB), for ours; they stay in the cache. */
export const testImagesFolder = 'upstream-images'

async function keepTestImages(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true })
  for (const name of await readdir(from)) await copyFile(join(from, name, 'image.gz'), join(to, `${name}.gz`)).catch(() => {})
}

async function sha256Of(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex')
}

/** Whole or not at all, and the first one wins where two built at once. The cache may be on another file system than the temporary folder. */
async function moveTo(from: string, to: string): Promise<void> {
  const beside = await mkdtemp(`${to}.`)
  try {
    await cp(from, beside, { recursive: true })
    await chmod(beside, 0o755)
    await rename(beside, to).catch(async (thrown: unknown) => {
      if ((await readBuilt(to)) === null) throw thrown
    })
  } finally {
    await rm(beside, { recursive: true, force: true })
  }
}

/** Copies a build to where the program looks for it, when another one or none stands there. */
async function place(built: string, into: string): Promise<void> {
  const [there, wanted] = await Promise.all(
    [into, built].map((folder) => readFile(join(folder, 'built.json'), 'utf8').catch(() => '')),
  )
  if (there !== '' && there === wanted) return
  await mkdir(dirname(into), { recursive: true })
  const beside = await mkdtemp(`${into}.`)
  try {
    for (const name of ['built.json', ...moduleNames.map((module) => `${module}.wasm`)])
      await copyFile(join(built, name), join(beside, name))
    await chmod(beside, 0o755)
    await rm(into, { recursive: true, force: true })
    await rename(beside, into)
  } finally {
    await rm(beside, { recursive: true, force: true })
  }
}

if (import.meta.main) {
  const { installDebian } = await import('../setup.ts')
  const { folder } = await buildE2fsprogs({ install: installDebian })
  process.stdout.write(`${folder}\n`)
}
