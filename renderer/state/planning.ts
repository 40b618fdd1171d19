/** The plan of a change that is being made or read: what was asked for, what came of it, and the yes to it. */
import { create } from 'zustand'
import type { CardPlan, ChangeJobName, Drive, ErrorValue, UndoPlanFacts } from '../../native-helpers/contract.ts'
import { type SeenCard, seenOnDrive, useCards } from './cards.ts'
import { ask } from './connection.ts'
import { driveAt, isDevice } from './drives.ts'
import { useRecent } from './recent.ts'
import { go } from './route.ts'
import { useSettings } from './settings.ts'

/** What a job is asked for, in the words of the contract: "to", "what", "keep" … */
export type Wish = Readonly<Record<string, string>>

/** What a plan is made of: a job on a card, or an undo file and where its card is now (null: where it was). */
export type Planned =
  | { kind: 'change'; job: ChangeJobName; path: string; wish: Wish }
  | { kind: 'undo'; file: string; path: string | null }

export type Planning =
  | { of: Planned; state: 'making' | 'stopped' }
  | { of: Planned; state: 'failed'; error: ErrorValue }
  | { of: Planned; state: 'made'; kind: 'change'; plan: CardPlan }
  | { of: Planned; state: 'made'; kind: 'undo'; plan: UndoPlanFacts }

interface PlanningState {
  planning: Planning | null
  starting: boolean
  startError: ErrorValue | null
  /** Of each job on each card, until it is started. In memory alone: it may hold a password. */
  wishes: Record<string, Wish>
  /** Goes to the plan of a job that was told what to do. */
  wish(job: ChangeJobName, path: string, wish: Wish): void
  /** What was asked for is not to be found again. */
  forget(job: ChangeJobName, path: string): void
  /** The last one asked for is the one that counts. */
  plan(of: Planned): Promise<void>
  /** Ends the making of a plan, if one is being made. */
  stop(): void
  /** Starts the plan with exactly the card that the user saw in it, once: it stays `starting`. Answers the change. */
  start(): Promise<string | null>
}

export const usePlanning = create<PlanningState>()((set, get) => {
  let plansAsked = 0
  return {
    planning: null,
    starting: false,
    startError: null,
    wishes: {},
    wish(job, path, wish) {
      set(({ wishes }) => ({ wishes: { ...wishes, [wishKey(job, path)]: wish } }))
      go({ screen: 'change-plan', job, path })
    },
    forget: (job, path) => set(({ wishes }) => ({ wishes: without(wishes, wishKey(job, path)) })),
    async plan(of) {
      get().stop()
      const turn = ++plansAsked
      set({ planning: { of, state: 'making' }, starting: false, startError: null })
      const isCurrent = () => turn === plansAsked
      const planning = await (of.kind === 'change' ? planChange(of, turn, isCurrent) : planUndo(of))
      if (isCurrent()) set({ planning })
    },
    stop() {
      const { planning } = get()
      if (planning?.state !== 'making') return
      void ask('changes.stop', { ticket: ticketOf(plansAsked) })
      plansAsked += 1
      set({ planning: { of: planning.of, state: 'stopped' } })
    },
    async start() {
      const { planning } = get()
      if (planning?.state !== 'made') return null
      set({ starting: true, startError: null })
      const outcome =
        planning.kind === 'change'
          ? await ask('changes.start', { planId: planning.plan.planId, confirmed: planning.plan.target.path })
          : await ask('undo.start', { planId: planning.plan.planId, confirmed: planning.plan.path })
      if (!outcome.ok) {
        set({ starting: false, startError: outcome.error })
        return null
      }
      const { of } = planning
      if (of.kind === 'change') get().forget(of.job, of.path)
      return outcome.value.changeId
    },
  }
})

/** Null: nobody has said yet what the job is to do. A repair needs no saying. */
export function wishOf(job: ChangeJobName, path: string): Wish | null {
  return usePlanning.getState().wishes[wishKey(job, path)] ?? (job === 'repair' ? {} : null)
}

function wishKey(job: ChangeJobName, path: string): string {
  return `${job} ${path}`
}

function without(wishes: Record<string, Wish>, key: string): Record<string, Wish> {
  return Object.fromEntries(Object.entries(wishes).filter(([one]) => one !== key))
}

/** Of this window alone: another may have a plan made too. */
const session = crypto.randomUUID()

function ticketOf(turn: number): string {
  return `plan ${session} ${turn}`
}

/** What a card was opened with: the image of an overlay that was given alone. */
export function baseOf(path: string): string | null {
  return seenAt(path, driveAt(path))?.base ?? useRecent.getState().recent.find((one) => one.path === path)?.base ?? null
}

function seenAt(path: string, drive: Drive | null): SeenCard | null {
  const { cards } = useCards.getState()
  return drive === null ? (cards[path] ?? null) : seenOnDrive(cards, drive)
}

/** What is wrong stands first on the plan of a repair, so a card that was not looked at is looked at; where that fails, the plan says why too. */
async function planChange(of: Extract<Planned, { kind: 'change' }>, turn: number, isCurrent: () => boolean): Promise<Planning> {
  const { job, path, wish } = of
  const drive = driveAt(path)
  const base = baseOf(path)
  const isUnseen = job === 'repair' && !seenAt(path, drive)?.report
  if (isUnseen && (drive !== null || !isDevice(path))) await useCards.getState().look(path, drive, base)
  if (!isCurrent()) return { of, state: 'stopped' }
  const allowVirtual = useSettings.getState().showVirtual
  const outcome = await ask('changes.plan', { job, path, base, allowVirtual, options: { ...wish }, ticket: ticketOf(turn) })
  if (!outcome.ok) return { of, state: 'failed', error: outcome.error }
  return { of, state: 'made', kind: 'change', plan: outcome.value }
}

async function planUndo(of: Extract<Planned, { kind: 'undo' }>): Promise<Planning> {
  const allowVirtual = useSettings.getState().showVirtual
  const outcome = await ask('undo.plan', { file: of.file, path: of.path, allowVirtual })
  if (!outcome.ok) return { of, state: 'failed', error: outcome.error }
  return { of, state: 'made', kind: 'undo', plan: outcome.value }
}
