import { useState } from 'react'
import { t } from '../i18n/index.ts'
import type { Connection } from '../state/connection.ts'
import { runningJobs, useJobs } from '../state/jobs.ts'
import { helperAnswers } from '../transport.ts'
import { Button } from './button.tsx'
import { Finding } from './finding.tsx'
import { jobHeading } from './job-words.ts'

/** The helper is gone: what that means for what was running, and the way to go on. */
export function LostHelper({ connection }: { connection: Extract<Connection, { state: 'lost' }> }) {
  const jobs = useJobs((state) => state.jobs)
  const [trying, setTrying] = useState(false)
  const [stillGone, setStillGone] = useState(false)
  const running = runningJobs(jobs).map(jobHeading)

  const again = async () => {
    setTrying(true)
    if (await helperAnswers()) return location.reload()
    setTrying(false)
    setStillGone(true)
  }

  return (
    <Finding
      kind="bad"
      urgent
      title={connection.reached ? t.lost.title : t.lost.neverCame}
      action={
        <Button look="primary" onPress={again} isDisabled={trying}>
          {trying ? t.lost.trying : t.lost.again}
        </Button>
      }
    >
      <p>{!connection.reached ? t.lost.neverCameText : running.length > 0 ? t.lost.running(running.join(', ')) : t.lost.idle}</p>
      <p>{stillGone ? t.lost.stillGone : t.lost.reason(connection.reason.replace(/\.$/, ''))}</p>
    </Finding>
  )
}
