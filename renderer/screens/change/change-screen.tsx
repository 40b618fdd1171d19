/** A change of a card while it is carried out, and when it has ended. It goes on while the user looks elsewhere, and cannot be stopped. */
import type { Change } from '../../../native-helpers/contract.ts'
import { Finding } from '../../components/finding.tsx'
import { Link } from '../../components/link.tsx'
import { Mark } from '../../components/mark.tsx'
import { Screen } from '../../components/screen.tsx'
import { UsageBar } from '../../components/usage-bar.tsx'
import { format, t } from '../../i18n/index.ts'
import { amountOf, changeFraction, useChanges } from '../../state/changes.ts'
import { useConnected } from '../../state/connection.ts'
import { isDevice } from '../../state/drives.ts'
import { ChangeResult } from './change-result.tsx'
import { runningHeading } from './change-words.ts'

export function ChangeScreen({ id }: { id: string }) {
  const change = useChanges((state) => state.changes[id])
  if (!change) {
    return (
      <Screen title={t.change.result.gone} sub={t.change.result.goneText}>
        <p>
          <Link to={{ screen: 'history' }} className="button button-plain">
            {t.change.undo.toHistory}
          </Link>
        </p>
      </Screen>
    )
  }
  return change.state === 'running' ? <Running change={change} /> : <ChangeResult change={change} />
}

function Running({ change }: { change: Change }) {
  const connected = useConnected()
  const { job, path, undoPath } = change
  return (
    <Screen title={runningHeading(change)} sub={t.change.running.sub}>
      <Progress change={change} connected={connected} />
      <Finding
        kind={isDevice(path) ? 'warn' : 'plain'}
        title={isDevice(path) ? t.change.running.power : t.change.running.powerFile}
      >
        <p>{powerText(job, path)}</p>
        {undoPath === null ? null : (
          <p>
            <code>{undoPath}</code>
          </p>
        )}
      </Finding>
    </Screen>
  )
}

function powerText(job: Change['job'], path: string): string {
  if (job === 'undo') return t.change.running.powerUndo
  return isDevice(path) ? t.change.running.powerText : t.change.running.powerFileText
}

function Progress({ change, connected }: { change: Change; connected: boolean }) {
  const fraction = changeFraction(change)
  const { stage, doneBytes, totalBytes } = amountOf(change)
  const phase = t.change.running.stages[stage]
  const tens = fraction === null ? 0 : Math.floor(fraction * 10 + 1e-9) / 10
  return (
    <section className="sheet progress" aria-label={phase}>
      <div className="progress-head">
        <span className="big">{format.percent(fraction ?? 0)}</span>
        <span className="progress-left">
          <strong>
            {connected ? <Mark kind="busy" /> : null} {connected ? phase : t.change.running.lost}
          </strong>
          {fraction === null ? null : (
            <small title={format.exact(doneBytes)}>{t.change.running.soFar[stage](format.sizeOf(doneBytes, totalBytes))}</small>
          )}
        </span>
      </div>
      <UsageBar label={phase} fraction={fraction ?? 0} thick state={connected ? 'running' : 'cancelled'} />
      <p className="unseen" role="status">
        {t.change.running.announce(phase, format.percent(tens))}
      </p>
    </section>
  )
}
