import type { Dirent } from 'node:fs'
import { readdir, readFile, realpath, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { basename, dirname, isAbsolute, join } from 'node:path'
import type { Answer } from '../contract.ts'
import { LivecardError, systemCode } from '../errors.ts'

type Browsed = Answer<'images.browse'>
type Entry = Browsed['entries'][number]
type Place = Browsed['places'][number]

/** A dialog with more lines than this helps nobody; the answer says that it was cut. */
const maxEntries = 2000
/** How many names are looked at in parallel: enough for a slow medium, few enough for its file descriptors. */
const statsAtOnce = 32

/** Only for the picture beside a name: what a file really is, is decided by its content when it is chosen. */
const imageName = /\.(img|iso|raw|bin|wic|sdcard|hddimg|rpi-sdimg|dd|gz|bz2|xz|zst|zstd|zip)$/i

/** The folders and files of one folder, for choosing an image where the interface has no file dialog of its own. Reads names only. */
export async function browse(folder: string | null): Promise<Browsed> {
  const wanted = folder ?? homedir()
  if (!isAbsolute(wanted)) throw notReadable(wanted, 'ENOENT')
  const found = await readFolder(wanted)
  const visible = found.names.filter((entry) => !entry.name.startsWith('.'))
  const sorted = visible.sort((a, b) => rank(a) - rank(b) || byName(a.name, b.name))
  const shown = sorted.slice(0, maxEntries)
  const entries = await inBatches(shown, statsAtOnce, (entry) => describe(found.path, entry))
  const known = entries.filter((entry) => entry !== null)
  // A link to a folder is known as one only after the look at its target, so the order is made anew.
  known.sort((a, b) => Number(b.kind === 'folder') - Number(a.kind === 'folder') || byName(a.name, b.name))
  return {
    folder: found.path,
    parent: dirname(found.path) === found.path ? null : dirname(found.path),
    places: await places(),
    entries: known,
    truncated: sorted.length > maxEntries,
  }
}

async function readFolder(wanted: string): Promise<{ path: string; names: Dirent[] }> {
  try {
    const path = await realpath(wanted)
    return { path, names: await readdir(path, { withFileTypes: true }) }
  } catch (thrown) {
    throw notReadable(wanted, systemCode(thrown), thrown)
  }
}

function notReadable(folder: string, code: string | null, cause?: unknown): LivecardError {
  const why: Record<string, string> = {
    ENOENT: 'there is no such folder',
    ENOTDIR: 'it is not a folder',
    EACCES: 'this user may not read it',
    EPERM: 'this user may not read it',
    ELOOP: 'its links lead in a circle',
  }
  return new LivecardError(
    'failed',
    'folder-not-readable',
    {
      message: `The folder ${folder} cannot be shown: ${(code && why[code]) ?? code ?? 'the system gives no reason'}.`,
      meaning: 'Nothing was changed; it was only to be looked at.',
      next: 'Choose another folder, or copy the image to one that you can read.',
    },
    cause,
  )
}

/** Links are followed, as file dialogs do; what is neither file nor folder, or is gone by now, is left out. */
async function describe(folder: string, entry: Dirent): Promise<Entry | null> {
  const path = join(folder, entry.name)
  try {
    const facts = await stat(path)
    const modifiedAt = Math.max(0, Math.trunc(facts.mtimeMs))
    if (facts.isDirectory()) return { name: entry.name, path, kind: 'folder', sizeBytes: null, modifiedAt }
    if (!facts.isFile()) return null
    return { name: entry.name, path, kind: imageName.test(entry.name) ? 'image' : 'other', sizeBytes: facts.size, modifiedAt }
  } catch {
    return null
  }
}

function rank(entry: Dirent): number {
  if (entry.isDirectory()) return 0
  return imageName.test(entry.name) ? 1 : 2
}

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' })
const byName = (a: string, b: string) => collator.compare(a, b)

async function inBatches<A, B>(items: A[], size: number, work: (item: A) => Promise<B>): Promise<B[]> {
  const done: B[] = []
  for (let start = 0; start < items.length; start += size) {
    done.push(...(await Promise.all(items.slice(start, start + size).map(work))))
  }
  return done
}

async function places(): Promise<Place[]> {
  const home = homedir()
  const candidates = [
    { name: 'Home', path: home },
    { name: 'Downloads', path: await downloads(home) },
    ...(await mountedMedia()),
    ...(process.platform === 'win32' ? [] : [{ name: 'Computer', path: '/' }]),
  ]
  const folders = await inBatches(candidates, statsAtOnce, async (place) => ((await isFolder(place.path)) ? place : null))
  const seen = new Set<string>()
  return folders.filter((place) => {
    if (place === null || seen.has(place.path)) return false
    seen.add(place.path)
    return true
  }) as Place[]
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (facts) => facts.isDirectory(),
    () => false,
  )
}

/** xdg-user-dirs: the folder has a translated name on many desktops, and `~/.config/user-dirs.dirs` says which. */
async function downloads(home: string): Promise<string> {
  const config = process.env.XDG_CONFIG_HOME ?? join(home, '.config')
  const text = await readFile(join(config, 'user-dirs.dirs'), 'utf8').catch(() => '')
  const named = /^XDG_DOWNLOAD_DIR="(.+)"$/m.exec(text)?.[1]?.replace(/^\$HOME(?=\/|$)/, home)
  return named && isAbsolute(named) && named !== home ? named : join(home, 'Downloads')
}

/** Where desktops mount sticks: udisks under /media or /run/media, macOS under /Volumes, Windows as drive letters. */
async function mountedMedia(): Promise<Place[]> {
  if (process.platform === 'win32') {
    return Array.from({ length: 26 }, (_, index) => `${String.fromCharCode(0x41 + index)}:\\`).map((path) => ({ name: path, path }))
  }
  if (process.platform === 'darwin') return namedFolders('/Volumes')
  const mounts = await readFile('/proc/self/mounts', 'utf8').catch(() => '')
  return mounts
    .split('\n')
    .map((line) => unescapeMount(line.split(' ')[1] ?? ''))
    .filter((path) => /^\/(media|run\/media|mnt)\/./.test(path) || path === '/mnt')
    .map((path) => ({ name: basename(path), path }))
}

async function namedFolders(folder: string): Promise<Place[]> {
  const names = await readdir(folder).catch(() => [])
  return names.map((name) => ({ name, path: join(folder, name) }))
}

/** proc(5): space, tab, newline and backslash stand as octal escapes in a mount's path. */
function unescapeMount(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
}
