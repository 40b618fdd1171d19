/** An archive while it is made, and after. It is made to its end while the user looks elsewhere; stopping it leaves nothing behind. */
import { useState } from 'react'
import type { BackupJob } from '../../../native-helpers/contract.ts'
import { Button } from '../../components/button.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { ErrorFinding, Finding } from '../../components/finding.tsx'
import { Fact } from '../../components/job-progress.tsx'
import { Link } from '../../components/link.tsx'
import { Screen } from '../../components/screen.tsx'
import { UsageBar } from '../../components/usage-bar.tsx'
import { format, t } from '../../i18n/index.ts'
import { backupFraction, useBackup } from '../../state/backup.ts'
import { ask, useConnected } from '../../state/connection.ts'
import { cardRoute } from '../change/change-words.ts'
import { Sentences } from '../change/plan-parts.tsx'

export function BackupJobScreen({ id }: { id: string }) {
  const job = useBackup((state) => state.jobs[id])
  if (!job) {
    return (
      <Screen title={t.backup.gone} sub={t.backup.goneText}>
        <p>
          <Link to={{ screen: 'home' }} className="button button-plain">
            {t.backup.home}
          </Link>
        </p>
      </Screen>
    )
  }
  return job.state === 'running' ? <Running job={job} /> : <Result job={job} />
}

function Running({ job }: { job: BackupJob }) {
  const [asking, setAsking] = useState(false)
  const connected = useConnected()
  const fraction = backupFraction(job)
  const percent = format.percent(fraction ?? 0)
  const tens = format.percent(Math.floor((fraction ?? 0) * 10 + 1e-9) / 10)
  const stop = () => {
    setAsking(false)
    void ask('backup.cancel', { jobId: job.id })
  }
  return (
    <Screen
      title={t.backup.running(job.label)}
      sub={t.backup.runningText}
      actions={connected ? <Button onPress={() => setAsking(true)}>{t.backup.stop}</Button> : null}
    >
      <section className="sheet progress" aria-label={t.backup.saving}>
        <div className="progress-head">
          <span className="big">{percent}</span>
          <span className="progress-left">
            <strong>{connected ? t.backup.saving : t.change.running.lost}</strong>
            {job.totalBytes === 0 ? null : (
              <small title={format.exact(job.doneBytes)}>
                {format.sizeOf(job.doneBytes, job.totalBytes)} ·{' '}
                {t.backup.filesOf(format.number(job.doneFiles), format.number(job.totalFiles))}
              </small>
            )}
          </span>
        </div>
        <UsageBar label={t.backup.saving} fraction={fraction ?? 0} thick state={connected ? 'running' : 'cancelled'} />
        <p className="unseen" role="status">
          {t.change.running.announce(t.backup.saving, tens)}
        </p>
        <dl className="rows">
          <div>
            <dt>{t.backup.file}</dt>
            <dd>
              <code>{job.file}</code>
            </dd>
          </div>
        </dl>
      </section>
      <Dialog title={t.backup.stopTitle} isOpen={asking} onLeave={() => setAsking(false)} role="alertdialog">
        <p>{t.backup.stopText}</p>
        <div className="dialog-actions">
          <Button onPress={() => setAsking(false)}>{t.backup.goOn}</Button>
          <Button look="danger" onPress={stop}>
            {t.backup.stopAct}
          </Button>
        </div>
      </Dialog>
    </Screen>
  )
}

function Result({ job }: { job: BackupJob }) {
  const { label, path, file, state, error, result, startedAt, endedAt } = job
  return (
    <Screen title={t.backup.result(label)} sub={endedAt === null ? null : format.date(endedAt)}>
      {state === 'cancelled' ? (
        <Finding kind="warn" title={t.backup.stopped} urgent>
          <p>{t.backup.stoppedText}</p>
        </Finding>
      ) : error ? (
        <ErrorFinding error={error} />
      ) : null}
      {result && result.unread === 0 ? (
        <Finding kind="good" title={t.backup.done(result.files, format.number(result.files))} urgent>
          <p>{t.backup.doneText}</p>
          <p>
            <code>{file}</code>
          </p>
        </Finding>
      ) : null}
      {result && result.unread > 0 ? (
        <Finding kind="warn" title={t.backup.unread(result.unread, format.number(result.unread))} urgent>
          <p>{t.backup.unreadText}</p>
          <Sentences sentences={result.left.slice(0, mostTold).map((one) => `${one.path.toWellFormed()}: ${one.why}.`)} />
          <p>
            <code>{file}</code>
          </p>
        </Finding>
      ) : null}
      {result ? (
        <section className="sheet">
          <dl className="facts">
            <Fact name={t.backup.archive} value={format.size(result.archiveBytes)} title={format.exact(result.archiveBytes)} />
            <Fact name={t.backup.content} value={format.size(result.bytes)} title={format.exact(result.bytes)} />
            {endedAt === null ? null : <Fact name={t.change.result.took} value={format.moment(endedAt - startedAt)} />}
            <Fact name={t.change.undo.card} value={path} />
          </dl>
        </section>
      ) : null}
      <div className="screen-end">
        {result ? null : (
          <Link to={{ screen: 'backup', path }} className="button button-plain">
            {t.backup.again}
          </Link>
        )}
        <span className="grow" />
        <Link to={cardRoute(path)} className="button button-primary">
          {t.change.plan.toCard}
        </Link>
      </div>
    </Screen>
  )
}

const mostTold = 10
