/** What a job on a card is to do, before its plan is made: each job asks what it has to know. */
import { Screen } from '../../components/screen.tsx'
import { t } from '../../i18n/index.ts'
import { usePlanning } from '../../state/planning.ts'
import type { WishJob } from '../../state/route.ts'
import { CustomiseScreen } from '../customise/customise-screen.tsx'
import { EnlargeScreen } from '../enlarge/enlarge-screen.tsx'
import { ResetScreen } from '../reset/reset-screen.tsx'
import { RestoreScreen } from '../restore/restore-screen.tsx'
import { useCardName } from './change-words.ts'
import { WishEnd } from './wish-end.tsx'

interface WishScreenProps {
  job: WishJob
  path: string
}

export function WishScreen({ job, path }: WishScreenProps) {
  switch (job) {
    case 'enlarge':
      return <EnlargeScreen path={path} />
    case 'customise':
      return <CustomiseScreen path={path} />
    case 'reset':
      return <ResetScreen path={path} />
    case 'restore':
      return <RestoreScreen path={path} />
    default:
      return <NothingAsked job={job} path={path} />
  }
}

/** For a job that has to know nothing: what it does, before the time is taken to try it out. */
function NothingAsked({ job, path }: WishScreenProps) {
  const words = t.change.jobs[job]
  const name = useCardName(path)
  return (
    <Screen title={words.title(name)} sub={t.change.wish.sub}>
      <section className="sheet">
        <p className="plan-way">{words.about}</p>
      </section>
      <WishEnd path={path} onPlan={() => usePlanning.getState().wish(job, path, {})} />
    </Screen>
  )
}
