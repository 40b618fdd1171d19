import type { Phase } from '../contract.ts'
import { cancelled, LivecardError } from '../errors.ts'

/** The facts about one target while a job runs; written by the pipeline, read by whoever reports. */
export class TargetState {
  readonly label: string
  state: 'waiting' | 'running' | 'done' | 'failed' | 'cancelled' = 'waiting'
  /** Bytes of the image that this target is done with: written, or left out because nothing needs them. */
  passedBytes = 0
  writtenBytes = 0
  verifiedBytes = 0
  error: unknown = null
  private busySince: number | null = null
  private busySumMs = 0

  constructor(label: string) {
    this.label = label
  }

  get ended(): boolean {
    return this.state === 'done' || this.state === 'failed' || this.state === 'cancelled'
  }

  /** How long requests were in flight; what is missing from the whole time, this target waited for the image. */
  get busyMs(): number {
    return this.busySumMs + (this.busySince === null ? 0 : performance.now() - this.busySince)
  }

  setBusy(busy: boolean): void {
    if (busy === (this.busySince !== null)) return
    if (this.busySince !== null) this.busySumMs += performance.now() - this.busySince
    this.busySince = busy ? performance.now() : null
  }

  /** The same as counted by others. */
  addBusy(milliseconds: number): void {
    this.busySumMs += milliseconds
  }

  /** The first end counts. */
  fail(error: unknown): void {
    if (this.ended) return
    this.error = withoutAbort(error)
    this.state = this.error instanceof LivecardError && this.error.kind === 'cancelled' ? 'cancelled' : 'failed'
    this.setBusy(false)
  }
}

/** What an aborted signal throws by itself has no words for people. */
export function withoutAbort(thrown: unknown): unknown {
  return thrown instanceof Error && thrown.name === 'AbortError' ? cancelled() : thrown
}

/** The facts about a job as a whole. */
export class WorkState {
  readonly targets: TargetState[]
  readonly storedBytes: number | null
  /** Length of the image once decoded; null while that is not known. */
  imageBytes: number | null
  /** What will be read back, once that is known. */
  verifyBytes: number | null = null
  storedBytesRead = 0
  sourceWaitMs = 0
  skippedBytes = 0
  /** When each phase began, as `performance.now()` counts. */
  readonly began: Partial<Record<Phase, number>> = {}
  private current: Phase = 'preparing'

  constructor(labels: readonly string[], imageBytes: number | null, storedBytes: number | null) {
    this.targets = labels.map((label) => new TargetState(label))
    this.imageBytes = imageBytes
    this.storedBytes = storedBytes
    this.began.preparing = performance.now()
  }

  get phase(): Phase {
    return this.current
  }

  set phase(phase: Phase) {
    this.current = phase
    this.began[phase] ??= performance.now()
  }
}
