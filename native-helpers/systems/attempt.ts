import { type Parsed, parsed } from '../volumes/problem.ts'
import { problemOf } from './card.ts'

/** One bad place must not hide everything else: what a damaged volume or a bad sector throws becomes a problem. A card that is gone is thrown on. */
export async function attempt<T>(work: () => T | Promise<T>): Promise<Parsed<T>> {
  try {
    return parsed(await work())
  } catch (thrown) {
    return { value: null, problem: problemOf(thrown) }
  }
}
