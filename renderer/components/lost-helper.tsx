import { useState } from 'react'
import { t } from '../i18n/index.ts'
import { runningHeading } from '../screens/change/change-words.ts'
import { runningChanges, useChanges } from '../state/changes.ts'
import type { Connection } from '../state/connection.ts'
import { runningJobs, useJobs } from '../state/jobs.ts'
import { helperAnswers } from '../transport.ts'
import { Button } from './button.tsx'
import { Finding } from './finding.tsx'
import { jobHeading } from './job-words.ts'

/** The helper is gone: what that means for what was running, and the way to go on. */
export function LostHelper({ connection }: { connection: Extract<Connection, { state: 'lost' }> }) {
  const jobs = useJobs((state) => state.jobs)
  const changes = useChanges((state) => state.changes)
  const [trying, setTrying] = useState(false)
  const [stillGone, setStillGone] = useState(false)
  const running = runningJobs(jobs).map(jobHeading)
  const changing = runningChanges(changes).map(runningHeading)

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
      {running.length > 0 || changing.length === 0 ? <p>{meaning(connection, running)}</p> : null}
      {changing.length > 0 ? <p>{t.lost.changing(changing.join(', '))}</p> : null}
      <p>{stillGone ? t.lost.stillGone : t.lost.reason(connection.reason.replace(/\.$/, ''))}</p>
    </Finding>
  )
}

function meaning({ reached, kind }: Extract<Connection, { state: 'lost' }>, running: readonly string[]): string {
  if (!reached) return t.lost.neverCameText
  if (running.length === 0) return t.lost.idle
  // A server goes on without the page that looked at it; the desktop's helper does not outlive its channel.
  return kind === 'browser' ? t.lost.runningElsewhere(running.join(', ')) : t.lost.running(running.join(', '))
}
