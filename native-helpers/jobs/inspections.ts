import type { Report } from '../contract-report.ts'
import { inspect } from './inspect.ts'
import { inspectStopped } from './inspect-errors.ts'

export interface AskedInspection {
  path: string
  base: string | null
  /** By which the asking side may stop it. */
  ticket: string | null
}

/** Each has a thread and memory of its own. */
const atOnce = 2

/** The inspections that the interfaces ask for: a few at a time, each of which can be stopped. */
export class Inspections {
  readonly #running = new Map<object, { ticket: string | null; caller: object; controller: AbortController }>()
  readonly #waiting: (() => void)[] = []
  #busy = 0

  async run(asked: AskedInspection, caller: object): Promise<Report> {
    const controller = new AbortController()
    const key = {}
    this.#running.set(key, { ticket: asked.ticket, caller, controller })
    try {
      return await this.#inTurn(controller.signal, () => inspect(asked, { signal: controller.signal }))
    } finally {
      this.#running.delete(key)
    }
  }

  /** One that ended already, or was never asked for, is none to stop. */
  stop(ticket: string): void {
    this.#abort((one) => one.ticket === ticket)
  }

  /** Nobody waits for the answers any more. */
  stopAllOf(caller: object): void {
    this.#abort((one) => one.caller === caller)
  }

  #abort(which: (one: { ticket: string | null; caller: object }) => boolean): void {
    for (const one of this.#running.values()) if (which(one)) one.controller.abort()
  }

  async #inTurn<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    while (this.#busy >= atOnce) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    if (signal.aborted) {
      this.#waiting.shift()?.()
      throw inspectStopped()
    }
    this.#busy += 1
    try {
      return await work()
    } finally {
      this.#busy -= 1
      this.#waiting.shift()?.()
    }
  }
}
