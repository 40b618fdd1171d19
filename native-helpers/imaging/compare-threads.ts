import type { StreamDevice } from '../block/device.ts'
import { ReadFailure } from '../block/fd-device.ts'
import { cancelled, fromValue } from '../errors.ts'
import { type CompareControl, type Compared, type CompareTask, type CompareWith, spanFields, stopAll } from './compare-task.ts'
import { driveHangs, type WriteLimits } from './limits.ts'
import { type RunningTask, startTask } from './threads.ts'

/** While one waits for the card, the other compares; more only take turns. */
const threadCount = 2

/** Below this, threads take longer to start than to compare. */
export const worthThreadsBytes = 32 * 1024 * 1024

const lookEveryMs = 100

export interface CompareWork {
  device: StreamDevice
  /** As in `CompareTask`. */
  spans: Float64Array
  with: CompareWith
  limits: WriteLimits
  signal: AbortSignal
  /** Called now and then with how much more was compared. */
  onCompared: (bytes: number) => void
}

export type Found = Omit<Compared, 'failed'>

/**
 * Compares by threads that read for themselves: nothing is handed from thread to thread, which on a fast drive costs more than the reading. Rejects with
 * the failure of the card or the image, at once on a cancel, and when the card does not answer; the descriptor stays lent until every thread has ended.
 */
export async function compareInThreads({ device, spans, with: what, limits, signal, onCompared }: CompareWork): Promise<Found> {
  if (device.lend === undefined) throw new Error(`${device.label} has no descriptor to lend`)
  const control = createControl()
  const running: RunningTask[] = []
  const comparing = device.lend(async (fd) => {
    const task = { fd, spans, sectorSize: device.direct ? device.sectorSize : 1, with: what, control }
    const threads = Array.from({ length: threadCount }, (_, thread) => inThread({ ...task, thread }, running))
    return together(await Promise.allSettled(threads))
  })
  comparing.catch(() => {})
  let told = 0
  const tell = () => {
    const sum = control.bytes.reduce((all, one) => all + one, 0)
    onCompared(sum - told)
    told = sum
  }
  const watch = new HangWatch(control.requests, limits.answerWithinMs)
  let timer: NodeJS.Timeout | undefined
  let cancel: () => void = () => {}
  const givenUp = new Promise<never>((_resolve, reject) => {
    const look = () => {
      tell()
      if (watch.hangs()) reject(driveHangs(device.label, limits.answerWithinMs))
    }
    timer = setInterval(look, Math.min(lookEveryMs, limits.answerWithinMs / 2))
    cancel = () => reject(cancelled())
    if (signal.aborted) cancel()
    else signal.addEventListener('abort', cancel, { once: true })
  })
  try {
    return await Promise.race([comparing, givenUp])
  } finally {
    clearInterval(timer)
    signal.removeEventListener('abort', cancel)
    Atomics.store(control.shared, stopAll, 1)
    tell()
    // One that hangs with its card must not keep the process.
    for (const task of running) task.letGo()
  }
}

/** A whole image in pieces. */
export function evenSpans(sizeBytes: number, pieceBytes: number): Float64Array {
  const count = Math.ceil(sizeBytes / pieceBytes)
  const spans = new Float64Array(new SharedArrayBuffer(count * spanFields * 8))
  for (let index = 0; index < count; index += 1)
    spans.set([index * pieceBytes, Math.min(sizeBytes, (index + 1) * pieceBytes), 0], index * spanFields)
  return spans
}

function createControl(): CompareControl {
  return {
    shared: new Int32Array(new SharedArrayBuffer(2 * 4)),
    bytes: new Float64Array(new SharedArrayBuffer(threadCount * 8)),
    requests: new Int32Array(new SharedArrayBuffer(threadCount * 4)),
  }
}

function inThread(task: CompareTask, running: RunningTask[]): Promise<Compared> {
  return new Promise((resolve, reject) => {
    const thread = startTask(
      { kind: 'compare', ...task },
      {
        message(message) {
          thread.giveBack()
          resolve(message as Compared)
        },
        died(thrown) {
          Atomics.store(task.control.shared, stopAll, 1)
          reject(thrown ?? new Error('a comparing thread ended without a word'))
        },
      },
    )
    running.push(thread)
  })
}

/** Pieces are taken in order, and each that was taken is compared to its end: the lowest difference is the first. */
function together(ends: PromiseSettledResult<Compared>[]): Found {
  const found: Found = { differsAt: null, differingBlocks: 0, unfinished: false }
  for (const end of ends) {
    if (end.status === 'rejected') throw end.reason
    const { differsAt, differingBlocks, unfinished, failed } = end.value
    if (failed?.is === 'card') throw new ReadFailure(failed.code, failed.message, failed.offset)
    if (failed?.is === 'image') throw fromValue(failed.error)
    if (differsAt !== null) found.differsAt = Math.min(differsAt, found.differsAt ?? differsAt)
    found.differingBlocks += differingBlocks
    found.unfinished ||= unfinished
  }
  return found
}

/** Sees from the counts of requests, as `CompareControl` has them, whether a card has stopped answering. */
export class HangWatch {
  private readonly requests: Int32Array
  private readonly waitMs: number
  private readonly seen: { count: number; since: number }[]

  constructor(requests: Int32Array, waitMs: number) {
    this.requests = requests
    this.waitMs = waitMs
    this.seen = Array.from(requests, (count) => ({ count, since: performance.now() }))
  }

  /** Whether a request has been with the card for too long. */
  hangs(): boolean {
    const now = performance.now()
    return this.seen.some((one, thread) => {
      const count = Atomics.load(this.requests, thread)
      const waits = count % 2 === 1 && count === one.count
      if (!waits) Object.assign(one, { count, since: now })
      return waits && now - one.since > this.waitMs
    })
  }
}
