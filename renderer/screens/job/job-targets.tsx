import type { ErrorValue, Job, JobTarget } from '../../../native-helpers/contract.ts'
import { Mark, type MarkKind } from '../../components/mark.tsx'
import { UsageBar } from '../../components/usage-bar.tsx'
import { errorWords, format, t } from '../../i18n/index.ts'

const marks: Record<JobTarget['state'], MarkKind | null> = {
  waiting: null,
  running: 'busy',
  done: 'good',
  failed: 'bad',
  cancelled: 'warn',
}

/** Every drive of a job that has several: each fails and finishes alone. */
export function JobTargets({ job }: { job: Job }) {
  return (
    <section className="sheet">
      <h2>{t.job.targets}</h2>
      <ul className="job-targets">
        {job.targets.map((target) => (
          <li key={target.path}>
            <div className="job-target-head">
              <strong>{target.label}</strong>
              <code className="job-target-path">{target.path}</code>
              <span className="job-target-state">
                {marks[target.state] ? <Mark kind={marks[target.state] ?? 'busy'} /> : null}
                {t.job.targetStates[target.state]}
              </span>
            </div>
            <UsageBar label={target.label} fraction={fractionOf(job, target)} state={target.state} />
            {target.error ? (
              <TargetError error={target.error} />
            ) : (
              <small className="soft">
                {format.size(job.progress.phase === 'verifying' ? target.verifiedBytes : target.writtenBytes)}
              </small>
            )}
          </li>
        ))}
      </ul>
    </section>
  )
}

/** Of the phase that runs, as each drive is at its own place in it. */
function fractionOf(job: Job, target: JobTarget): number | null {
  if (target.state === 'done') return 1
  const total = job.progress.totalBytes
  if (total === null) return target.state === 'running' ? null : 0
  if (total === 0) return 0
  const reading = job.kind === 'verify' || job.progress.phase === 'verifying'
  return Math.min(1, (reading ? target.verifiedBytes : target.writtenBytes) / total)
}

function TargetError({ error }: { error: ErrorValue }) {
  const words = errorWords(error)
  return (
    <div className="target-error">
      <p>{words?.message ?? error.message}</p>
      {words && words.meaning === null ? <p lang="en">{error.message}</p> : null}
      <p className="soft">
        {words?.meaning ?? error.meaning} {words?.next ?? error.next}
      </p>
    </div>
  )
}
