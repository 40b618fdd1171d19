import type { ByteRange } from './write-map.ts'
import { alignDown, alignUp } from './write-ranges.ts'

/** A shorter gap costs a card more to jump over than to write. */
export const minGapBytes = 65536

/** Shared by all lists of one image: what does not fit any more is written. */
export class RunBudget {
  left: number

  constructor(runs: number) {
    this.left = runs
  }
}

/** Parts of the image that one volume does not use, in whole alignment units, dropped as the image passes them. */
export class FreeRuns {
  readonly #budget: RunBudget
  #runs: ByteRange[] = []
  #sorted = true

  constructor(budget: RunBudget) {
    this.#budget = budget
  }

  /** What lies before `knownFrom` may have passed already and does not count. */
  add(start: number, end: number, knownFrom: number): void {
    const run = { start: alignUp(Math.max(start, knownFrom)), end: alignDown(end) }
    if (run.end - run.start < minGapBytes || this.#budget.left === 0) return
    const last = this.#runs.at(-1)
    if (last && last.end > run.start) this.#sorted = false
    this.#runs.push(run)
    this.#budget.left -= 1
  }

  /** Takes back what was told from `position` on. */
  forgetFrom(position: number): void {
    this.#keep(this.#runs.filter((run) => run.start < position))
    for (const run of this.#runs) run.end = Math.min(run.end, alignDown(position))
  }

  /** The runs that touch [start, end), in order; forgets those that end before it. */
  touching(start: number, end: number): readonly ByteRange[] {
    if (!this.#sorted) {
      this.#runs.sort((a, b) => a.start - b.start)
      this.#sorted = true
    }
    const passed = firstIndex(this.#runs, (run) => run.end > start)
    if (passed > 0) this.#keep(this.#runs.slice(passed))
    return this.#runs.slice(
      0,
      firstIndex(this.#runs, (run) => run.start >= end),
    )
  }

  #keep(runs: ByteRange[]): void {
    this.#budget.left += this.#runs.length - runs.length
    this.#runs = runs
  }
}

/** Of the first run for which `holds`, where it holds for all behind it too. */
function firstIndex(runs: readonly ByteRange[], holds: (run: ByteRange) => boolean): number {
  let low = 0
  let high = runs.length
  while (low < high) {
    const middle = (low + high) >> 1
    const run = runs[middle]
    if (run && holds(run)) high = middle
    else low = middle + 1
  }
  return low
}
