import { type KeyboardEvent, useState } from 'react'

/** How far each key goes: one on or back, a row of `columns`, or to an end. Null for keys that are none of these. */
export function movedTo(key: string, from: number, count: number, columns: number): number | null {
  const steps: Record<string, number> = {
    ArrowRight: 1,
    ArrowLeft: -1,
    ArrowDown: columns,
    ArrowUp: -columns,
    PageDown: columns * 4,
    PageUp: columns * -4,
    Home: -count,
    End: count,
  }
  const step = steps[key]
  return step === undefined ? null : Math.min(count - 1, Math.max(0, from + step))
}

/** One stop of the Tab key for a row of things; the arrow keys go from one to the next. */
export function useRoving(count: number, columns = 1) {
  const [wanted, setWanted] = useState(0)
  const current = Math.min(wanted, Math.max(0, count - 1))
  const onKeyDown = (event: KeyboardEvent): number | null => {
    if (event.ctrlKey || event.metaKey || event.altKey) return null
    const next = movedTo(event.key, current, count, columns)
    if (next === null) return null
    event.preventDefault()
    setWanted(next)
    return next
  }
  return { current, setCurrent: setWanted, onKeyDown }
}
