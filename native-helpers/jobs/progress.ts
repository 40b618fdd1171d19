import type { ImageFormat, JobProgress, Phase } from '../contract.ts'
import type { TargetState, WorkState } from '../imaging/flash-state.ts'
import { Rate } from './rate.ts'

export interface WorkKind {
  writes: boolean
  verifies: boolean
  format: ImageFormat
}

const limitWindowMs = 2000
/** Below this share of the time with requests in flight, a target waits for the image rather than the other way round. */
const busyShare = 0.85

/** What people see of a job: computed from the facts that the work leaves in its state. */
export class ProgressMeter {
  private readonly state: WorkState
  private readonly kind: WorkKind
  private rate: Rate
  private ratePhase: 'write' | 'compare' | null = null
  private fraction = 0
  private limits: { at: number; sourceMs: number; busyMs: number[] }[] = []

  constructor(state: WorkState, kind: WorkKind) {
    this.state = state
    this.kind = kind
    this.rate = new Rate(performance.now())
  }

  snapshot(succeeded = false): JobProgress {
    const now = performance.now()
    const { state } = this
    const comparing = !this.kind.writes || (this.kind.verifies && state.verifyBytes !== null)
    this.enter(comparing ? 'compare' : 'write', now)
    const doneBytes = Math.round(this.mean(comparing && this.kind.writes ? 'verifiedBytes' : 'passedBytes'))
    const movedBytes = this.mean(comparing ? 'verifiedBytes' : 'writtenBytes')
    if (isMoving(state.phase)) this.rate.add(now, doneBytes, movedBytes)
    this.noteLimits(now)
    return {
      phase: state.phase,
      doneBytes,
      totalBytes: comparing && this.kind.writes ? state.verifyBytes : state.imageBytes,
      fraction: this.nextFraction(succeeded),
      bytesPerSecond: state.phase === 'ended' ? 0 : this.rate.current,
      averageBytesPerSecond: state.phase === 'ended' ? this.wholeAverage() : this.rate.average,
      secondsLeft: succeeded ? 0 : this.secondsLeft(comparing, doneBytes),
      limitedBy: this.limitedBy(),
      skippedBytes: state.skippedBytes,
      curve: this.rate.curve,
    }
  }

  /** At the end: of everything that was written, or compared where nothing was. */
  private wholeAverage(): number {
    const { began } = this.state
    const start = this.kind.writes ? began.writing : began.verifying
    const end = this.kind.writes ? (began.verifying ?? began.finishing ?? began.ended) : (began.finishing ?? began.ended)
    if (start === undefined || end === undefined || end <= start) return 0
    return (this.mean(this.kind.writes ? 'writtenBytes' : 'verifiedBytes') * 1000) / (end - start)
  }

  private enter(phase: 'write' | 'compare', now: number): void {
    if (this.ratePhase === phase) return
    if (this.ratePhase === null && !isMoving(this.state.phase)) return
    this.ratePhase = phase
    this.rate = new Rate(this.state.began[this.state.phase] ?? now)
    this.limits = []
  }

  private counted(): TargetState[] {
    const good = this.state.targets.filter(({ state }) => state !== 'failed' && state !== 'cancelled')
    return good.length > 0 ? good : this.state.targets
  }

  private mean(of: 'passedBytes' | 'writtenBytes' | 'verifiedBytes'): number {
    const targets = this.counted()
    return targets.reduce((sum, target) => sum + target[of], 0) / Math.max(1, targets.length)
  }

  private nextFraction(succeeded: boolean): number | null {
    if (succeeded) return 1
    const first = this.passedShare()
    if (first === null) return null
    const both = this.kind.writes && this.kind.verifies
    const { verifyBytes } = this.state
    const compared = verifyBytes ? Math.min(1, this.mean('verifiedBytes') / verifyBytes) : 0
    const now = both ? (first + compared) / 2 : first
    // Only the end of the job is 100 %; and what was reached is not taken back when a target drops out.
    this.fraction = Math.max(this.fraction, Math.min(now, 0.9999))
    return this.fraction
  }

  private passedShare(): number | null {
    const { imageBytes, storedBytes, storedBytesRead } = this.state
    if (imageBytes) return Math.min(1, this.mean('passedBytes') / imageBytes)
    return storedBytes ? Math.min(1, storedBytesRead / storedBytes) : null
  }

  private secondsLeft(comparing: boolean, doneBytes: number): number | null {
    const { imageBytes, storedBytes, storedBytesRead, verifyBytes } = this.state
    const speed = (this.rate.current + this.rate.average) / 2
    if (speed <= 0 || this.state.phase === 'ended') return null
    if (comparing) {
      const total = this.kind.writes ? verifyBytes : imageBytes
      return total === null ? null : Math.max(0, total - doneBytes) / speed
    }
    // Where the format does not tell the length of the image, the packed part that was read says how far it is.
    const total = imageBytes ?? (storedBytes && storedBytesRead > 0 ? (doneBytes * storedBytes) / storedBytesRead : null)
    if (total === null) return null
    const left = Math.max(0, total - doneBytes)
    return (this.kind.verifies ? left + total : left) / speed
  }

  private noteLimits(now: number): void {
    const busyMs = this.state.targets.map((target) => target.busyMs)
    this.limits.push({ at: now, sourceMs: this.state.sourceWaitMs, busyMs })
    while (this.limits.length > 2 && (this.limits[1]?.at ?? now) <= now - limitWindowMs) this.limits.shift()
  }

  private limitedBy(): JobProgress['limitedBy'] {
    if (this.state.phase === 'flushing' || this.state.phase === 'finishing') return 'card'
    if (this.kind.writes && this.state.phase === 'verifying') return 'card'
    const first = this.limits[0]
    const last = this.limits.at(-1)
    if (!first || !last || !isMoving(this.state.phase) || last.at - first.at < 50) return null
    const span = last.at - first.at
    const busiest = Math.max(...last.busyMs.map((ms, index) => (ms - (first.busyMs[index] ?? 0)) / span))
    if (busiest >= busyShare) return 'card'
    if (this.kind.format === 'raw') return 'source'
    return (last.sourceMs - first.sourceMs) / span > 0.4 ? 'source' : 'decoding'
  }
}

function isMoving(phase: Phase): boolean {
  return phase === 'writing' || phase === 'verifying'
}
