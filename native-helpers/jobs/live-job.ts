import type { FlashOptions, ImageFacts, Job, JobCheck, Target } from '../contract.ts'
import type { Sighting } from '../drives/identity.ts'
import { LivecardError, toErrorValue } from '../errors.ts'
import { WorkState, withoutAbort } from '../imaging/flash-state.ts'
import { ProgressMeter } from './progress.ts'
import { sumCheck } from './sums.ts'
import { imageName } from './words.ts'
import { chosenMap } from './write-maps.ts'

export interface JobTarget {
  target: Target
  label: string
  /** Where it is known. */
  sizeBytes?: number
  /** Of a drive: what it was when it was planned. */
  sighting?: Sighting | undefined
}

export interface JobTask {
  id: string
  kind: Job['kind']
  image: ImageFacts
  targets: JobTarget[]
  options: FlashOptions
}

/** A job while it runs: the state that the work writes into, and the snapshot of it that everybody else sees. */
export class LiveJob {
  readonly task: JobTask
  readonly state: WorkState
  readonly controller = new AbortController()
  /** One per sum of the image, in the same order. */
  readonly sumChecks: JobCheck[]
  readonly checks: JobCheck[]
  private readonly meter: ProgressMeter
  private readonly startedAt = Date.now()
  private endedAt: number | null = null
  private error: unknown = null

  constructor(task: JobTask) {
    const { image, targets, kind } = task
    this.task = task
    this.state = new WorkState(
      targets.map(({ label }) => label),
      image.contentBytes,
      image.storedBytes,
    )
    this.meter = new ProgressMeter(this.state, { writes: kind === 'flash', verifies: this.reads, format: image.format })
    this.sumChecks = image.sums.map(sumCheck)
    this.checks = [...this.sumChecks, ...otherChecks(task)]
  }

  /** Whether the job compares what is on its targets. */
  private get reads(): boolean {
    return this.task.kind === 'verify' || this.task.options.verify
  }

  get running(): boolean {
    return this.endedAt === null
  }

  settleCheck(id: string, state: JobCheck['state']): void {
    const check = this.checks.find((one) => one.id === id)
    if (check) check.state = state
  }

  end(thrown: unknown): void {
    const error = withoutAbort(thrown)
    this.endedAt = Date.now()
    this.state.phase = 'ended'
    const { targets } = this.state
    for (const target of targets) target.fail(error ?? new Error('the job ended early'))
    this.error = error ?? targets.find(({ state }) => state === 'cancelled')?.error ?? null
    const differs = targets.some(({ error }) => error instanceof LivecardError && error.code === 'verify-mismatch')
    if (differs) this.settleCheck('read-back', 'differs')
    else if (this.outcome() === 'done' && this.reads) this.settleCheck('read-back', 'ok')
    for (const check of this.checks) if (check.state === 'pending') check.state = 'skipped'
  }

  snapshot(): Job {
    const { task, state } = this
    const outcome = this.outcome()
    return {
      id: task.id,
      kind: task.kind,
      imageName: imageName(task.image),
      state: outcome,
      startedAt: this.startedAt,
      endedAt: this.endedAt,
      targets: task.targets.map(({ target, label, sizeBytes }, index) => {
        const own = state.targets[index]
        return {
          label,
          path: target.kind === 'drive' ? target.identity.path : target.path,
          state: own?.state ?? 'waiting',
          writtenBytes: own?.writtenBytes ?? 0,
          verifiedBytes: own?.verifiedBytes ?? 0,
          error: own?.error ? toErrorValue(own.error) : null,
          ...(task.kind === 'flash' && own?.state === 'done' && nextSteps(task.image, sizeBytes)),
        }
      }),
      checks: this.checks.map((check) => ({ ...check })),
      progress: this.meter.snapshot(outcome === 'done'),
      error: this.error ? toErrorValue(this.error) : null,
    }
  }

  private outcome(): Job['state'] {
    if (this.endedAt === null) return 'running'
    const states = this.state.targets.map(({ state }) => state)
    if (states.includes('cancelled')) return 'cancelled'
    return states.every((state) => state === 'done') && this.error === null ? 'done' : 'failed'
  }
}

/** Less is not worth a word. */
const worthEnlargingBytes = 64 * 1024 * 1024

/** Of a system that can grow into the rest of the card and be given settings before its first start. */
function nextSteps({ known }: ImageFacts, sizeBytes: number | undefined): Pick<Job['targets'][number], 'next'> | null {
  if (!known) return null
  const grows = sizeBytes === undefined || sizeBytes - known.endBytes >= worthEnlargingBytes
  return { next: [...(grows ? (['enlarge'] as const) : []), 'customise'] }
}

function otherChecks({ image, options, kind, targets }: JobTask): JobCheck[] {
  const checks: JobCheck[] = []
  const map = chosenMap(image, options)
  if (map.kind === 'bmap') checks.push({ id: 'bmap', label: 'The block map belongs to this image', value: null, state: 'pending' })
  if (targets.some(({ target }) => target.kind === 'drive')) {
    checks.push({ id: 'identity', label: 'The drive is the one that was confirmed', value: null, state: 'pending' })
  }
  const label = kind === 'flash' ? 'Read back and compared' : 'Compared with the image'
  checks.push({ id: 'read-back', label, value: null, state: kind === 'flash' && !options.verify ? 'skipped' : 'pending' })
  return checks
}
