import { randomUUID } from 'node:crypto'
import { readdir, unlink } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { openUndoFile } from '../block/undo-file.ts'
import type { CardPlan, Change, UndoFileFacts, UndoPlanFacts } from '../contract.ts'
import { LivecardError, toErrorValue } from '../errors.ts'
import { sealedOptions } from '../systems/settings/seal.ts'
import {
  applyCardChange,
  type ChangePlan,
  type ChangeRequest,
  planCardChange,
  planUndo,
  takeBackChange,
  type UndoPlan,
  undoFolder,
} from './change.ts'
import { planStopped } from './change-errors.ts'
import { inspect } from './inspect.ts'
import { changedSince, planUnknown } from './plan-errors.ts'
import { StayAwake } from './stay-awake.ts'

const planLifeMs = 15 * 60 * 1000
const tellEveryMs = 100
const keptEnded = 50
const undoEnding = '.undo'
/** More than anybody looks through. */
const mostListed = 500

type Made = { madeAt: number } & ({ kind: 'change'; plan: ChangePlan } | { kind: 'undo'; plan: UndoPlan })

/** The changes that the interfaces ask for: plans that wait for a yes, and what was started in this run. One at a time on a card. */
export class Changes {
  readonly #plans = new Map<string, Made>()
  readonly #known: Change[] = []
  readonly #listeners = new Set<(change: Change) => void>()
  readonly #running = new Map<string, Promise<void>>()
  readonly #stayAwake = new StayAwake()

  async plan(request: Omit<ChangeRequest, 'undo'>, signal?: AbortSignal): Promise<CardPlan> {
    const options = sealedOptions(request.options)
    const plan = await planCardChange({ ...request, options, undo: null }, signal).catch((thrown) => {
      throw signal?.aborted ? planStopped() : thrown
    })
    const { steps, keeps, loses, notes, unmounts, writeBytes, undoPath, target } = plan
    const planId = this.#keep({ kind: 'change', plan })
    return { planId, job: request.job, target, steps, keeps, loses, notes, unmounts, writeBytes, undoPath }
  }

