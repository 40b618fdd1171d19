/** Jobs that run or ended in this session, as the helper last told, and those that a lost helper took with it. */
import { create } from 'zustand'
import type { ErrorValue, Job } from '../../native-helpers/contract.ts'
import { ask } from './connection.ts'

/** A job that ran when the helper was lost, kept over a reload so that it is not lost silently. */
export interface Interrupted {
  id: string
  kind: Job['kind']
  imageName: string
  labels: string[]
}

interface JobsState {
  jobs: Record<string, Job>
  interrupted: Interrupted[]
  stopping: string[]
  stopError: ErrorValue | null
  received(job: Job): void
  listed(jobs: Job[]): void
  /** The helper is gone: what ran is written down. */
  helperLost(): void
  /** Of what was written down, what the new helper does not know has been lost. */
  knownAgain(jobs: readonly Job[]): void
  dismissInterrupted(): void
  stop(jobId: string): Promise<void>
}

const storageName = 'livecard-interrupted'

export const useJobs = create<JobsState>()((set, get) => ({
  jobs: {},
  interrupted: [],
  stopping: [],
  stopError: null,
  received: (job) => set(({ jobs }) => ({ jobs: { ...jobs, [job.id]: job } })),
  listed: (list) => set(({ jobs }) => ({ jobs: { ...jobs, ...Object.fromEntries(list.map((job) => [job.id, job])) } })),
  helperLost() {
    const running = runningJobs(get().jobs).map((job) => ({
      id: job.id,
      kind: job.kind,
      imageName: job.imageName,
      labels: job.targets.map((target) => target.label),
    }))
    if (running.length > 0) sessionStorage.setItem(storageName, JSON.stringify(running))
  },
  knownAgain(jobs) {
    const written = sessionStorage.getItem(storageName)
    if (!written) return
    const known = new Set(jobs.map((job) => job.id))
    set({ interrupted: (JSON.parse(written) as Interrupted[]).filter((job) => !known.has(job.id)) })
  },
  dismissInterrupted() {
    sessionStorage.removeItem(storageName)
    set({ interrupted: [] })
  },
  async stop(jobId) {
    set(({ stopping }) => ({ stopping: [...stopping, jobId], stopError: null }))
    const outcome = await ask('jobs.cancel', { jobId })
    if (!outcome.ok) set(({ stopping }) => ({ stopping: stopping.filter((id) => id !== jobId), stopError: outcome.error }))
  },
}))

export function runningJobs(jobs: Record<string, Job>): Job[] {
  return Object.values(jobs)
    .filter((job) => job.state === 'running')
    .sort((a, b) => b.startedAt - a.startedAt)
}

/** The newest job on a path that began while the drive was there; an older one was on another card. */
export function jobOnPath(jobs: Record<string, Job>, path: string, since: number): Job | null {
  let newest: Job | null = null
  for (const job of Object.values(jobs)) {
    if (!job.targets.some((target) => target.path === path)) continue
    if (job.state !== 'running' && job.startedAt < since) continue
    if (newest === null || job.startedAt > newest.startedAt) newest = job
  }
  return newest
}

/** The overall part that is done, for the taskbar: the mean of what runs. */
export function overallFraction(jobs: Record<string, Job>): number | null {
  const running = runningJobs(jobs)
  if (running.length === 0) return null
  return running.reduce((sum, job) => sum + (job.progress.fraction ?? 0), 0) / running.length
}
