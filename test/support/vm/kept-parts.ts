import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { cacheFolder } from '../../../build/cache-folder.ts'

const exec = promisify(execFile)

export interface Recipe {
  kind: string
  /** Names and versions of what it is made of. */
  versions: string[]
  /** The files of this folder that say how. */
  scripts: string[]
  /** Leaves what is to be kept in `work/kept`. */
  make(work: string): Promise<void>
}

/** A folder of files that are made once for each state of their recipe, and kept outside of the checkout. Throws what went wrong. */
export async function keptParts({ kind, versions, scripts, make }: Recipe): Promise<string> {
  const texts = await Promise.all([...scripts, 'kept-parts.ts'].map((name) => readFile(scriptPath(name), 'utf8')))
  const key = createHash('sha256').update([...versions, ...texts].join('\0'))
  const kept = join(cacheFolder(), 'guests', `${kind}-${key.digest('hex').slice(0, 24)}`)
  if (existsSync(kept)) {
    await utimes(kept, new Date(), new Date())
    return kept
  }
  const work = await mkdtemp(join(tmpdir(), `livecard-${kind}-`))
  try {
    await make(work)
    await mkdir(dirname(kept), { recursive: true })
    // Another run may have been faster; what it left is the same.
    const ours = `${kept}.${process.pid}`
    await exec('cp', ['-r', join(work, 'kept'), ours])
    await rename(ours, kept).catch(() => rm(ours, { recursive: true, force: true }))
    await forgetOld(dirname(kept))
    return kept
  } finally {
    await rm(work, { recursive: true, force: true, maxRetries: 3 })
  }
}

export function scriptPath(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url))
}

const keptMs = 14 * 24 * 3600 * 1000

/** Each new kernel brings another folder of 80 MB. */
async function forgetOld(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const { mtimeMs } = await stat(join(folder, name))
    if (Date.now() - mtimeMs > keptMs) await rm(join(folder, name), { recursive: true, force: true })
  }
}
