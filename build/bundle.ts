/** Bundles the app into dist/: shell, interface, helper with its worker threads, command line. `npm start` builds only when something changed. */
import { createHash } from 'node:crypto'
import {
  chmodSync,
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type BuildOptions, build, type Metafile } from 'esbuild'

const top = fileURLToPath(new URL('..', import.meta.url))
const dist = join(top, 'dist')
const stampName = '.built.json'

/** Packages that load a native addon or a .wasm file of their own: not bundled, found in node_modules when they run. */
export const nativePackages = ['drivelist', 'node-liblzma']

/** What else is started or loaded by its name: worker threads, and devices that another thread opens for itself (`ModuleSpec` of block/spec.ts). */
const entries = ['native-helpers/**/*-worker.ts', 'native-helpers/volumes/squashfs/file-in-image.ts']

interface Stamp {
  production: boolean
  key: string
  /** Every file that went in. */
  inputs: string[]
}

export interface BundleOptions {
  /** Minified, for packages; else readable and built only when something changed. Both have source maps. */
  production: boolean
}

export async function bundle({ production }: BundleOptions): Promise<void> {
  if (!production && isFresh()) return
  const started = performance.now()
  const workers = globSync(entries, { cwd: top }).sort()
  // Built beside it and moved: a page or helper that is starting meets the old files or the new ones, never half of them.
  const cache = join(top, 'node_modules', '.cache', 'livecard')
  mkdirSync(cache, { recursive: true })
  const scratch = mkdtempSync(join(cache, 'bundle-'))
  chmodSync(scratch, 0o755)
  try {
    // All are waited for, also when one fails: the others still write.
    const builds = await Promise.allSettled(rooms(scratch, production, workers).map((options) => build(options)))
    const metafiles = builds.map((outcome) => {
      if (outcome.status === 'rejected') throw outcome.reason
      return outcome.value
    })
    copyFiles(scratch)
    const inputs = [...metafiles.flatMap(({ metafile }) => inputsOf(metafile)), ...copied.map(([from]) => from), 'build/bundle.ts']
    const stamp: Stamp = { production, inputs: [...new Set(inputs)].sort(), key: '' }
    writeFileSync(join(scratch, stampName), JSON.stringify({ ...stamp, key: keyOf(stamp.inputs) }))
    rmSync(dist, { recursive: true, force: true })
    renameSync(scratch, dist)
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
  process.stderr.write(`built dist/ in ${((performance.now() - started) / 1000).toFixed(1)} s\n`)
}

/** One build per runtime, because each understands another language level and another kind of module. */
function rooms(folder: string, production: boolean, workers: string[]): (BuildOptions & { metafile: true })[] {
  const common = {
    absWorkingDir: top,
    bundle: true,
    metafile: true,
    minify: production,
    sourcemap: true,
    logLevel: 'warning',
    legalComments: 'none',
    define: { 'process.env.NODE_ENV': production ? '"production"' : '"development"' },
  } as const
  return [
    {
      ...common,
      entryPoints: { main: 'electron/main.ts', preload: 'electron/preload.ts' },
      outdir: join(folder, 'electron'),
      outExtension: { '.js': '.cjs' },
      platform: 'node',
      format: 'cjs',
      // The development runtime may be Electron 22, whose Node is 16.
      target: 'node16',
      external: ['electron'],
    },
    {
      ...common,
      entryPoints: { app: 'renderer/main.tsx' },
      outdir: join(folder, 'renderer'),
      platform: 'browser',
      format: 'esm',
      target: 'chrome108',
    },
    {
      ...common,
      // The command line is built among the helper's files, because it starts the same worker threads; dist/cli/livecard.js leads to it.
      entryPoints: { main: 'native-helpers/main.ts', livecard: 'native-helpers/cli/main.ts', ...named(workers) },
      outdir: join(folder, 'helper'),
      platform: 'node',
      format: 'esm',
      target: 'node24',
      splitting: true,
      chunkNames: 'shared-[hash]',
      external: nativePackages,
      // Packages in the older module format ask for `require`.
      banner: {
        js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
      },
    },
  ]
}

function named(paths: string[]): Record<string, string> {
  return Object.fromEntries(paths.map((path) => [basename(path, '.ts'), path]))
}

const copied: [from: string, to: string][] = [
  ['renderer/index.html', 'renderer/index.html'],
  ['build/icons/livecard.svg', 'renderer/icon.svg'],
  ['build/icons/128x128.png', 'electron/icon.png'],
]

function copyFiles(folder: string): void {
  for (const [from, to] of copied) cpSync(join(top, from), join(folder, to))
  mkdirSync(join(folder, 'cli'))
  writeFileSync(join(folder, 'cli', 'livecard.js'), "#!/usr/bin/env node\nimport '../helper/livecard.js'\n", { mode: 0o755 })
}

function inputsOf(metafile: Metafile): string[] {
  return Object.keys(metafile.inputs).filter((path) => !path.includes(':'))
}

function isFresh(): boolean {
  try {
    const stamp = JSON.parse(readFileSync(join(dist, stampName), 'utf8')) as Stamp
    return existsSync(join(dist, 'electron', 'main.cjs')) && stamp.key === keyOf(stamp.inputs)
  } catch {
    return false
  }
}

/** Names, sizes and times, which is what tells a change within milliseconds; a new worker is in none of the inputs yet. */
function keyOf(inputs: string[]): string {
  const hash = createHash('sha256')
  for (const path of [...inputs, ...globSync(entries, { cwd: top }).sort()]) {
    const { size, mtimeMs } = statSync(join(top, path))
    hash.update(`${path} ${size} ${mtimeMs}\n`)
  }
  return hash.digest('hex')
}

if (import.meta.main) await bundle({ production: !process.argv.includes('--dev') })
