/** Something a person should know, with its remedy beside it. */
import type { ReactNode } from 'react'
import type { ErrorValue } from '../../native-helpers/contract.ts'
import { errorWords, t } from '../i18n/index.ts'
import { DangerIcon, DoneIcon, NoticeIcon } from './icons.tsx'

export type FindingKind = 'bad' | 'warn' | 'good' | 'plain'

const icons = { bad: DangerIcon, warn: NoticeIcon, good: DoneIcon, plain: NoticeIcon }

interface FindingProps {
  kind: FindingKind
  title: string
  children?: ReactNode
  action?: ReactNode
  /** Read out as soon as it appears. */
  urgent?: boolean
}

export function Finding({ kind, title, children, action, urgent = false }: FindingProps) {
  const Icon = icons[kind]
  return (
    <div className={`finding finding-${kind}`} role={urgent ? 'alert' : undefined}>
      <Icon />
      <div className="finding-text">
        <strong>{title}</strong>
        {children}
      </div>
      {action ? <div className="finding-action">{action}</div> : null}
    </div>
  )
}

/** An error in its three parts: what happened, what that means for the data, what to do now. */
export function ErrorFinding({ error, action }: { error: ErrorValue; action?: ReactNode }) {
  const words = errorWords(error)
  const untranslated = words !== null && (words.meaning === null || words.next === null)
  return (
    <Finding kind={error.kind === 'cancelled' ? 'warn' : 'bad'} title={words?.message ?? error.message} action={action} urgent>
      <dl className="error-parts">
        {untranslated ? (
          <>
            <dt>{t.result.verbatim}</dt>
            <dd lang="en">{error.message}</dd>
          </>
        ) : null}
        <dt>{t.result.means}</dt>
        <dd lang={untranslated ? 'en' : undefined}>{words?.meaning ?? error.meaning}</dd>
        <dt>{t.result.next}</dt>
        <dd lang={untranslated ? 'en' : undefined}>{words?.next ?? error.next}</dd>
      </dl>
      <small className="error-code">{t.result.code(error.code)}</small>
    </Finding>
  )
}
