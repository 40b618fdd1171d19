/** A tree of files that is told folder by folder, and which of them are ticked. A folder's tick is that of all in it, unless some of it has one of its own. */

export interface TreeEntry {
  /** Of the whole tree, with "/" between names: what is above is found by it. */
  path: string
  name: string
  kind: 'folder' | 'file' | 'deleted' | 'other'
  /** Null where that is not known. */
  sizeBytes: number | null
  files: number
  /** What it is, for a top folder. */
  note?: string | null
  /** Of the note and the problem, where it is not the interface's own. */
  language?: string | undefined
  /** Why it cannot be ticked. */
  problem?: string | null
}

export interface TreeFolder {
  entries: TreeEntry[]
  /** There is more in it: single entries of it cannot be ticked. */
  truncated: boolean
}

export type Folders = Readonly<Record<string, TreeFolder>>
/** Where a tick, or its absence, begins. No entry says what its folder says already. */
export type Ticks = ReadonlyMap<string, boolean>
export type Tick = boolean | 'mixed'

export function parentOf(path: string): string | null {
  const slash = path.lastIndexOf('/')
  return slash > 0 ? path.slice(0, slash) : null
}

function inherited(ticks: Ticks, path: string | null): boolean {
  for (let at = path; at !== null; at = parentOf(at)) {
    const own = ticks.get(at)
    if (own !== undefined) return own
  }
  return false
}

export function tickOf(ticks: Ticks, path: string): Tick {
  for (const below of ticks.keys()) if (below.startsWith(`${path}/`)) return 'mixed'
  return inherited(ticks, path)
}

/** What is not whole is ticked first. Folders above become whole, or empty, with their last entry. */
export function toggled(ticks: Ticks, path: string, folders: Folders): Ticks {
  let now = ticked(ticks, path, tickOf(ticks, path) !== true)
  for (let above = parentOf(path); above !== null; above = parentOf(above)) {
    const entries = folders[above]?.entries ?? []
    const [first, ...others] = new Set(entries.map((entry) => tickOf(now, entry.path)))
    if (first === undefined || first === 'mixed' || others.length > 0) break
    now = ticked(now, above, first)
  }
  return now
}

function ticked(ticks: Ticks, path: string, tick: boolean): Ticks {
  const now = new Map([...ticks].filter(([one]) => one !== path && !one.startsWith(`${path}/`)))
  if (inherited(now, parentOf(path)) !== tick) now.set(path, tick)
  return now
}

/** The fewest paths that say what is ticked: a folder stands for all in it. */
export function tickedPaths(ticks: Ticks, roots: readonly string[], folders: Folders): string[] {
  return roots.flatMap((path) => {
    const tick = tickOf(ticks, path)
    if (tick !== 'mixed') return tick ? [path] : []
    return tickedPaths(
      ticks,
      (folders[path]?.entries ?? []).map((entry) => entry.path),
      folders,
    )
  })
}

export interface TreeRow {
  entry: TreeEntry
  level: number
  /** Among those of its folder, from 1 on. */
  position: number
  size: number
  /** Its folder is not told whole. */
  isTogether: boolean
}

/** What is to be seen, from top to bottom. */
export function treeRows(entries: readonly TreeEntry[], open: ReadonlySet<string>, folders: Folders): TreeRow[] {
  const rows: TreeRow[] = []
  const add = (of: readonly TreeEntry[], level: number, isTogether: boolean) => {
    for (const [index, entry] of of.entries()) {
      rows.push({ entry, level, position: index + 1, size: of.length, isTogether })
      const folder = open.has(entry.path) ? folders[entry.path] : undefined
      if (folder) add(folder.entries, level + 1, folder.truncated)
    }
  }
  add(entries, 1, false)
  return rows
}
