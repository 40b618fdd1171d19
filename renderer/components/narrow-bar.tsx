import { t } from '../i18n/index.ts'
import { backupWord, runningChangeWord } from '../screens/change/change-words.ts'
import { runningBackups, useBackup } from '../state/backup.ts'
import { runningChanges, useChanges } from '../state/changes.ts'
import { useConnected } from '../state/connection.ts'
import { runningJobs, useJobs } from '../state/jobs.ts'
import { BackIcon } from './icons.tsx'
import { runningWord } from './job-words.ts'
import { Link } from './link.tsx'
import { Mark } from './mark.tsx'

/** In a narrow window: the way back to the list, which says what is running. */
export function NarrowBar() {
  const jobs = useJobs((state) => state.jobs)
  const changes = useChanges((state) => state.changes)
  const connected = useConnected()
  const [running] = runningJobs(jobs)
  const [change] = runningChanges(changes)
  const [backup] = runningBackups(useBackup((state) => state.jobs))
  return (
    <nav className="narrow-bar" aria-label={t.frame.parts}>
      <Link to={{ screen: 'list' }} className="narrow-back">
        <BackIcon size={20} />
        {t.frame.back}
      </Link>
      {running ? (
        <Link to={{ screen: 'job', id: running.id }} className="narrow-job">
          {runningWord(running, connected)}
          <Mark kind={connected ? 'busy' : 'warn'} />
        </Link>
      ) : change ? (
        <Link to={{ screen: 'change', id: change.id }} className="narrow-job">
          {runningChangeWord(change, connected)}
          <Mark kind={connected ? 'busy' : 'warn'} />
        </Link>
      ) : backup ? (
        <Link to={{ screen: 'backup-job', id: backup.id }} className="narrow-job">
          {backupWord(backup, connected)}
          <Mark kind={connected ? 'busy' : 'warn'} />
        </Link>
      ) : null}
    </nav>
  )
}
