/** The right part's frame: one heading, what it is about, its actions. After a move the heading takes the focus, so that a screen reader reads it. */
import { type ReactNode, useEffect, useRef } from 'react'
import { useRoute } from '../state/route.ts'

interface ScreenProps {
  title: string
  sub?: ReactNode
  actions?: ReactNode
  children: ReactNode
}

export function Screen({ title, sub, actions, children }: ScreenProps) {
  const heading = useRef<HTMLHeadingElement>(null)
  const moves = useRoute((state) => state.moves)

  useEffect(() => {
    if (moves > 0) heading.current?.focus()
  }, [moves])

  return (
    <div className="screen">
      <title>{`${title} – Livecard`}</title>
      <header className="screen-head">
        <div className="grow">
          <h1 ref={heading} tabIndex={-1}>
            {title}
          </h1>
          {sub ? <p>{sub}</p> : null}
        </div>
        {actions ? <div className="actions">{actions}</div> : null}
      </header>
      {children}
    </div>
  )
}
