import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/**
 * Gives the memory of an ended job back at once. It is a few large blocks outside of the heap, which do not hurry the collector: without this, the memory
 * of several jobs would add up in a helper that runs all day. Takes some milliseconds, once per job.
 */
export function collectGarbage(): void {
  try {
    setFlagsFromString('--expose-gc')
    const collect: unknown = runInNewContext('gc')
    setFlagsFromString('--no-expose-gc')
    if (typeof collect === 'function') collect()
  } catch {
    // A runtime that does not allow it collects when it sees fit.
  }
}
