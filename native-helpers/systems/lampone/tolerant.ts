import type { Parsed } from '../../volumes/problem.ts'
import { attempt } from '../attempt.ts'

/** What a reader answers; a bad place that it meets is its problem too. A card that is gone is thrown on. */
export async function readOr<T>(read: () => Parsed<T> | Promise<Parsed<T>>): Promise<Parsed<T>> {
  const { value, problem } = await attempt(read)
  return value ?? { value: null, problem }
}

/** For what is left out of a report where it cannot be read. */
export async function valueOr<T, Other>(other: Other, read: () => T | Promise<T>): Promise<T | Other> {
  const { value, problem } = await attempt(read)
  return problem ? other : value
}
