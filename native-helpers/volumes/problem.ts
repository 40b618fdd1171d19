/** Something that is wrong with, or not known about, what lies on a card. A value: the reader goes on, or gives up and says why. */
export interface Problem {
  /** Stable, for scripts and tests. */
  code: string
  /** A clause for people, without a full stop. */
  detail: string
}

export type Parsed<T> = { value: T; problem: null } | { value: null; problem: Problem }

export function parsed<T>(value: T): Parsed<T> {
  return { value, problem: null }
}

export function unusable(code: string, detail: string): { value: null; problem: Problem } {
  return { value: null, problem: { code, detail } }
}
