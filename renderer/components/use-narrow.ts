import { useSyncExternalStore } from 'react'

/** The same border as in styles/frame.css. */
const narrow = window.matchMedia('(max-width: 719px)')

/** Whether the window has room for one part only. */
export function useNarrow(): boolean {
  return useSyncExternalStore(
    (changed) => {
      narrow.addEventListener('change', changed)
      return () => narrow.removeEventListener('change', changed)
    },
    () => narrow.matches,
  )
}
