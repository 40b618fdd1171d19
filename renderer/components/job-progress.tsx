/** How far a job is: per cent, time left, the speed curve and what limits it. */
import type { Job } from '../../native-helpers/contract.ts'
import { format, t } from '../i18n/index.ts'
import { SpeedCurve } from './speed-curve.tsx'
import { UsageBar } from './usage-bar.tsx'

export function JobProgress({ job, connected }: { job: Job; connected: boolean }) {
  const { progress } = job
  const percent = progress.fraction === null ? null : format.percent(progress.fraction)
  return (
    <section className="sheet progress" aria-label={phaseWord(job)}>
      <div className="progress-head">
        <span className="big">{percent ?? format.size(progress.doneBytes)}</span>
        <span className="progress-left">
          <strong>{connected ? timeLeft(job) : t.job.leftNotKnown}</strong>
          <small title={format.exact(progress.doneBytes)}>{soFar(job)}</small>
        </span>
      </div>
      <UsageBar label={phaseWord(job)} fraction={progress.fraction} thick state={connected ? job.state : 'cancelled'} />
      <SpeedCurve points={progress.curve} totalBytes={progress.totalBytes} />
      <dl className="facts">
        <Fact name={t.job.speedNow} value={format.speed(progress.bytesPerSecond)} />
        <Fact name={t.job.average} value={format.speed(progress.averageBytesPerSecond)} />
        <Fact name={t.job.limitedBy} value={progress.limitedBy ? t.job.limits[progress.limitedBy] : t.job.limitNone} />
        <Fact
          name={t.job.leftOut}
          value={progress.skippedBytes > 0 ? format.size(progress.skippedBytes) : t.job.leftOutNone}
          title={format.exact(progress.skippedBytes)}
        />
      </dl>
      <Announcement job={job} />
    </section>
  )
}

export function Fact({ name, value, title }: { name: string; value: string; title?: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd title={title}>{value}</dd>
    </div>
  )
}

/** Read out by a screen reader whenever its text changes: at a new step and every ten per cent. */
function Announcement({ job }: { job: Job }) {
  const { fraction } = job.progress
  const tens = fraction === null ? null : Math.floor(fraction * 10 + 1e-9) / 10
  return (
    <p className="unseen" role="status">
      {tens === null ? phaseWord(job) : t.job.announce(phaseWord(job), format.percent(tens))}
    </p>
  )
}

export function phaseWord(job: Job): string {
  const words = {
    preparing: t.job.stepPreparing,
    writing: t.job.stepWriting,
    flushing: t.job.stepWriting,
    verifying: job.kind === 'flash' ? t.job.stepReading : t.job.stepComparing,
    finishing: t.job.stepFinishing,
    ended: t.job.stepDone,
  }
  return words[job.progress.phase]
}

/** Of the step that runs; the per cent are of the whole job, writing and reading back. */
function soFar({ kind, progress }: Job): string {
  const amount =
    progress.totalBytes === null ? format.size(progress.doneBytes) : format.sizeOf(progress.doneBytes, progress.totalBytes)
  return kind === 'verify' || progress.phase === 'verifying' ? t.job.soFarRead(amount) : t.job.soFarWritten(amount)
}

function timeLeft({ progress }: Job): string {
  if (progress.phase === 'flushing') return t.job.flushing
  if (progress.phase === 'finishing') return t.job.leftAlmost
  if (progress.secondsLeft === null) return t.job.leftUnknown
  return progress.secondsLeft < 1 ? t.job.leftAlmost : t.job.left(format.duration(progress.secondsLeft))
}
