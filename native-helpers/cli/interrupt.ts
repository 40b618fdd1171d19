import { exitCodes, LivecardError } from '../errors.ts'

/** From the first Ctrl-C (or a polite end by the system) on, `signal` is aborted; a second Ctrl-C does not wait for anything. */
export interface Interrupt {
  readonly signal: AbortSignal
  /** Ctrl-C means to this process again what it means to any. */
  release(): void
}

const polite = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

export function watchInterrupt(onFirst: () => void): Interrupt {
  const controller = new AbortController()
  const listener = (name: NodeJS.Signals) => {
    if (!controller.signal.aborted) {
      controller.abort()
      onFirst()
    } else if (name === 'SIGINT') process.exit(exitCodes.cancelled)
  }
  for (const name of polite) process.on(name, listener)
  return {
    signal: controller.signal,
    release() {
      for (const name of polite) process.off(name, listener)
    },
  }
}

/** Interrupted while it was looked at, planned or asked: no job had begun. */
export function stoppedEarly(): LivecardError {
  return new LivecardError('cancelled', 'cancelled', {
    message: 'Stopped before anything was written.',
    meaning: 'Nothing was changed.',
    next: 'Start again when you like.',
  })
}
