import { useEffect, useState } from 'react'
import type { ErrorValue, Growing } from '../../native-helpers/contract.ts'
import { ask } from '../state/connection.ts'
import { baseOf } from '../state/planning.ts'

export type AskedGrowing = { state: 'asking' } | { state: 'failed'; error: ErrorValue } | { state: 'known'; parts: Growing[] }

/** Of this window alone: another may read the same card. */
const session = crypto.randomUUID()
let timesAsked = 0

/** What on a card can be made larger. Reading it stops when nobody looks any more. */
export function useGrowing(path: string): { asked: AskedGrowing; again: () => void } {
  const [turn, setTurn] = useState(0)
  const [asked, setAsked] = useState<AskedGrowing & { turn?: number }>({ state: 'asking' })
  useEffect(() => {
    let isWaiting = true
    const ticket = `growing ${session} ${++timesAsked}`
    void ask('changes.growing', { path, base: baseOf(path), ticket }).then((outcome) => {
      if (!isWaiting) return
      isWaiting = false
      setAsked(outcome.ok ? { state: 'known', parts: outcome.value, turn } : { state: 'failed', error: outcome.error, turn })
    })
    return () => {
      if (isWaiting) void ask('changes.stop', { ticket })
      isWaiting = false
    }
  }, [path, turn])
  return { asked: asked.turn === turn ? asked : { state: 'asking' }, again: () => setTurn(turn + 1) }
}
