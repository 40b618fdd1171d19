import type { Drive, Job } from '../../native-helpers/contract.ts'
import { seenOnDrive, useCards } from '../state/cards.ts'
import { useConnected } from '../state/connection.ts'
import { useRoute } from '../state/route.ts'
import { DrivePicture } from './drive-picture.tsx'
import { driveState } from './job-words.ts'
import { SideItem } from './side-item.tsx'

/** A drive's line. While a job works on it the line leads to the job. */
export function SideDrive({ drive, refused, job }: { drive: Drive; refused: boolean; job: Job | null }) {
  const route = useRoute((state) => state.route)
  const connected = useConnected()
  const seen = useCards((state) => seenOnDrive(state.cards, drive))
  const { word, mark } = driveState(drive, job, seen, refused, connected)
  const running = job?.state === 'running'
  const current =
    (route.screen === 'drive' && route.path === drive.identity.path) ||
    (route.screen === 'job' && job !== null && route.id === job.id)
  return (
    <SideItem
      to={running ? { screen: 'job', id: job.id } : { screen: 'drive', path: drive.identity.path }}
      current={current}
      picture={<DrivePicture picture={drive.picture} size={26} />}
      name={drive.name}
      word={word}
      mark={mark}
    />
  )
}
