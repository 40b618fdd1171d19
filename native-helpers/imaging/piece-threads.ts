import type { StreamDevice } from '../block/device.ts'
import { RequestFailure } from '../block/fd-device.ts'
import { cancelled, fromValue, type LivecardError } from '../errors.ts'
import type { Differences } from './differences.ts'
import { driveHangs, type WriteLimits } from './limits.ts'
import {
  type PieceControl,
  type PieceFailure,
  type PiecesDone,
  type PieceTask,
  type PieceWork,
  spanFields,
  stopAll,
} from './piece-task.ts'
import { type RunningTask, startTask } from './threads.ts'

/** While one waits for the card, the other sums or compares; more only take turns. */
const threadCount = 2

/** Below this, threads take longer to start than to compare. */
export const worthThreadsBytes = 32 * 1024 * 1024

const lookEveryMs = 100

export interface ThreadWork {
  device: StreamDevice
  /** What the card is asked to do, for the words of its failure. */
  doing: 'reading' | 'writing'
  /** As in `PieceTask`. */
  spans: Float64Array
  work: PieceWork
  limits: WriteLimits
  signal: AbortSignal
  /** Called now and then: how many bytes more are done, and how many milliseconds of that the card took. */
  onMoved: (bytes: number, cardMs: number) => void
}

export interface Found extends Differences {
  unfinished: boolean
  /** The image is at fault, and not the card. */
  imageFailed: LivecardError | null
}

/**
 * Works on one card by threads that read and write for themselves: nothing is handed from thread to thread, which on a fast drive costs more than the
 * transfer. Rejects with the failure of the card, at once on a cancel, and when the card does not answer; the descriptor stays lent until every thread has
 * ended.
 */
export async function workInThreads({ device, doing, spans, work, limits, signal, onMoved }: ThreadWork): Promise<Found> {
  if (device.lend === undefined) throw new Error(`${device.label} has no descriptor to lend`)
  const control = createControl()
  const running: RunningTask[] = []
  const working = device.lend(doing, async (fd) => {
    const task = { fd, spans, sectorSize: device.direct ? device.sectorSize : 1, work, control }
    const threads = Array.from({ length: threadCount }, (_, thread) => inThread({ ...task, thread }, running))
    return together(await Promise.allSettled(threads))
  })
  working.catch(() => {})
  const told = { bytes: 0, cardMs: 0 }
  const tell = () => {
    const bytes = control.bytes.reduce((all, one) => all + one, 0)
    const cardMs = Math.max(...control.cardMs)
    onMoved(bytes - told.bytes, cardMs - told.cardMs)
    Object.assign(told, { bytes, cardMs })
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
    return await Promise.race([working, givenUp])
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

function createControl(): PieceControl {
  return {
    shared: new Int32Array(new SharedArrayBuffer(2 * 4)),
    bytes: new Float64Array(new SharedArrayBuffer(threadCount * 8)),
    cardMs: new Float64Array(new SharedArrayBuffer(threadCount * 8)),
    requests: new Int32Array(new SharedArrayBuffer(threadCount * 4)),
  }
}

function inThread(task: PieceTask, running: RunningTask[]): Promise<PiecesDone> {
  return new Promise((resolve, reject) => {
    const thread = startTask(
      { kind: 'pieces', ...task },
      {
        message(message) {
          thread.giveBack()
          resolve(message as PiecesDone)
        },
        died(thrown) {
          Atomics.store(task.control.shared, stopAll, 1)
          reject(thrown ?? new Error('a thread ended without a word'))
        },
      },
    )
    running.push(thread)
  })
}

/** Pieces are taken in order, and each that was taken is gone through to its end: the lowest difference is the first, and so is the lowest failure of the card. */
function together(ends: PromiseSettledResult<PiecesDone>[]): Found {
  const found: Found = { differsAt: null, differingBlocks: 0, unfinished: false, imageFailed: null }
  let lowest: Extract<PieceFailure, { is: 'card' }> | null = null
  for (const end of ends) {
    if (end.status === 'rejected') throw end.reason
    const { differsAt, differingBlocks, unfinished, failed } = end.value
    if (failed?.is === 'card' && failed.offset < (lowest?.offset ?? Number.POSITIVE_INFINITY)) lowest = failed
    if (failed?.is === 'image') found.imageFailed = fromValue(failed.error)
    if (differsAt !== null) found.differsAt = Math.min(differsAt, found.differsAt ?? differsAt)
    found.differingBlocks += differingBlocks
    found.unfinished ||= unfinished
  }
  if (lowest) throw new RequestFailure(lowest.code, lowest.message, lowest.offset)
  return found
}

/** Sees from the counts of requests, as `PieceControl` has them, whether a card has stopped answering. */
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
