import type { ReactNode } from 'react'
import { unbroken } from '../i18n/format.ts'
import { useHeadingFocus } from './use-heading-focus.ts'
import { useWindowTitle } from './use-window-title.ts'

interface ScreenProps {
  title: string
  sub?: ReactNode
  actions?: ReactNode
  /** The screen that the app begins with. */
  isStart?: boolean
  children: ReactNode
}

/** The right part's frame: one heading, what it is about, its actions. */
export function Screen({ title, sub, actions, isStart = false, children }: ScreenProps) {
  const heading = useHeadingFocus()
  useWindowTitle(isStart ? null : title)
  return (
    <div className="screen">
      <header className="screen-head">
        <div className="grow">
          <h1 ref={heading} tabIndex={-1}>
            {unbroken(title)}
          </h1>
          {sub ? <p>{sub}</p> : null}
        </div>
        {actions ? <div className="actions">{actions}</div> : null}
      </header>
      {children}
    </div>
  )
}
