import type { Drive, Job } from '../../native-helpers/contract.ts'
import { backupLine, changeLine } from '../screens/change/change-words.ts'
import { useBackup } from '../state/backup.ts'
import { seenOnDrive, useCards } from '../state/cards.ts'
import { changeOnPath, useChanges } from '../state/changes.ts'
import { useConnected } from '../state/connection.ts'
import { useDrives } from '../state/drives.ts'
import { isAbout, useRoute } from '../state/route.ts'
import { DrivePicture } from './drive-picture.tsx'
import { driveState } from './job-words.ts'
import { SideItem } from './side-item.tsx'

/** A drive's line. While a job works on it, or a change, the line leads there. */
export function SideDrive({ drive, refused, job }: { drive: Drive; refused: boolean; job: Job | null }) {
  const route = useRoute((state) => state.route)
  const connected = useConnected()
  const seen = useCards((state) => seenOnDrive(state.cards, drive))
  const since = useDrives((state) => state.since[drive.identity.path] ?? 0)
  const change = changeLine(
    useChanges((state) => changeOnPath(state.changes, drive.identity.path, since)),
    seen,
    connected,
  )
  const backups = useBackup((state) => state.jobs)
  const backup = change?.isRunning ? null : backupLine(backups, drive.identity.path, connected)
  const { word, mark } = backup ?? change ?? driveState(drive, job, seen, refused, connected)
  const running = job?.state === 'running'
  const current =
    isAbout(route, drive.identity.path) ||
    (route.screen === 'job' && job !== null && route.id === job.id) ||
    (route.screen === 'change' && change?.to.screen === 'change' && route.id === change.to.id) ||
    (route.screen === 'backup-job' && backups[route.id]?.path === drive.identity.path)
  return (
    <SideItem
      to={backup?.to ?? change?.to ?? (running ? { screen: 'job', id: job.id } : { screen: 'drive', path: drive.identity.path })}
      current={current}
      picture={<DrivePicture picture={drive.picture} size={26} />}
      name={drive.name}
      word={word}
      mark={mark}
    />
  )
}
