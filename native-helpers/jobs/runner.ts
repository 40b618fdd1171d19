import { randomUUID } from 'node:crypto'
import { basename } from 'node:path'
import type { FlashPlan, FlashRequest, Identity, Job, Target } from '../contract.ts'
import { sightDrive } from '../drives/find.ts'
import { cancelled } from '../errors.ts'
import { collectGarbage } from '../imaging/collect.ts'
import { History } from './history.ts'
import type { JobRunner } from './job-runner.ts'
import { type JobTarget, LiveJob } from './live-job.ts'
import { lookAtImage, type MadePlan, makePlan } from './plan.ts'
import { changedSince, planUnknown } from './plan-errors.ts'
import { defaultStateFolder } from './state-folder.ts'
import { StayAwake } from './stay-awake.ts'
import { ensureThreadPool } from './thread-pool.ts'
import { workOn } from './work.ts'

const planLifeMs = 15 * 60 * 1000
const snapshotEveryMs = 125
/** Ended jobs that `list` still shows. */
const keptEnded = 50

export interface JobRunnerOptions {
  /** Where the history lies; the system's custom without it. */
  stateFolder?: string
}

export function createJobRunner(options: JobRunnerOptions = {}): JobRunner {
  ensureThreadPool()
  const history = new History(options.stateFolder ?? defaultStateFolder())
  const stayAwake = new StayAwake()
  const plans = new Map<string, MadePlan & { madeAt: number }>()
  const live = new Map<string, LiveJob>()
  const done = new Map<string, Promise<Job>>()
  const ended: Job[] = []
  const listeners = new Set<(job: Job) => void>()
  let closed = false

  const tell = (job: Job) => {
    for (const listener of listeners) listener(job)
  }

  const run = async (job: LiveJob): Promise<Job> => {
    const release = stayAwake.hold()
    const ticking = setInterval(() => tell(job.snapshot()), snapshotEveryMs)
    let error: unknown = null
    try {
      await workOn(job)
    } catch (thrown) {
      error = thrown
    } finally {
      clearInterval(ticking)
      release()
    }
    job.end(error)
    const last = job.snapshot()
    live.delete(last.id)
    ended.unshift(last)
    for (const old of ended.splice(keptEnded)) done.delete(old.id)
    await history.append(last)
    tell(last)
    setImmediate(collectGarbage)
    return last
  }

  const start = (task: Omit<LiveJob['task'], 'id'>): string => {
    if (closed) throw cancelled()
    const job = new LiveJob({ ...task, id: randomUUID() })
    live.set(job.task.id, job)
    done.set(job.task.id, run(job))
    tell(job.snapshot())
    return job.task.id
  }

  return {
    async planFlash(request, signal) {
      const made = await makePlan(request, signal)
      const now = Date.now()
      for (const [id, { madeAt }] of plans) if (now - madeAt > planLifeMs) plans.delete(id)
      plans.set(made.plan.planId, { ...made, madeAt: now })
      return made.plan
    },

    startFlash(planId, confirmed) {
      const kept = plans.get(planId)
      if (!kept || Date.now() - kept.madeAt > planLifeMs) throw planUnknown()
      checkConfirmed(kept.plan, confirmed)
      plans.delete(planId)
      const { image, options, targets } = kept.plan
      const seen = targets.map(
        ({ target, label, sizeBytes }, index): JobTarget => ({ target, label, sizeBytes, sighting: kept.sightings[index] }),
      )
      return start({ kind: 'flash', image, options, targets: seen })
    },

    async startVerify(request: FlashRequest) {
      const image = await lookAtImage(request)
      const targets = await Promise.all(request.targets.map(seenForReading))
      return start({ kind: 'verify', image, options: request.options, targets })
    },

    list: () => [...[...live.values()].map((job) => job.snapshot()).reverse(), ...ended],
    ended: (jobId) => done.get(jobId) ?? Promise.reject(new Error(`no job ${jobId}`)),
    cancel: (jobId) => live.get(jobId)?.controller.abort(),
    history: () => history.list(),
    onJob(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async close() {
      closed = true
      for (const job of live.values()) job.controller.abort()
      await Promise.all([...live.keys()].map((id) => done.get(id)))
    },
  }
}

/** Every drive of the plan, and no other, was seen and said yes to. */
function checkConfirmed(plan: FlashPlan, confirmed: readonly Identity[]): void {
  const planned = plan.targets.flatMap(({ target }) => (target.kind === 'drive' ? [target.identity] : []))
  for (const identity of planned) {
    const same = confirmed.find(({ path }) => path === identity.path)
    if (!same || same.serial !== identity.serial || same.sizeBytes !== identity.sizeBytes) throw changedSince(same, identity)
  }
  const stranger = confirmed.find(({ path }) => !planned.some((identity) => identity.path === path))
  if (stranger) throw changedSince(undefined, stranger)
}

async function seenForReading(target: Target): Promise<JobTarget> {
  if (target.kind === 'file') return { target, label: basename(target.path) }
  const { drive, sighting } = await sightDrive(target.identity.path)
  return { target, label: drive.name, sighting }
}
