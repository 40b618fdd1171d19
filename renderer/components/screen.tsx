import type { ReactNode } from 'react'
import { useHeadingFocus } from './use-heading-focus.ts'

interface ScreenProps {
  title: string
  sub?: ReactNode
  actions?: ReactNode
  children: ReactNode
}

/** The right part's frame: one heading, what it is about, its actions. */
export function Screen({ title, sub, actions, children }: ScreenProps) {
  const heading = useHeadingFocus()
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
