import type { Reading } from '../volumes/reading.ts'

/** Kept of the start of the image, for readers that look twice: partition tables, and volumes that begin right behind them. */
const historyBytes = 256 * 1024
/** More than any reader here asks for at once. */
const maxRequestBytes = 1024 * 1024

interface Task {
  reading: Reading<void>
  /** Where in the image the reader's own offset 0 lies. */
  base: number
  /** What it wants, in bytes of the image; null when it has ended. */
  want: { start: number; end: number } | null
  partial: { bytes: Uint8Array; filled: number } | null
  /** Up to where it has seen the image. What it learns is worth something from here on. */
  horizon: number
}

/**
 * Runs readers on an image that passes by once, block by block. A reader is handed what it wants if that lies at or behind what it was
 * handed before, or in the first part of the image, which is kept; else null. What a reader gets does not depend on where blocks end.
 */
export class PassingReaders {
  readonly #history = new Uint8Array(historyBytes)
  #historyFilled = 0
  #tasks: Task[] = []
  #running: Task | null = null

  /** How far the reader that is running has seen the image. */
  get horizon(): number {
    return this.#running?.horizon ?? 0
  }

  /** Starts a reader whose offsets count from `base`. May be called by a running reader; the new one then begins with what that one has seen. */
  start(base: number, reading: Reading<void>): void {
    const task: Task = { reading, base, want: null, partial: null, horizon: this.horizon }
    this.#tasks.push(task)
    this.#resume(task, null)
  }

  /** The next block of the image; blocks come in order and without gaps. */
  pass(offset: number, bytes: Uint8Array): void {
    if (offset < historyBytes) {
      const part = bytes.subarray(0, historyBytes - offset)
      this.#history.set(part, offset)
      this.#historyFilled = offset + part.length
    }
    for (let index = 0; index < this.#tasks.length; index += 1) {
      const task = this.#tasks[index]
      while (task?.want && this.#serve(task, task.want, offset, bytes));
    }
    this.#tasks = this.#tasks.filter((task) => task.want !== null)
  }

  /** False when the rest of what it wants has not come yet. */
  #serve(task: Task, want: { start: number; end: number }, offset: number, bytes: Uint8Array): boolean {
    const length = want.end - want.start
    const sound = want.start >= 0 && length > 0 && length <= maxRequestBytes && Number.isSafeInteger(want.end)
    if (sound && want.end <= historyBytes) {
      if (this.#historyFilled < want.end) return false
      return this.#resume(task, this.#history.subarray(want.start, want.end))
    }
    if (!sound || want.start < task.horizon) return this.#resume(task, null)

    const blockEnd = offset + bytes.length
    if (!task.partial) {
      if (want.start >= blockEnd) return false
      if (want.end <= blockEnd) return this.#resume(task, bytes.subarray(want.start - offset, want.end - offset))
      task.partial = { bytes: new Uint8Array(length), filled: 0 }
    }
    const { partial } = task
    const from = want.start + partial.filled - offset
    const piece = bytes.subarray(from, Math.min(bytes.length, want.end - offset))
    partial.bytes.set(piece, partial.filled)
    partial.filled += piece.length
    if (partial.filled < length) return false
    task.partial = null
    return this.#resume(task, partial.bytes)
  }

  #resume(task: Task, bytes: Uint8Array | null): boolean {
    if (bytes && task.want) task.horizon = Math.max(task.horizon, task.want.end)
    const before = this.#running
    this.#running = task
    const step = task.reading.next(bytes)
    this.#running = before
    task.want = step.done ? null : { start: task.base + step.value.start, end: task.base + step.value.start + step.value.length }
    return true
  }
}
