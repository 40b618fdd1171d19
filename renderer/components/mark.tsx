/** A state at a glance: a shape of its own for each, so that it can be told without colour. The word stands beside it. */
export type MarkKind = 'good' | 'bad' | 'warn' | 'busy' | 'locked'

export function Mark({ kind }: { kind: MarkKind }) {
  return <span className={`mark mark-${kind}`} aria-hidden="true" />
}
