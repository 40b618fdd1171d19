import type { ReactNode } from 'react'

interface StepProps {
  number: number
  name: string
  hint?: string
  done: boolean
  children: ReactNode
}

/** One of the decisions; its number becomes a tick once it has been taken. */
export function Step({ number, name, hint, done, children }: StepProps) {
  const id = `step-${number}`
  return (
    <section className={`sheet flash-step${done ? ' flash-step-done' : ''}`} aria-labelledby={id}>
      <h2 id={id}>
        <span className="step-sign" aria-hidden="true">
          {done ? '✓' : number}
        </span>
        {name}
        {hint ? <span className="hint">{hint}</span> : null}
      </h2>
      {children}
    </section>
  )
}
