/** Saving what is on cards: the looks at them that are kept open to choose from, and the archives that are made or were made in this session. */
import { create } from 'zustand'
import type { BackupJob, BackupLook, BackupPart, ErrorValue } from '../../native-helpers/contract.ts'
import { ask } from './connection.ts'
import { type Folders, type Ticks, type TreeEntry, tickedPaths, toggled } from './file-tree.ts'
import { baseOf } from './planning.ts'

/** A card that is looked at, and what of it is ticked. */
export interface BackupWish {
  path: string
  look: BackupLook | null
  error: ErrorValue | null
  folders: Folders
  ticks: Ticks
  withKernel: boolean
  /** An earlier archive, of which only what differs is saved. */
  since: string | null
}

interface BackupState {
  wish: BackupWish | null
  jobs: Record<string, BackupJob>
  /** Opens a card to choose from; another one that was open is closed. `begins`: with the parts ticked that are saved when nobody chooses, or with nothing. */
  open(path: string, begins?: 'ticked' | 'empty'): Promise<void>
  close(): void
  loadFolder(folder: string): Promise<void>
  toggle(path: string): void
  choose(changes: Partial<Pick<BackupWish, 'withKernel' | 'since'>>): void
  received(job: BackupJob): void
  listed(jobs: readonly BackupJob[]): void
}

export const useBackup = create<BackupState>()((set, get) => {
  let opened = 0
  const change = (changes: (wish: BackupWish) => Partial<BackupWish>) =>
    set(({ wish }) => (wish === null ? {} : { wish: { ...wish, ...changes(wish) } }))
  return {
    wish: null,
    jobs: {},
    async open(path, begins = 'ticked') {
      get().close()
      const turn = ++opened
      const nothing = { look: null, error: null, folders: {}, ticks: new Map(), withKernel: false, since: null }
      set({ wish: { path, ...nothing } })
      const outcome = await ask('backup.open', { path, base: baseOf(path) })
      if (turn !== opened) {
        if (outcome.ok) void ask('backup.close', { backupId: outcome.value.backupId })
        return
      }
      if (!outcome.ok) return change(() => ({ error: outcome.error }))
      const look = outcome.value
      const ticks = new Map(begins === 'ticked' ? defaultsOf(look).map((what) => [what, true]) : [])
      change(() => ({ look, ticks, withKernel: look.hasKernel }))
    },
    close() {
      opened += 1
      const backupId = get().wish?.look?.backupId
      if (backupId !== undefined) void ask('backup.close', { backupId })
      set({ wish: null })
    },
    async loadFolder(folder) {
      const backupId = get().wish?.look?.backupId
      if (backupId === undefined) return
      const outcome = await ask('backup.folder', { backupId, folder })
      if (get().wish?.look?.backupId !== backupId) return
      if (outcome.ok) change(({ folders }) => ({ folders: { ...folders, [folder]: outcome.value } }))
      else change(() => ({ error: outcome.error }))
    },
    toggle: (path) => change(({ ticks, folders }) => ({ ticks: toggled(ticks, path, folders) })),
    choose: (changes) => change(() => changes),
    received: (job) => set(({ jobs }) => ({ jobs: { ...jobs, [job.id]: job } })),
    listed: (list) => set({ jobs: Object.fromEntries(list.map((job) => [job.id, job])) }),
  }
})

function defaultsOf({ parts }: BackupLook): string[] {
  return parts.filter(({ isDefault, problem }) => isDefault && problem === null).map(({ what }) => what)
}

/** A part of a card as the top of a tree, in the words of the interface. */
export function partEntry(
  { what, canChoose }: BackupPart,
  words: Pick<TreeEntry, 'name' | 'note' | 'problem' | 'language'>,
): TreeEntry {
  return { path: what, kind: canChoose ? 'folder' : 'other', sizeBytes: null, files: 0, ...words }
}

/** In the words of the contract; null where nothing is ticked. Whole parts need no paths. */
export function choiceOf({ look, ticks, folders, withKernel, since }: BackupWish) {
  if (look === null) return null
  const paths = tickedPaths(
    ticks,
    look.parts.map(({ what }) => what),
    folders,
  )
  const what = look.parts
    .map((part) => part.what)
    .filter((part) => paths.some((path) => path === part || path.startsWith(`${part}/`)))
  if (what.length === 0) return null
  const only = paths.every((path) => what.includes(path)) ? [] : paths
  return { backupId: look.backupId, what, only, withKernel: withKernel && look.hasKernel, since }
}

export function runningBackups(jobs: Record<string, BackupJob>): BackupJob[] {
  return Object.values(jobs).filter((job) => job.state === 'running')
}

/** 0 … 1; null while nothing is known of how much there is. */
export function backupFraction({ doneBytes, totalBytes, doneFiles, totalFiles }: BackupJob): number | null {
  if (totalBytes > 0) return doneBytes / totalBytes
  return totalFiles > 0 ? doneFiles / totalFiles : null
}