  start(planId: string, confirmed: string): string {
    const { plan } = this.#take(planId, 'change', confirmed)
    return this.#run(
      { job: plan.request.job, label: plan.target.label, path: plan.target.path, undoPath: plan.undoPath },
      (progress) => applyCardChange(plan, progress).then(({ report }) => report),
    )
  }

  async planUndo({
    file,
    path,
    allowVirtual,
  }: {
    file: string
    path: string | null
    allowVirtual: boolean
  }): Promise<UndoPlanFacts> {
    const plan = await planUndo(file, path, allowVirtual)
    return { planId: this.#keep({ kind: 'undo', plan }), ...factsOf(plan) }
  }

  startUndo(planId: string, confirmed: string): string {
    const { plan } = this.#take(planId, 'undo', confirmed)
    return this.#run(
      { job: 'undo', label: plan.drive?.name ?? basename(plan.target), path: plan.target, undoPath: null },
      async (progress) => {
        await takeBackChange(plan, progress)
        return inspect({ path: plan.target }).catch(() => null)
      },
    )
  }

  list(): Change[] {
    return this.#known
  }

  onChange(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** A change that was begun is brought to its end. */
  async close(): Promise<void> {
    await Promise.all(this.#running.values())
  }

  async undoFiles(): Promise<UndoFileFacts[]> {
    const folder = undoFolder()
    const names = await readdir(folder).catch(() => [])
    const files = names
      .filter((name) => name.endsWith(undoEnding))
      .sort()
      .reverse()
      .slice(0, mostListed)
    return files.map((name) => undoFacts(join(folder, name)))
  }

  async removeUndoFile(file: string): Promise<void> {
    const path = resolve(file)
    if (dirname(path) !== undoFolder() || !path.endsWith(undoEnding)) throw notOurs(path)
    await unlink(path)
  }

  #keep(made: { kind: 'change'; plan: ChangePlan } | { kind: 'undo'; plan: UndoPlan }): string {
    const now = Date.now()
    for (const [id, { madeAt }] of this.#plans) if (now - madeAt > planLifeMs) this.#plans.delete(id)
    const planId = randomUUID()
    this.#plans.set(planId, { ...made, madeAt: now })
    return planId
  }

  #take<K extends Made['kind']>(planId: string, kind: K, confirmed: string): Extract<Made, { kind: K }> {
    const made = this.#plans.get(planId)
    if (made?.kind !== kind || Date.now() - made.madeAt > planLifeMs) throw planUnknown()
    const path = made.kind === 'change' ? made.plan.target.path : made.plan.target
    if (confirmed !== path) {
      const planned = { path, serial: null, sizeBytes: 0 }
      throw changedSince({ ...planned, path: confirmed }, planned)
    }
    this.#plans.delete(planId)
    return made as Extract<Made, { kind: K }>
  }

  #run(
    what: Pick<Change, 'job' | 'label' | 'path' | 'undoPath'>,
    work: (progress: (doneBytes: number, totalBytes: number) => void) => Promise<Change['report']>,
  ): string {
    const busy = this.#known.find(({ path, state }) => path === what.path && state === 'running')
    if (busy) throw cardBusy(what.label)
    const id = randomUUID()
    let change: Change = {
      ...what,
      id,
      state: 'running',
      startedAt: Date.now(),
      endedAt: null,
      doneBytes: 0,
      totalBytes: 0,
      report: null,
      error: null,
    }
    this.#known.unshift(change)
    this.#known.splice(keptEnded)
    let toldAt = 0
    const tell = (news: Partial<Change>, now = Date.now()) => {
      const at = this.#known.indexOf(change)
      change = { ...change, ...news }
      if (at >= 0) this.#known[at] = change
      if (change.state === 'running' && now - toldAt < tellEveryMs) return
      toldAt = now
      for (const listener of this.#listeners) listener(change)
    }
    const release = this.#stayAwake.hold()
    const done = work((doneBytes, totalBytes) => tell({ doneBytes, totalBytes }))
      .then(
        (report) => tell({ state: 'done', endedAt: Date.now(), report }),
        (thrown) => tell({ state: 'failed', endedAt: Date.now(), error: toErrorValue(thrown) }),
      )
      .finally(() => {
        release()
        this.#running.delete(id)
      })
    this.#running.set(id, done)
    tell({})
    return id
  }
}

function factsOf({ head, path, target, state, keptBytes }: UndoPlan): Omit<UndoPlanFacts, 'planId'> {
  return { title: head.title, createdAt: head.createdAt, file: path, path: target, state, keptBytes }
}

function undoFacts(path: string): UndoFileFacts {
  try {
    const undo = openUndoFile(path)
    undo.close()
    const { head, sealed, undoEnded, keptBytes } = undo
    const state = !sealed ? 'nothing' : undoEnded ? 'already' : 'ready'
    return { ...factsOf({ head, path, target: head.card.path, state, keptBytes, allowVirtual: false, drive: null }), problem: null }
  } catch (thrown) {
    const problem = toErrorValue(thrown).message
    return { title: '', createdAt: 0, file: path, path: '', state: 'nothing', keptBytes: 0, problem }
  }
}

function notOurs(path: string): LivecardError {
  return new LivecardError('refused', 'undo-file-elsewhere', {
    message: `${path} does not lie where Livecard keeps its undo files.`,
    meaning: 'It was not removed.',
    next: 'Remove it yourself, once you are sure that you do not need it.',
  })
}

function cardBusy(label: string): LivecardError {
  return new LivecardError('refused', 'card-busy', {
    message: `${label} is being changed already.`,
    meaning: 'Nothing more was begun.',
    next: 'Wait until that has ended.',
  })
}
