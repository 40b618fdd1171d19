import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

let collector: (() => void) | null = null

/**
 * Gives the memory of an ended job back at once. It is a few large blocks outside of the heap, which do not hurry the collector: without this, the memory
 * of several jobs would add up in a helper that runs all day, and in threads that wait for their next task. Takes some milliseconds.
 */
export function collectGarbage(): void {
  collector ??= findCollector()
  collector()
}

function findCollector(): () => void {
  try {
    setFlagsFromString('--expose-gc')
    const collect: unknown = runInNewContext('gc')
    setFlagsFromString('--no-expose-gc')
    if (typeof collect === 'function') return () => void collect()
  } catch {
    // A runtime that does not allow it collects when it sees fit.
  }
  return () => {}
}
