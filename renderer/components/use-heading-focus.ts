import { type RefObject, useEffect, useRef } from 'react'
import { useRoute } from '../state/route.ts'

/** After a move the new screen's heading takes the focus, so that a screen reader reads it and Tab goes on from there. */
export function useHeadingFocus(): RefObject<HTMLHeadingElement | null> {
  const heading = useRef<HTMLHeadingElement>(null)
  const moves = useRoute((state) => state.moves)
  useEffect(() => {
    if (moves === 0) return
    window.scrollTo(0, 0)
    heading.current?.focus({ preventScroll: true })
  }, [moves])
  return heading
}
