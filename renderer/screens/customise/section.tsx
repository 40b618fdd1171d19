import { type ReactNode, useId } from 'react'

interface SectionProps {
  title: string
  text: string
  children: ReactNode
}

/** A sheet of the form: what it is about, and fields beside each other where there is room. */
export function Section({ title, text, children }: SectionProps) {
  const id = useId()
  return (
    <section className="sheet" aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      <p className="plan-way soft">{text}</p>
      <div className="settings-fields">{children}</div>
    </section>
  )
}
