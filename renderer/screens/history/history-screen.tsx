import type { Job } from '../../../native-helpers/contract.ts'
import { ErrorFinding } from '../../components/finding.tsx'
import { jobWhere, wasVerified } from '../../components/job-words.ts'
import { Link } from '../../components/link.tsx'
import { Mark, type MarkKind } from '../../components/mark.tsx'
import { Screen } from '../../components/screen.tsx'
import { format, t } from '../../i18n/index.ts'
import { useChanges } from '../../state/changes.ts'
import { useHistory } from '../../state/history.ts'
import { imageTitle } from '../../state/image.ts'
import { UndoFiles } from './undo-files.tsx'

const marks: Record<Job['state'], MarkKind> = { running: 'busy', done: 'good', failed: 'bad', cancelled: 'warn' }

export function HistoryScreen() {
  const { jobs, error } = useHistory()
  const canTakeBack = useChanges((state) => state.undoFiles.length > 0)
  return (
    <Screen title={t.history.title} sub={t.history.sub}>
      {error ? <ErrorFinding error={error} /> : null}
      <UndoFiles />
      {canTakeBack && jobs.length > 0 ? <h2 className="section-title">{t.change.history.jobs}</h2> : null}
      {jobs.length === 0 && canTakeBack ? null : jobs.length === 0 ? (
        <section className="sheet empty">
          <h2>{t.history.none}</h2>
          <p className="soft">{t.history.noneText}</p>
        </section>
      ) : (
        <ul className="history">
          {jobs.map((job) => (
            <li key={job.id}>
              <Link to={{ screen: 'job', id: job.id }} className="history-line">
                <Mark kind={marks[job.state]} />
                <span className="history-words">
                  <strong>
                    {job.kind === 'flash'
                      ? t.history.wrote(imageTitle(job.imageName), jobWhere(job))
                      : t.history.compared(imageTitle(job.imageName), jobWhere(job))}
                  </strong>
                  <span>{stateWord(job)}</span>
                </span>
                <time dateTime={new Date(job.startedAt).toISOString()}>{format.date(job.startedAt)}</time>
              </Link>
            </li>
          ))}
        </ul>
      )}
    </Screen>
  )
}

function stateWord(job: Job): string {
  if (job.state !== 'done') return t.history.states[job.state]
  if (job.kind === 'verify') return t.states.same
  return wasVerified(job) ? t.states.written : t.states.writtenUnchecked
}
