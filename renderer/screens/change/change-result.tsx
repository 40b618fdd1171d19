/** How a change of a card ended: what was written, whether the card is well now, and how to take it back. */
import type { Change, ChangeJobName, Finding as ReportFinding } from '../../../native-helpers/contract.ts'
import { ErrorFinding, Finding } from '../../components/finding.tsx'
import { Fact } from '../../components/job-progress.tsx'
import { Link } from '../../components/link.tsx'
import { Screen } from '../../components/screen.tsx'
import { findingWords, format, t } from '../../i18n/index.ts'
import { worstFirst } from '../../state/card-health.ts'
import { useChanges, writtenBytes } from '../../state/changes.ts'
import { isDevice } from '../../state/drives.ts'
import { firstRoute } from '../../state/route.ts'
import { cardRoute } from './change-words.ts'

export function ChangeResult({ change }: { change: Change }) {
  return (
    <Screen title={titleOf(change)} sub={change.endedAt === null ? null : format.date(change.endedAt)}>
      {change.error ? (
        <ErrorFinding error={change.error} />
      ) : change.job === 'undo' ? (
        <TakenBack />
      ) : (
        <Done job={change.job} change={change} />
      )}
      <Figures change={change} />
      <WayBack change={change} />
      <Ways change={change} />
    </Screen>
  )
}

function titleOf({ job, label, state }: Change): string {
  if (job !== 'undo') return t.change.jobs[job].result(label)
  return state === 'done' ? t.change.result.undo(label) : t.change.result.undoFailed(label)
}

function TakenBack() {
  return (
    <Finding kind="good" title={t.change.result.back} urgent>
      <p>{t.change.result.backText}</p>
    </Finding>
  )
}

function Done({ job, change: { report, path } }: { job: ChangeJobName; change: Change }) {
  const left = worstFirst(report?.findings ?? []).filter((finding) => finding.severity !== 'info')
  const next = isDevice(path) ? t.change.result.drive : t.change.result.file
  if (left.length === 0) {
    return (
      <Finding kind="good" title={t.change.jobs[job].well} urgent>
        <p>
          {t.change.result.wellText} {next}
        </p>
      </Finding>
    )
  }
  return (
    <Finding kind="warn" title={t.change.jobs[job].left(left.length)} urgent>
      <p>{t.change.result.leftText}</p>
      <ul className="plan-list">
        {left.map((finding) => (
          <Left key={`${finding.id} ${finding.partition} ${finding.detail}`} finding={finding} />
        ))}
      </ul>
      <p>{next}</p>
    </Finding>
  )
}

function Left({ finding }: { finding: ReportFinding }) {
  const { title, meaning, rest } = findingWords(finding)
  return (
    <li>
      {title} <span lang={rest}>{meaning}</span>
    </li>
  )
}

function Figures({ change }: { change: Change }) {
  const { startedAt, endedAt, path } = change
  const written = writtenBytes(change)
  return (
    <section className="sheet">
      <dl className="facts">
        <Fact name={t.change.result.written} value={format.size(written)} title={format.exact(written)} />
        {endedAt === null ? null : <Fact name={t.change.result.took} value={format.moment(endedAt - startedAt)} />}
        <Fact name={t.change.undo.card} value={path} />
      </dl>
    </section>
  )
}

/** Of a failed one only where something was written; the list of undo files tells. */
function WayBack({ change: { undoPath, state } }: { change: Change }) {
  const isReady = useChanges(({ undoFiles }) => undoFiles.some((file) => file.file === undoPath && file.state === 'ready'))
  if (undoPath === null || !isReady) return null
  const failed = state === 'failed'
  return (
    <Finding
      kind={failed ? 'warn' : 'plain'}
      title={failed ? t.change.result.takeFailed : t.change.result.way}
      action={
        <Link to={{ screen: 'undo', file: undoPath }} className="button button-plain">
          {t.change.result.take}
        </Link>
      }
    >
      <p>{failed ? t.change.result.takeFailedText : t.change.result.wayText}</p>
      <p>
        <code>{undoPath}</code>
      </p>
    </Finding>
  )
}

function Ways({ change: { path, job, state } }: { change: Change }) {
  const again = job !== 'undo' && state === 'failed' ? firstRoute(job, path) : null
  return (
    <div className="screen-end">
      <Link to={{ screen: 'history' }} className="button button-plain">
        {t.change.undo.toHistory}
      </Link>
      <span className="grow" />
      <Link to={cardRoute(path)} className={`button button-${again ? 'plain' : 'primary'}`}>
        {t.change.result.look}
      </Link>
      {again ? (
        <Link to={again} className="button button-primary">
          {t.change.result.again}
        </Link>
      ) : null}
    </div>
  )
}
