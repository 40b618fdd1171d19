/** configure, make and link: what turns e2fsprogs' source into WebAssembly, without a change to it. */
import { copyFile, mkdir, rename } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runStep } from './run-step.ts'

const here = dirname(fileURLToPath(import.meta.url))

/** In e2fsprogs' build tree: the folder, and the program that make knows there. */
const programs: readonly [folder: string, name: string][] = [
  ['e2fsck', 'e2fsck'],
  ['resize', 'resize2fs'],
  ['misc', 'mke2fs'],
  ['misc', 'tune2fs'],
  ['misc', 'dumpe2fs'],
  ['debugfs', 'debugfs'],
]

/** Our own C on libext2fs, in this folder. */
export const ownSources = ['ext-files.h', 'ext-files.c', 'ext-files-read.c', 'ext-files-write.c'] as const

export const moduleNames: readonly string[] = [...programs.map(([, name]) => name), 'ext-files']

const configureOptions = [
  '--host=wasm32-unknown-emscripten',
  '--disable-nls',
  '--disable-backtrace',
  '--disable-fuse2fs',
  '--disable-uuidd',
  '--disable-imager',
  '--disable-defrag',
  '--disable-fsck',
  '--disable-e2initrd-helper',
  '--disable-tls',
  '--disable-rpath',
  '--disable-tdb',
  '--without-pthread',
  '--enable-libuuid',
  '--enable-libblkid',
  // A test that only links finds emscripten's dlopen, and debugfs then ends at its start because it does nothing.
  'ac_cv_lib_dl_dlopen=no',
  'ac_cv_func_dlopen=no',
  'CFLAGS=-O2',
]

/**
 * emcc writes JavaScript beside each module, which is not used: native-helpers/wasm answers the modules' calls itself. So calls that emscripten has no JavaScript for
 * are no error here; whether all are answered is checked when the modules are done. 64-bit numbers cross as BigInt, whole.
 */
const linkFlags = [
  '-O2',
  '-sWASM_BIGINT',
  '-sERROR_ON_UNDEFINED_SYMBOLS=0',
  '-sWARN_ON_UNDEFINED_SYMBOLS=0',
  '-sALLOW_MEMORY_GROWTH=1',
  '-sINITIAL_MEMORY=16MB',
  '-sMAXIMUM_MEMORY=1GB',
  '-sTOTAL_STACK=5MB',
  '-sEXIT_RUNTIME=1',
]

/** Decides, with source and compiler, what configure answers. */
export const configureRecipe = JSON.stringify(configureOptions)

/** Everything that decides what comes out, for the key of the cache. */
export const recipe = JSON.stringify([programs, configureOptions, linkFlags])

export interface Compile {
  /** Holds `source`; gets `build`, `logs` and `modules`. */
  folder: string
  /** Where the answers of configure are kept between builds with the same source and compiler. */
  configureCache: string
  say(text: string): void
}

/** Answers the folder with one .wasm per module. */
export async function compile({ folder, configureCache, say }: Compile): Promise<string> {
  const build = join(folder, 'build')
  const logs = join(folder, 'logs')
  const modules = join(folder, 'modules')
  for (const path of [build, logs, modules]) await mkdir(path, { recursive: true })
  const env = {
    LC_ALL: 'C',
    // Debian's emcc looks for /usr/bin/node and for acorn among Debian's own packages.
    EM_NODE_JS: process.execPath,
    NODE_PATH: '/usr/share/nodejs',
    SOURCE_DATE_EPOCH: '1',
  }
  const jobs = `-j${Math.max(2, availableParallelism())}`
  const step = (name: string) => ({ name, folder: build, logs, env })

  say('configuring (the longest step, on one processor)')
  await copyFile(configureCache, join(build, 'config.cache')).catch(() => {})
  const configure = ['../source/configure', '--cache-file=config.cache', ...configureOptions]
  await runStep(step('configure'), 'emconfigure', configure)
  await keep(join(build, 'config.cache'), configureCache)

  say('compiling the libraries')
  await runStep(step('libraries'), 'emmake', ['make', jobs, 'libs'])
  for (const [index, [inside, name]] of programs.entries()) {
    say(`compiling ${name} (${index + 1} of ${programs.length + 1})`)
    await runStep(step(name), 'emmake', ['make', jobs, '-C', inside, `LDFLAGS=${linkFlags.join(' ')}`, name])
    await copyFile(join(build, inside, `${name}.wasm`), join(modules, `${name}.wasm`))
  }
  say('compiling ext-files')
  for (const name of ownSources) await copyFile(join(here, name), join(build, name))
  const own = ownSources.filter((name) => name.endsWith('.c'))
  await runStep(step('ext-files'), 'emcc', [
    ...['-std=gnu17', '-Wall', '-Wextra', '-Werror'],
    ...linkFlags.filter((flag) => flag !== '-sEXIT_RUNTIME=1'),
    ...['--no-entry', '-sEXPORTED_FUNCTIONS=_malloc,_free'],
    // The library's headers are not held to our warnings.
    ...['-isystem', '../source/lib', '-isystem', 'lib'],
    ...own,
    ...['lib/libext2fs.a', 'lib/libcom_err.a', '-o', 'ext-files.js'],
  ])
  await copyFile(join(build, 'ext-files.wasm'), join(modules, 'ext-files.wasm'))
  return modules
}

async function keep(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true })
  const unfinished = `${to}.${process.pid}`
  await copyFile(from, unfinished)
  await rename(unfinished, to)
}
