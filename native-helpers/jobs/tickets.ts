/** Who asked: a channel that may close while its answer is still being made. */
export interface Asker {
  onClose(listener: () => void): void
}

/** Work that an interface asks for and may stop again: by the ticket that it gave with it, or by going away. */
export class Tickets {
  readonly #running = new Map<AbortController, { ticket: string | null; asker: Asker }>()
  readonly #known = new WeakSet<Asker>()

  async run<T>(ticket: string | null, asker: Asker, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (!this.#known.has(asker)) {
      this.#known.add(asker)
      // Nobody waits for the answers any more.
      asker.onClose(() => this.#abort((one) => one.asker === asker))
    }
    const controller = new AbortController()
    this.#running.set(controller, { ticket, asker })
    try {
      return await work(controller.signal)
    } finally {
      this.#running.delete(controller)
    }
  }

  /** Work that ended already, or was never asked for, is none to stop. */
  stop(ticket: string): void {
    this.#abort((one) => one.ticket === ticket)
  }

  #abort(which: (one: { ticket: string | null; asker: Asker }) => boolean): void {
    for (const [controller, one] of this.#running) if (which(one)) controller.abort()
  }
}
