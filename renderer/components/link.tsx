import type { ReactNode } from 'react'
import { addressOf, type Route } from '../state/route.ts'

interface LinkProps {
  to: Route
  className?: string
  current?: boolean
  children: ReactNode
  label?: string
}

export function Link({ to, className, current = false, children, label }: LinkProps) {
  return (
    <a href={addressOf(to)} className={className} aria-current={current ? 'page' : undefined} aria-label={label}>
      {children}
    </a>
  )
}
