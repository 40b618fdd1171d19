/** How a job ended: what was verified, what did not work, and what to do with the card now. */
import type { Job } from '../../../native-helpers/contract.ts'
import { Button } from '../../components/button.tsx'
import { Checks } from '../../components/checks.tsx'
import { ErrorFinding, Finding } from '../../components/finding.tsx'
import { Fact } from '../../components/job-progress.tsx'
import { jobWhere, wasVerified } from '../../components/job-words.ts'
import { Link } from '../../components/link.tsx'
import { Screen } from '../../components/screen.tsx'
import { SpeedCurve } from '../../components/speed-curve.tsx'
import { format, t } from '../../i18n/index.ts'
import { isDevice } from '../../state/drives.ts'
import { imageTitle, useImages } from '../../state/image.ts'
import { go } from '../../state/route.ts'
import { JobTargets } from './job-targets.tsx'
import { NextSteps } from './next-steps.tsx'

export function JobResult({ job }: { job: Job }) {
  return (
    <Screen title={titleOf(job)} sub={job.endedAt === null ? null : format.date(job.endedAt)}>
      <Outcome job={job} />
      <NextSteps job={job} />
      {job.targets.length > 1 ? <JobTargets job={job} /> : null}
      <Figures job={job} />
      <Checks checks={job.checks} />
      <Ways job={job} />
    </Screen>
  )
}

function titleOf(job: Job): string {
  const image = imageTitle(job.imageName)
  if (job.kind === 'verify') return t.history.compared(image, jobWhere(job))
  return job.state === 'done' ? t.result.done(image, jobWhere(job)) : t.history.wrote(image, jobWhere(job))
}

function Outcome({ job }: { job: Job }) {
  const failed = job.targets.filter((target) => target.error !== null && target.state === 'failed')
  // An error of the whole job stands with each target too, in the same words.
  if (job.error && job.state === 'failed') return <ErrorFinding error={job.error} />
  if (job.state === 'cancelled') return <Stopped job={job} />
  if (failed.length === 1 && job.targets.length === 1 && failed[0]?.error) return <ErrorFinding error={failed[0].error} />
  if (failed.length > 0) {
    return (
      <Finding kind="bad" title={t.result.someFailed(failed.length, job.targets.length)} urgent>
        {failed.length < job.targets.length ? <p>{t.result.someFailedText}</p> : null}
      </Finding>
    )
  }
  return <Good job={job} />
}

function Good({ job }: { job: Job }) {
  if (job.kind === 'verify') {
    return (
      <Finding kind="good" title={t.result.same(jobWhere(job), imageTitle(job.imageName))} urgent>
        <p>{t.result.sameText}</p>
      </Finding>
    )
  }
  const onFile = job.targets.every((target) => !isDevice(target.path))
  return (
    <Finding kind="good" title={wasVerified(job) ? t.result.doneVerified : t.result.doneUnverified} urgent>
      <p>{onFile ? t.result.fileNext : t.result.doneNext}</p>
    </Finding>
  )
}

function Stopped({ job }: { job: Job }) {
  return (
    <Finding kind="warn" title={t.result.stopped} urgent>
      {job.kind === 'verify' ? (
        <p>{t.result.checkStopped}</p>
      ) : (
        <p>
          {t.result.stoppedText} {t.result.stoppedNext}
        </p>
      )}
    </Finding>
  )
}

function Figures({ job }: { job: Job }) {
  const { progress } = job
  const seconds = job.endedAt === null ? null : (job.endedAt - job.startedAt) / 1000
  const handled = Math.max(0, ...job.targets.map((target) => (job.kind === 'verify' ? target.verifiedBytes : target.writtenBytes)))
  return (
    <section className="sheet progress">
      {progress.curve.length > 1 ? <SpeedCurve points={progress.curve} totalBytes={progress.totalBytes} /> : null}
      <dl className="facts">
        <Fact
          name={job.kind === 'verify' ? t.result.compared : t.result.written}
          value={format.size(handled)}
          title={format.exact(handled)}
        />
        {seconds === null ? null : <Fact name={t.result.took} value={format.duration(seconds)} />}
        {progress.averageBytesPerSecond > 0 ? (
          <Fact name={t.result.average} value={format.speed(progress.averageBytesPerSecond)} />
        ) : null}
        <Fact
          name={t.job.leftOut}
          value={progress.skippedBytes > 0 ? format.size(progress.skippedBytes) : t.job.leftOutNone}
          title={format.exact(progress.skippedBytes)}
        />
      </dl>
    </section>
  )
}

/** The next step of most: the same image onto another card, or once more; without an image at hand, the choice of one. */
function Ways({ job }: { job: Job }) {
  const current = useImages((state) => state.currentLocation)
  const mode = job.kind === 'flash' ? 'write' : 'check'
  const again = () => go({ screen: 'flash', mode })
  const another = () => {
    useImages.getState().putAside()
    again()
  }
  const isDone = job.state === 'done'
  const againWord = !isDone ? t.result.retry : mode === 'write' ? t.result.again : t.result.checkAgain
  return (
    <div className="screen-end">
      <Link to={{ screen: 'home' }} className="button button-plain">
        {t.result.home}
      </Link>
      <span className="grow" />
      {current ? <Button onPress={another}>{t.result.another}</Button> : null}
      <Button look="primary" onPress={current ? again : another}>
        {current ? againWord : t.result.another}
      </Button>
    </div>
  )
}
