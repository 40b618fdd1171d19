/** Changes of cards that run or ended in this session, and the undo files that take them back. */
import { create } from 'zustand'
import type { Change, ErrorValue, UndoFileFacts } from '../../native-helpers/contract.ts'
import { useCards } from './cards.ts'
import { ask } from './connection.ts'
import { driveAt } from './drives.ts'

/** A change that ran when the helper was lost, kept over a reload so that it is not lost silently. */
export type InterruptedChange = Pick<Change, 'id' | 'job' | 'label'>

interface ChangesState {
  changes: Record<string, Change>
  interrupted: InterruptedChange[]
  undoFiles: UndoFileFacts[]
  undoError: ErrorValue | null
  received(change: Change): void
  listed(changes: readonly Change[]): void
  loadUndoFiles(): Promise<void>
  removeUndoFile(file: string): Promise<void>
  /** The helper is gone: what ran is written down. */
  helperLost(): void
  /** Of what was written down, what the new helper does not know was cut off. */
  knownAgain(changes: readonly Change[]): void
  dismissInterrupted(): void
}

const storageName = 'livecard-interrupted-changes'

export const useChanges = create<ChangesState>()((set, get) => ({
  changes: {},
  interrupted: [],
  undoFiles: [],
  undoError: null,
  received(change) {
    set(({ changes }) => ({ changes: { ...changes, [change.id]: change } }))
    if (change.state === 'running') return
    const { known, forget } = useCards.getState()
    const drive = driveAt(change.path)
    // A drive that went away meanwhile is not to stand among the files.
    if (change.report && (drive !== null || change.report.target.kind !== 'drive')) known(change.path, drive, change.report)
    else forget(change.path)
    void get().loadUndoFiles()
  },
  listed: (list) =>
    set(({ changes }) => ({ changes: { ...changes, ...Object.fromEntries(list.map((change) => [change.id, change])) } })),
  async loadUndoFiles() {
    const outcome = await ask('undo.list', {})
    set(outcome.ok ? { undoFiles: outcome.value, undoError: null } : { undoError: outcome.error })
  },
  async removeUndoFile(file) {
    const outcome = await ask('undo.remove', { file })
    if (!outcome.ok) return set({ undoError: outcome.error })
    await get().loadUndoFiles()
  },
  helperLost() {
    const running = runningChanges(get().changes).map(({ id, job, label }) => ({ id, job, label }))
    if (running.length > 0) sessionStorage.setItem(storageName, JSON.stringify(running))
  },
  knownAgain(changes) {
    const written = sessionStorage.getItem(storageName)
    if (!written) return
    const known = new Set(changes.map((change) => change.id))
    set({ interrupted: (JSON.parse(written) as InterruptedChange[]).filter((change) => !known.has(change.id)) })
  },
  dismissInterrupted() {
    sessionStorage.removeItem(storageName)
    set({ interrupted: [] })
  },
}))

export function runningChanges(changes: Record<string, Change>): Change[] {
  return Object.values(changes)
    .filter((change) => change.state === 'running')
    .sort((a, b) => b.startedAt - a.startedAt)
}

/** The newest change of a card that began while it was there (`since`); an older one was of another card in the same reader. */
export function changeOnPath(changes: Record<string, Change>, path: string, since: number): Change | null {
  const ofIt = Object.values(changes).filter(
    (change) => change.path === path && (change.state === 'running' || change.startedAt >= since),
  )
  return ofIt.reduce<Change | null>((newest, one) => (newest === null || one.startedAt > newest.startedAt ? one : newest), null)
}

/** 0 … 1 of what is to be written; null while that is not known yet, as before the first byte the card is read once more. */
export function changeFraction({ doneBytes, totalBytes }: Pick<Change, 'doneBytes' | 'totalBytes'>): number | null {
  return totalBytes === 0 ? null : doneBytes / totalBytes
}

export type Stage = 'reading' | 'keeping' | 'writing' | 'looking'

/**
 * Where a change is, and how much of that stage is done. Before the first byte is written the card is compared with the plan; after the last it is looked
 * at. What stands on the card is kept first, byte for byte what is then written, and counts as much; a taking-back keeps nothing.
 */
export function amountOf({ job, doneBytes, totalBytes }: Pick<Change, 'job' | 'doneBytes' | 'totalBytes'>): {
  stage: Stage
  doneBytes: number
  totalBytes: number
} {
  const keepBytes = job === 'undo' ? 0 : totalBytes / 2
  const writeBytes = totalBytes - keepBytes
  if (totalBytes === 0) return { stage: 'reading', doneBytes: 0, totalBytes: 0 }
  if (doneBytes < keepBytes) return { stage: 'keeping', doneBytes, totalBytes: keepBytes }
  const stage = doneBytes < totalBytes ? 'writing' : 'looking'
  return { stage, doneBytes: doneBytes - keepBytes, totalBytes: writeBytes }
}

/** What reached the card, of a change that has ended. */
export function writtenBytes(change: Pick<Change, 'job' | 'doneBytes' | 'totalBytes'>): number {
  const { stage, doneBytes } = amountOf(change)
  return stage === 'writing' || stage === 'looking' ? doneBytes : 0
}
