/**
 * codec.wasm: xz, lzma, lz4 and lzo for squashfs images, from Debian's sources by Debian's emscripten, kept outside the checkout. It takes less than a
 * minute, because only the files that are needed are compiled, without their configure scripts.
 */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFile, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { builtCodecFolder, codecFile, codecOf } from '../../native-helpers/volumes/squashfs/block-codec.ts'
import { cacheFolder } from '../cache-folder.ts'
import { liblzmaDefines, liblzmaFiles, liblzmaInclude } from './codec-liblzma.ts'
import { wasmBuildPackages } from './debian-packages.ts'
import { fetchSource, sourceVersion } from './debian-source.ts'
import { runStep } from './run-step.ts'

const exec = promisify(execFile)
const here = dirname(fileURLToPath(import.meta.url))
const top = join(here, '..', '..')

/** What cannot be done without it, for whoever tells the user that it is missing. */
export const featuresNeedingCodec =
  'looking into squashfs images that are packed with lz4 or lzo, and making ones that are packed with xz,'

/** A source package, the library whose installed version decides which version of it, and what of it is compiled. */
const libraries = [
  { source: 'lz4', binary: 'liblz4-1', include: ['lib'], files: ['lib/lz4.c'] },
  { source: 'lzo2', binary: 'liblzo2-2', include: ['include', 'src'], files: ['src/lzo1x_d2.c'] },
  { source: 'xz-utils', binary: 'liblzma5', include: liblzmaInclude, files: liblzmaFiles },
] as const

// Standalone and without an entry: no import is left for JavaScript to answer.
const compileFlags = [
  '-std=gnu17',
  '-O2',
  '-DNDEBUG',
  '--no-entry',
  '-sSTANDALONE_WASM',
  '-sTOTAL_MEMORY=32MB',
  '-sTOTAL_STACK=128KB',
  ...liblzmaDefines,
]

export interface CodecOptions {
  cache?: string
  /** Where the module is put for the program to find it; null leaves it in the cache. */
  into?: string | null
  say?(text: string): void
  /** Installs what is missing of the toolchain, or says what to install. */
  install?(packages: readonly string[]): Promise<void>
}

/** Answers where codec.wasm lies. Throws one sentence where it cannot be built; the program runs without, except for `featuresNeedingCodec`. */
export async function buildCodec(options: CodecOptions = {}): Promise<string> {
  const { cache = join(cacheFolder(), 'wasm'), into = join(top, builtCodecFolder), install } = options
  const say = options.say ?? ((text: string) => void process.stderr.write(`set-up: squashfs codec: ${text}\n`))
  let built = join(cache, await builtName())
  // What is installed on the way decides the name too.
  if (!(await decodes(built))) built = await build(cache, say, install)
  if (into === null) return built
  const placed = join(into, codecFile)
  if (!(await sameBytes(built, placed))) await place(built, placed)
  return placed
}

function sourceVersions(): Promise<(string | null)[]> {
  return Promise.all(libraries.map(({ source, binary }) => sourceVersion({ source, binary })))
}

/** After everything that decides what comes out. */
async function builtName(): Promise<string> {
  const recipe = JSON.stringify([libraries, compileFlags, await sourceVersions(), await emscriptenVersion()])
  const hash = createHash('sha256').update(recipe)
  hash.update(await readFile(join(here, 'codec.c')))
  return `codec-${hash.digest('hex').slice(0, 16)}.wasm`
}

async function emscriptenVersion(): Promise<string | null> {
  const query = await exec('dpkg-query', ['-W', '-f', `\${Version}`, 'emscripten']).catch(() => null)
  return query?.stdout || null
}

async function build(cache: string, say: (text: string) => void, install: CodecOptions['install']): Promise<string> {
  const work = await mkdtemp(join(tmpdir(), 'livecard-codec-'))
  try {
    if (process.platform !== 'linux') throw new Error('It is built on Debian; packages for this system carry it.')
    await install?.(wasmBuildPackages)
    if ((await emscriptenVersion()) === null) throw new Error(`These Debian packages are needed: ${wasmBuildPackages.join(' ')}.`)
    say('building it in WebAssembly: less than a minute, once per machine')
    const versions = await sourceVersions()
    for (const [index, { source, binary }] of libraries.entries()) {
      const folder = join(work, source)
      await mkdir(folder)
      const names = { source, binary }
      // An archive keeps no version that an update replaced; for a codec, the next one is as good.
      await fetchSource(folder, versions[index] ?? null, names).catch(() => fetchSource(folder, null, names))
    }
    const within = (kind: 'include' | 'files') =>
      libraries.flatMap((library) => library[kind].map((path) => join(library.source, 'source', path)))
    await copyFile(join(here, 'codec.c'), join(work, 'codec.c'))
    const step = {
      name: 'codec',
      folder: work,
      logs: work,
      // Debian's emcc looks for /usr/bin/node and for acorn among Debian's own packages.
      env: { LC_ALL: 'C', EM_NODE_JS: process.execPath, NODE_PATH: '/usr/share/nodejs' },
    }
    const include = within('include').map((path) => `-I${path}`)
    await runStep(step, 'emcc', [...compileFlags, ...include, 'codec.c', ...within('files'), '-o', codecFile])
    if (!(await decodes(join(work, codecFile)))) throw new Error('What this emscripten makes of it does not work.')
    const built = join(cache, await builtName())
    await place(join(work, codecFile), built)
    return built
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown)
    throw new Error(
      `The codec for squashfs could not be built, so ${featuresNeedingCodec} will not work here; everything else does. ${why}`,
    )
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

/** A row of the letter a as two of the formats pack it: literals, a match that overlaps itself, an end. xz is asked to unpack what it packed. */
const packedSamples = {
  lz4: [0x18, 0x61, 0x01, 0x00, 0x80, ...Array<number>(8).fill(0x61)],
  lzo: [0x15, ...Array<number>(4).fill(0x61), 0x39, 0x00, 0x00, 0x11, 0x00, 0x00],
} as const

/** A module is used once before anyone relies on it; one that a broken build or disk left behind is made again. */
async function decodes(path: string): Promise<boolean> {
  try {
    const codec = codecOf(await readFile(path))
    if (!codec) return false
    const samples = { ...packedSamples, xz: codec.packXz(new Uint8Array(64).fill(0x61), 4096) }
    return (['lz4', 'lzo', 'xz'] as const).every((format) => {
      const bytes = codec.decode(format, Uint8Array.from(samples[format]), 64)
      return bytes.length > 0 && bytes.every((byte) => byte === 0x61)
    })
  } catch {
    return false
  }
}

async function sameBytes(one: string, other: string): Promise<boolean> {
  const [first, second] = await Promise.all([one, other].map((path) => readFile(path).catch(() => null)))
  return Boolean(first && second?.equals(first))
}

/** Whole or not at all. */
async function place(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true })
  const unfinished = `${to}.${process.pid}`
  await copyFile(from, unfinished)
  await rename(unfinished, to)
}

if (import.meta.main) {
  const { installDebian } = await import('../setup.ts')
  process.stdout.write(`${await buildCodec({ install: installDebian })}\n`)
}
