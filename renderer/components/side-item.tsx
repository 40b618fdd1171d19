import type { ReactNode } from 'react'
import { unbroken } from '../i18n/format.ts'
import { addressOf, type Route } from '../state/route.ts'
import { Mark, type MarkKind } from './mark.tsx'

interface SideItemProps {
  to: Route
  current: boolean
  picture: ReactNode
  name: string
  word?: string
  mark?: MarkKind | null
  onGo?: () => void
}

export function SideItem({ to, current, picture, name, word, mark = null, onGo }: SideItemProps) {
  return (
    <li>
      <a className="side-item" href={addressOf(to)} aria-current={current ? 'page' : undefined} onClick={onGo}>
        {picture}
        <span className="side-words">
          <b title={name}>{unbroken(name)}</b>
          {word ? <small title={word}>{word}</small> : null}
        </span>
        {mark ? <Mark kind={mark} /> : null}
      </a>
    </li>
  )
}
