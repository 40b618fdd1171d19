import { t } from '../i18n/index.ts'
import { runningHeading } from '../screens/change/change-words.ts'
import { useChanges } from '../state/changes.ts'
import { useJobs } from '../state/jobs.ts'
import { Button } from './button.tsx'
import { Finding } from './finding.tsx'
import { whereOf } from './job-words.ts'
import { Link } from './link.tsx'

/** After the helper was lost and came back: what it took with it. Stays until the user has understood it. */
export function InterruptedNotice() {
  return (
    <>
      <InterruptedWrites />
      <InterruptedChanges />
    </>
  )
}

function InterruptedChanges() {
  const { interrupted, dismissInterrupted } = useChanges()
  if (interrupted.length === 0) return null
  return (
    <Finding
      kind="bad"
      urgent
      title={t.change.interrupted.title(interrupted.map(runningHeading).join(', '))}
      action={<Button onPress={dismissInterrupted}>{t.lost.dismiss}</Button>}
    >
      <p>
        {t.change.interrupted.text} <Link to={{ screen: 'history' }}>{t.change.interrupted.toHistory}</Link>
      </p>
    </Finding>
  )
}

function InterruptedWrites() {
  const { interrupted, dismissInterrupted } = useJobs()
  const writes = interrupted.filter((job) => job.kind === 'flash')
  if (writes.length === 0) return null
  return (
    <Finding
      kind="bad"
      urgent
      title={t.lost.interrupted(writes.map((job) => t.job.writing(job.imageName, whereOf(job.labels))).join(', '))}
      action={<Button onPress={dismissInterrupted}>{t.lost.dismiss}</Button>}
    >
      <p>{t.lost.interruptedText}</p>
    </Finding>
  )
}
