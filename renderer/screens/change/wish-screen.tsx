/** What a job on a card is to do, before its plan is made: each job asks what it has to know. */
import { Button } from '../../components/button.tsx'
import { Screen } from '../../components/screen.tsx'
import { t } from '../../i18n/index.ts'
import { usePlanning } from '../../state/planning.ts'
import type { WishJob } from '../../state/route.ts'
import { useCardName } from './change-words.ts'
import { ToCard } from './plan-ways.tsx'

interface WishScreenProps {
  job: WishJob
  path: string
}

export function WishScreen({ job, path }: WishScreenProps) {
  switch (job) {
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

/** The ways on from what was chosen: back to the card, or to the plan of it. */
export function WishEnd({ path, onPlan, isDisabled = false }: { path: string; onPlan: () => void; isDisabled?: boolean }) {
  return (
    <div className="screen-end">
      <ToCard path={path} />
      <span className="grow" />
      <Button look="primary" onPress={onPlan} isDisabled={isDisabled}>
        {t.change.wish.plan}
      </Button>
    </div>
  )
}
