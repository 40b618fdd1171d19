/** What the plans of changes have in common: how they say that they are being made, and the helper's own sentences. */
import type { ReactNode } from 'react'
import { Mark } from '../../components/mark.tsx'
import { language } from '../../i18n/index.ts'

/** The helper's sentences are English whatever the interface speaks. */
export const helperLanguage = language === 'en' ? undefined : 'en'

export function Making({ title, text, action }: { title: string; text?: string; action?: ReactNode }) {
  return (
    <div className="looking-sheet sheet">
      <Mark kind="busy" />
      <div className="grow">
        <strong>{title}</strong>
        {text ? <p className="soft">{text}</p> : null}
      </div>
      {action}
    </div>
  )
}

/** Sentences of the helper as a list; a single one without its bullet, and where there is none what is said instead. */
export function Sentences({ sentences, none }: { sentences: readonly string[]; none?: string }) {
  if (sentences.length === 0) return none === undefined ? null : <p>{none}</p>
  if (sentences.length === 1) return <p lang={helperLanguage}>{sentences[0]}</p>
  return (
    <ul className="plan-list" lang={helperLanguage}>
      {sentences.map((sentence) => (
        <li key={sentence}>{sentence}</li>
      ))}
    </ul>
  )
}
