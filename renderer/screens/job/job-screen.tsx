/** One job, while it runs and when it has ended. It goes on while the user looks elsewhere. */
import { useState } from 'react'
import type { Job } from '../../../native-helpers/contract.ts'
import { Button } from '../../components/button.tsx'
import { Checks } from '../../components/checks.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { ErrorFinding } from '../../components/finding.tsx'
import { JobProgress } from '../../components/job-progress.tsx'
import { JobSteps } from '../../components/job-steps.tsx'
import { jobHeading } from '../../components/job-words.ts'
import { Link } from '../../components/link.tsx'
import { Screen } from '../../components/screen.tsx'
import { t } from '../../i18n/index.ts'
import { useConnected } from '../../state/connection.ts'
import { useHistory } from '../../state/history.ts'
import { useJobs } from '../../state/jobs.ts'
import { JobResult } from './job-result.tsx'
import { JobTargets } from './job-targets.tsx'

export function JobScreen({ id }: { id: string }) {
  const live = useJobs((state) => state.jobs[id])
  const ended = useHistory((state) => state.jobs.find((one) => one.id === id))
  const job = live ?? ended
  if (!job) {
    return (
      <Screen title={t.job.gone} sub={t.job.goneText}>
        <p>
          <Link to={{ screen: 'history' }} className="button button-plain">
            {t.job.toHistory}
          </Link>
        </p>
      </Screen>
    )
  }
  return job.state === 'running' ? <RunningJob job={job} /> : <JobResult job={job} />
}

/** Whether the job reads the card: a check of that kind is planned, or it is a comparison. */
function reads(job: Job): boolean {
  return (
    job.kind === 'verify' ||
    job.progress.phase === 'verifying' ||
    job.checks.some((check) => check.id.startsWith('read-back') && check.state !== 'skipped')
  )
}

function RunningJob({ job }: { job: Job }) {
  const [asking, setAsking] = useState(false)
  const { stopping, stopError } = useJobs()
  const connected = useConnected()
  const isStopping = stopping.includes(job.id)
  return (
    <Screen
      title={jobHeading(job)}
      sub={job.kind === 'flash' ? t.job.writingSub : t.job.comparingSub}
      actions={
        <Button onPress={() => setAsking(true)} isDisabled={isStopping || !connected}>
          {isStopping ? t.job.stopping : t.job.stop}
        </Button>
      }
    >
      {stopError ? <ErrorFinding error={stopError} /> : null}
      <JobSteps job={job} reads={reads(job)} />
      <JobProgress job={job} connected={connected} />
      {job.targets.length > 1 ? <JobTargets job={job} /> : null}
      <Checks checks={job.checks} />
      <StopDialog job={job} isOpen={asking} onLeave={() => setAsking(false)} />
    </Screen>
  )
}

function StopDialog({ job, isOpen, onLeave }: { job: Job; isOpen: boolean; onLeave: () => void }) {
  const writes = job.kind === 'flash'
  const stop = () => {
    onLeave()
    void useJobs.getState().stop(job.id)
  }
  return (
    <Dialog title={writes ? t.stop.title : t.stop.checkTitle} isOpen={isOpen} onLeave={onLeave} role="alertdialog">
      <p>{writes ? t.stop.text : t.stop.checkText}</p>
      <div className="dialog-actions">
        <Button onPress={onLeave}>{t.stop.keep}</Button>
        <Button look={writes ? 'danger' : 'primary'} onPress={stop}>
          {writes ? t.stop.stop : t.stop.checkStop}
        </Button>
      </div>
    </Dialog>
  )
}
