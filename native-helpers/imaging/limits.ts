import { cancelled, LivecardError } from '../errors.ts'

/** What bounds the work on one target; the defaults suit cards and sticks. */
export interface WriteLimits {
  /** Writes that one target has in flight. Two keep a drive busy while the first is being answered; more gained nothing. */
  inFlight: number
  /** A request that was not answered after this long will not be: cards pause for seconds when they tidy up, never for a minute. */
  answerWithinMs: number
}

export const defaultLimits: WriteLimits = { inFlight: 2, answerWithinMs: 60_000 }

/** Flushing may have to empty the cache of the drive, and for a card image file that of the system, with gigabytes in it. */
const flushFactor = 10

/** For a target that failed or was given up. Its descriptor is closed as soon as its last request is answered; nobody waits longer for that. */
export const closeWithinMs = 5_000

export function flushWithinMs(limits: WriteLimits): number {
  return limits.answerWithinMs * flushFactor
}

/**
 * Waits for an operation that cannot be stopped, but no longer than this, and not beyond a cancel. The operation itself may go on behind
 * our back; who calls must not give its memory to anything that matters.
 */
export async function within<T>(operation: Promise<T>, waitMs: number, label: string, signal?: AbortSignal): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  let stop: (() => void) | undefined
  try {
    return await Promise.race([
      operation,
      new Promise<never>((_resolve, reject) => {
        timer = setTimeout(() => reject(driveHangs(label, waitMs)), waitMs)
        if (!signal) return
        stop = () => reject(cancelled())
        if (signal.aborted) stop()
        else signal.addEventListener('abort', stop, { once: true })
      }),
    ])
  } finally {
    clearTimeout(timer)
    if (stop) signal?.removeEventListener('abort', stop)
    operation.catch(() => {})
  }
}

/** Waits for an operation, but not beyond a cancel. */
export async function untilAborted<T>(operation: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop: () => void = () => {}
  const aborted = new Promise<never>((_resolve, reject) => {
    stop = () => reject(cancelled())
  })
  operation.catch(() => {})
  if (signal.aborted) throw cancelled()
  signal.addEventListener('abort', stop, { once: true })
  try {
    return await Promise.race([operation, aborted])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

export function driveHangs(label: string, waitMs: number): LivecardError {
  return new LivecardError('failed', 'drive-hangs', {
    message: `${label} has not answered for ${Math.round(waitMs / 1000)} seconds.`,
    meaning: 'It was given up, so that others can go on. What is on it is incomplete.',
    next: 'Pull it out and plug it in again, in another port if you can. If it hangs again, the card or its reader is broken.',
  })
}
