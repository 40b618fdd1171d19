/** Finds the Electron that opens the app from a checkout. For development and tests; a package for users carries its own. */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, statSync } from 'node:fs'
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { cacheFolder } from './cache-folder.ts'
import { debianPackages } from './debian-packages.ts'
import { fallbackRuntime } from './electron-fallback.ts'
import { installDebian, say } from './setup.ts'

export interface ElectronRuntime {
  /** Holds the program `electron`; fit for ELECTRON_OVERRIDE_DIST_PATH and for electron-builder's electronDist. */
  folder: string
  version: string
  /** declared: what package.json names. fallback: an older one from another source, checked file by file. */
  kind: 'declared' | 'fallback'
}

/** A download that brings no new byte for this long counts as a closed network; one that moves may take its time. */
const stallMs = 10_000
const retryAfterMs = 24 * 60 * 60 * 1000

/** The declared Electron where it is there or can be fetched, else the fallback. Throws a message for people when there is neither. */
export async function electronRuntime(): Promise<ElectronRuntime> {
  const declared = declaredElectron()
  const failure = isInstalled(declared) ? null : await fetchDeclared(declared)
  if (failure === null) {
    if (process.platform === 'linux') await installDebian(debianPackages.electron)
    return { folder: declared.folder, version: declared.version, kind: 'declared' }
  }
  if (failure.fresh) say(`Electron ${declared.version} could not be fetched (${failure.reason}); it is tried again after a day`)
  return fallbackRuntime()
}

interface Declared {
  version: string
  installer: string
  folder: string
}

function declaredElectron(): Declared {
  const manifest = createRequire(import.meta.url).resolve('electron/package.json')
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }
  const packageFolder = dirname(manifest)
  return { version, installer: join(packageFolder, 'install.js'), folder: join(packageFolder, 'dist') }
}

/** The installer writes path.txt last, so a download that was cut short does not count. */
function isInstalled({ folder, version }: Declared): boolean {
  try {
    return (
      readFileSync(join(folder, 'version'), 'utf8').replace(/^v/, '').trim() === version &&
      statSync(join(dirname(folder), 'path.txt')).isFile()
    )
  } catch {
    return false
  }
}

/** Null when it is installed now; else why not, and whether that was found out now or is remembered. */
async function fetchDeclared(declared: Declared): Promise<{ reason: string; fresh: boolean } | null> {
  const note = join(cacheFolder(), `electron-${declared.version}-not-fetched`)
  const failedAt = await stat(note).then(
    (found) => found.mtimeMs,
    () => 0,
  )
  if (Date.now() - failedAt < retryAfterMs) return { reason: 'a try of less than a day ago failed', fresh: false }
  say(`fetching Electron ${declared.version}`)
  const reason = await runInstaller(declared.installer)
  if (reason === null && isInstalled(declared)) return null
  await mkdir(dirname(note), { recursive: true })
  await writeFile(note, `${reason}\n`)
  return { reason: reason ?? 'the installer left no program', fresh: true }
}

/** Runs Electron's own installer, which checks the archive against its checksums. Null when it succeeded. */
async function runInstaller(installer: string): Promise<string | null> {
  const scratch = mkdtempSync(join(tmpdir(), 'livecard-electron-'))
  const env = { ...process.env, TMPDIR: scratch, TEMP: scratch, TMP: scratch, ELECTRON_GET_NO_PROGRESS: '1' }
  const child = spawn(process.execPath, [installer], { env, stdio: ['ignore', 'ignore', 'pipe'] })
  let complaint = ''
  child.stderr.on('data', (chunk) => {
    complaint += chunk
  })
  let stalled = false
  let seen = -1
  let movedAt = Date.now()
  const watch = setInterval(async () => {
    const bytes = await folderBytes(scratch)
    if (bytes !== seen) {
      seen = bytes
      movedAt = Date.now()
    } else if (Date.now() - movedAt > stallMs) {
      stalled = true
      child.kill('SIGKILL')
    }
  }, 500)
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', resolve)
    })
    if (stalled) return 'its server does not answer'
    return code === 0 ? null : (complaint.trim().split('\n')[0] ?? `exit code ${code}`)
  } finally {
    clearInterval(watch)
    await rm(scratch, { recursive: true, force: true })
  }
}

async function folderBytes(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true }).catch(() => [])
  const sizes = names.map((name) =>
    stat(join(folder, name)).then(
      (found) => found.size,
      () => 0,
    ),
  )
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}

if (import.meta.main) {
  const runtime = await electronRuntime()
  process.stdout.write(`${JSON.stringify(runtime)}\n`)
}
