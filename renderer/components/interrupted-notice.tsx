import { t } from '../i18n/index.ts'
import { useJobs } from '../state/jobs.ts'
import { Button } from './button.tsx'
import { Finding } from './finding.tsx'
import { whereOf } from './job-words.ts'

/** After the helper was lost and came back: what it took with it. Stays until the user has understood it. */
export function InterruptedNotice() {
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
