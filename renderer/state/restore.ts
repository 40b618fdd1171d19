/** Putting back what an archive holds: the archive that is open to choose from, and what of it is ticked. */
import { create } from 'zustand'
import type { ArchiveLook, ErrorValue, Report } from '../../native-helpers/contract.ts'
import { ask } from './connection.ts'
import { type Folders, type Ticks, tickedPaths, toggled } from './file-tree.ts'
import type { Wish } from './planning.ts'

export interface RestoreWish {
  file: string
  look: ArchiveLook | null
  error: ErrorValue | null
  folders: Folders
  ticks: Ticks
  withKernel: boolean
}

interface RestoreState {
  wish: RestoreWish | null
  /** Everything in it is ticked at first. */
  open(file: string): Promise<void>
  close(): void
  loadFolder(folder: string): Promise<void>
  toggle(path: string): void
  setWithKernel(withKernel: boolean): void
}

/** Of this window alone. */
const session = crypto.randomUUID()

export const useRestore = create<RestoreState>()((set, get) => {
  let opened = 0
  const ticket = () => `archive ${session} ${opened}`
  const change = (changes: (wish: RestoreWish) => Partial<RestoreWish>) =>
    set(({ wish }) => (wish === null ? {} : { wish: { ...wish, ...changes(wish) } }))
  return {
    wish: null,
    async open(file) {
      get().close()
      const turn = ++opened
      set({ wish: { file, look: null, error: null, folders: {}, ticks: new Map(), withKernel: false } })
      const outcome = await ask('archive.open', { file, ticket: ticket() })
      if (turn !== opened) {
        if (outcome.ok) void ask('archive.close', { archiveId: outcome.value.archiveId })
        return
      }
      if (!outcome.ok) return change(() => ({ error: outcome.error }))
      const look = outcome.value
      change(() => ({ look, ticks: new Map(look.roots.filter(isFiles).map(({ path }) => [path, true])) }))
    },
    close() {
      const { wish } = get()
      if (wish?.look) void ask('archive.close', { archiveId: wish.look.archiveId })
      else if (wish && !wish.error) void ask('changes.stop', { ticket: ticket() })
      opened += 1
      set({ wish: null })
    },
    async loadFolder(folder) {
      const archiveId = get().wish?.look?.archiveId
      if (archiveId === undefined) return
      const outcome = await ask('archive.folder', { archiveId, folder })
      if (get().wish?.look?.archiveId !== archiveId) return
      if (outcome.ok) change(({ folders }) => ({ folders: { ...folders, [folder]: outcome.value } }))
      else change(() => ({ error: outcome.error }))
    },
    toggle: (path) => change(({ ticks, folders }) => ({ ticks: toggled(ticks, path, folders) })),
    setWithKernel: (withKernel) => change(() => ({ withKernel })),
  }
})

/** What Livecard keeps in an archive beside the files is none of them. */
export function isFiles({ path }: { path: string }): boolean {
  return path !== 'kernel' && path !== '.livecard'
}

/** `whole`: what is put back becomes as it was saved. `part`: it is put over what is there. Null: nothing is ticked. */
export function restoreChoice({
  file,
  look,
  ticks,
  folders,
  withKernel,
}: RestoreWish): { wish: Wish; scope: 'whole' | 'part' } | null {
  if (look === null) return null
  const roots = look.roots.filter(isFiles).map(({ path }) => path)
  const paths = tickedPaths(ticks, roots, folders)
  const kernel: Wish = withKernel && look.saved?.hasKernel ? { kernel: 'yes' } : {}
  if (paths.length === 0) return null
  if (paths.length === roots.length && paths.every((path) => roots.includes(path)))
    return { wish: { file, ...kernel }, scope: 'whole' }
  const [only, ...others] = paths
  // One part of several, whole: it too becomes as it was saved.
  if (look.saved && only !== undefined && others.length === 0 && roots.includes(only))
    return { wish: { file, what: only, ...kernel }, scope: 'whole' }
  return { wish: { file, only: paths.join('\n'), ...kernel }, scope: 'part' }
}

/** In what the card is another one than that which was saved. */
export function misfitsOf({ saved }: ArchiveLook, report: Report | null): { system: string | null; kernels: string[] } {
  if (!saved || !report) return { system: null, kernels: [] }
  const here = new Set(report.kernels.flatMap(({ version }) => version ?? []))
  return {
    system: report.system !== null && report.system.id !== saved.system.id ? saved.system.name : null,
    kernels: here.size === 0 ? [] : saved.kernels.filter((version) => !here.has(version)),
  }
}
