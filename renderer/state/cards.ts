/** What was seen on cards, image files and folders in this session, and what is being looked at now. */
import { create } from 'zustand'
import type { Drive, ErrorValue, Report } from '../../native-helpers/contract.ts'
import { ask } from './connection.ts'
import { driveKey } from './drives.ts'
import { useRecent } from './recent.ts'

export interface SeenCard {
  path: string
  /** The system image that an overlay given alone belongs to. */
  base: string | null
  state: 'looking' | 'known' | 'failed' | 'stopped'
  /** The last one; it stays while a new look runs or has failed. */
  report: Report | null
  /** When the report came. */
  seenAt: number
  /** The drive as it was then; null for files and folders. */
  drive: Drive | null
  error: ErrorValue | null
  /** Counts the looks: only the last one has the word. */
  looks: number
}

interface CardsState {
  cards: Record<string, SeenCard>
  /** `drive`: what is known of the drive at the path, null for a file or folder. */
  look(path: string, drive: Drive | null, base?: string | null): Promise<void>
  /** The answer is not waited for any more, and the helper stops reading. */
  stop(path: string): void
  /** A report that came without a look, as after a change. */
  known(path: string, drive: Drive | null, report: Report): void
  forget(path: string): void
}

export const useCards = create<CardsState>()((set, get) => {
  const change = (path: string, changes: Partial<SeenCard>) =>
    set(({ cards }) => {
      const card = cards[path]
      return card ? { cards: { ...cards, [path]: { ...card, ...changes } } } : {}
    })

  return {
    cards: {},
    async look(path, drive, base = get().cards[path]?.base ?? null) {
      const before = get().cards[path]
      const looks = (before?.looks ?? 0) + 1
      if (before?.state === 'looking') void ask('cards.stop', { ticket: ticketOf(path, before.looks) })
      // What was on another card in the same reader is nothing that this look could come after.
      const isSame = before !== undefined && before.base === base && keyOf(before.drive) === keyOf(drive)
      const report = isSame ? before.report : null
      const seenAt = before?.seenAt ?? 0
      set(({ cards }) => ({
        cards: { ...cards, [path]: { path, base, state: 'looking', report, seenAt, drive, error: null, looks } },
      }))
      const outcome = await ask('cards.inspect', { path, base, ticket: ticketOf(path, looks) })
      if (get().cards[path]?.looks !== looks) return
      if (!outcome.ok) return change(path, { state: 'failed', error: outcome.error })
      change(path, { state: 'known', report: outcome.value, seenAt: Date.now() })
      if (drive === null) useRecent.getState().add({ path, base })
    },
    stop(path) {
      const card = get().cards[path]
      if (card?.state !== 'looking') return
      void ask('cards.stop', { ticket: ticketOf(path, card.looks) })
      change(path, { state: card.report === null ? 'stopped' : 'known', looks: card.looks + 1 })
    },
    known(path, drive, report) {
      const before = get().cards[path]
      const [base, looks] = [before?.base ?? null, (before?.looks ?? 0) + 1]
      const card: SeenCard = { path, base, state: 'known', report, seenAt: Date.now(), drive, error: null, looks }
      set(({ cards }) => ({ cards: { ...cards, [path]: card } }))
    },
    forget: (path) => set(({ cards }) => ({ cards: Object.fromEntries(Object.entries(cards).filter(([one]) => one !== path)) })),
  }
})

/** Of this window alone: another may look at the same path. */
const session = crypto.randomUUID()

function ticketOf(path: string, looks: number): string {
  return `${session} ${looks} ${path}`
}

/** What was seen of a drive, as long as the same card is in it. */
export function seenOnDrive(cards: Record<string, SeenCard>, drive: Drive): SeenCard | null {
  const card = cards[drive.identity.path]
  return card !== undefined && keyOf(card.drive) === keyOf(drive) ? card : null
}

function keyOf(drive: Drive | null): string | null {
  return drive && driveKey(drive)
}
