import type { Report } from '../contract-report.ts'
import { inspect } from './inspect.ts'
import { inspectStopped } from './inspect-errors.ts'

export interface AskedInspection {
  path: string
  base: string | null
}

/** Each has a thread and memory of its own. */
const atOnce = 2

/** The inspections that the interfaces ask for: a few at a time, each of which can be stopped. */
export class Inspections {
  readonly #waiting: (() => void)[] = []
  #busy = 0

  async run(asked: AskedInspection, signal: AbortSignal): Promise<Report> {
    while (this.#busy >= atOnce) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    if (signal.aborted) {
      this.#waiting.shift()?.()
      throw inspectStopped()
    }
    this.#busy += 1
    try {
      return await inspect(asked, { signal })
    } finally {
      this.#busy -= 1
      this.#waiting.shift()?.()
    }
  }
}
