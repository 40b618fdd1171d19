import { randomUUID } from 'node:crypto'
import { resolve } from 'node:path'
import type { BackupJob } from '../contract.ts'
import type { BackupChoice, BackupEntry, BackupEstimate, BackupLook } from '../contract-backup.ts'
import { toErrorValue } from '../errors.ts'
import { lookBusy, lookUnknown } from './backup/errors.ts'
import { type BackupRequest, type BackupSession, openBackup } from './backup.ts'
import { StayAwake } from './stay-awake.ts'

const lookLifeMs = 30 * 60 * 1000
const tellEveryMs = 100
const keptEnded = 50

interface Look {
  session: BackupSession
  caller: object
  usedAt: number
  /** The archive that is made of it now. */
  job: string | null
  /** Nobody asks for it any more: it goes when its archive is made. */
  isClosed: boolean
}

/** The cards that the interfaces look at to save them, and the archives that are made in this run. */
export class CardBackups {
  readonly #looks = new Map<string, Look>()
  readonly #jobs: BackupJob[] = []
  readonly #running = new Map<string, { stop: AbortController; done: Promise<void> }>()
  readonly #listeners = new Set<(job: BackupJob) => void>()
  readonly #stayAwake = new StayAwake()

  async open(request: BackupRequest, caller: object): Promise<BackupLook> {
    await this.#closeOld()
    const session = await openBackup(request)
    const backupId = randomUUID()
    this.#looks.set(backupId, { session, caller, usedAt: Date.now(), job: null, isClosed: false })
    const { path, label, look, notes } = session
    const day = new Date().toISOString().slice(0, 10)
    return { backupId, path, label, notes, ...look, suggestedName: `${look.system.id}-${day}.tar.zst` }
  }

  folder(backupId: string, folder: string): Promise<{ entries: BackupEntry[]; truncated: boolean }> {
    return this.#look(backupId).session.folder(folder)
  }

  estimate(backupId: string, choice: BackupChoice): Promise<BackupEstimate> {
    return this.#look(backupId).session.estimate(choice)
  }

  /** Throws at once where the archive cannot be put there. */
  async start(backupId: string, choice: BackupChoice, file: string): Promise<string> {
    const look = this.#look(backupId)
    const { session } = look
    await session.checkPlace(file)
    if (look.job !== null) throw lookBusy()
    const id = randomUUID()
    const job: BackupJob = {
      ...{ id, backupId, label: session.label, path: session.path, file: resolve(file), state: 'running' },
      ...{ startedAt: Date.now(), endedAt: null, doneBytes: 0, totalBytes: 0, doneFiles: 0, totalFiles: 0 },
      ...{ result: null, error: null },
    }
    look.job = id
    this.#jobs.unshift(job)
    this.#jobs.splice(keptEnded)
    const stop = new AbortController()
    const release = this.#stayAwake.hold()
    const done = session
      .write(choice, job.file, { signal: stop.signal, progress: (progress) => this.#tell(id, progress) })
      .then(
        (result) => this.#tell(id, { ...doneOf(this.#job(id)), state: 'done', endedAt: Date.now(), result }),
        (thrown) => {
          const error = toErrorValue(thrown)
          this.#tell(id, { state: error.kind === 'cancelled' ? 'cancelled' : 'failed', endedAt: Date.now(), error })
        },
      )
      .finally(async () => {
        release()
        this.#running.delete(id)
        look.job = null
        if (look.isClosed) await session.close()
      })
    this.#running.set(id, { stop, done })
    this.#tell(id, {})
    return id
  }

  cancel(jobId: string): void {
    this.#running.get(jobId)?.stop.abort()
  }

  close(backupId: string): Promise<void> {
    const look = this.#looks.get(backupId)
    this.#looks.delete(backupId)
    return look ? closed(look) : Promise.resolve()
  }

  /** Nobody waits for the answers any more; archives are made to their end. */
  async closeAllOf(caller: object): Promise<void> {
    for (const [id, look] of this.#looks) if (look.caller === caller) await this.close(id)
  }

  jobs(): BackupJob[] {
    return this.#jobs
  }

  onJob(listener: (job: BackupJob) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** With the program: half an archive helps nobody, so that none is left. */
  async stopAll(): Promise<void> {
    for (const { stop } of this.#running.values()) stop.abort()
    await Promise.all([...this.#running.values()].map(({ done }) => done))
    for (const id of this.#looks.keys()) await this.close(id)
  }

  #look(backupId: string): Look {
    const look = this.#looks.get(backupId)
    if (!look) throw lookUnknown()
    look.usedAt = Date.now()
    return look
  }

  async #closeOld(): Promise<void> {
    for (const [id, { usedAt, job }] of this.#looks) if (job === null && Date.now() - usedAt > lookLifeMs) await this.close(id)
  }

  #job(id: string): BackupJob | undefined {
    return this.#jobs.find((job) => job.id === id)
  }

  readonly #toldAt = new Map<string, number>()

  #tell(id: string, news: Partial<BackupJob>): void {
    const at = this.#jobs.findIndex((one) => one.id === id)
    const known = this.#jobs[at]
    if (!known) return
    const job = { ...known, ...news }
    this.#jobs[at] = job
    const now = Date.now()
    if (job.state === 'running' && now - (this.#toldAt.get(id) ?? 0) < tellEveryMs) return
    this.#toldAt.set(id, now)
    for (const listener of this.#listeners) listener(job)
  }
}

async function closed(look: Look): Promise<void> {
  look.isClosed = true
  if (look.job === null) await look.session.close()
}

/** What came after the last word on it is done too. */
function doneOf(job: BackupJob | undefined): Partial<BackupJob> {
  return job ? { doneBytes: job.totalBytes, doneFiles: job.totalFiles } : {}
}
