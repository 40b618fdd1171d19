/** The plan of a job on a card, for somebody who is afraid for what is on it: what will be done, what stays, what may be lost, and the way back. */
import { useEffect, useState } from 'react'
import type { ChangeJobName } from '../../../native-helpers/contract.ts'
import { Button } from '../../components/button.tsx'
import { ErrorFinding, Finding } from '../../components/finding.tsx'
import { Link } from '../../components/link.tsx'
import { Screen } from '../../components/screen.tsx'
import { t } from '../../i18n/index.ts'
import { changeOnPath, useChanges } from '../../state/changes.ts'
import { usePlanning, type Wish, wishOf } from '../../state/planning.ts'
import { goInstead } from '../../state/route.ts'
import { runningHeading, useCardName } from './change-words.ts'
import { Making } from './plan-parts.tsx'
import { NothingToDo, PlanSheets } from './plan-sheets.tsx'
import { ToCard, ToWish } from './plan-ways.tsx'

interface PlanScreenProps {
  job: ChangeJobName
  path: string
}

export function ChangePlanScreen({ job, path }: PlanScreenProps) {
  const [wish] = useState(() => wishOf(job, path))
  useEffect(() => {
    // After a reload nobody knows any more what was asked for.
    if (wish === null && job !== 'repair') goInstead({ screen: 'wish', job, path })
  }, [wish, job, path])
  useEffect(() => {
    // A repair is asked for without a choice too, which the next one must not take over.
    if (job === 'repair') return () => usePlanning.getState().forget(job, path)
  }, [job, path])
  return wish === null ? null : <PlanOf job={job} path={path} wish={wish} />
}

function PlanOf({ job, path, wish }: PlanScreenProps & { wish: Wish }) {
  const planning = usePlanning(({ planning: now }) =>
    now?.of.kind === 'change' && now.of.job === job && now.of.path === path ? now : null,
  )
  const startError = usePlanning((state) => state.startError)
  const change = useChanges((state) => changeOnPath(state.changes, path, 0))
  const name = useCardName(path)
  const running = change?.state === 'running' ? change : null
  const isBusy = running !== null
  const makePlan = () => void usePlanning.getState().plan({ kind: 'change', job, path, wish })
  useEffect(() => {
    if (isBusy) return
    void usePlanning.getState().plan({ kind: 'change', job, path, wish })
    // Nobody waits for a plan that is not looked at.
    return () => usePlanning.getState().stop()
  }, [job, path, wish, isBusy])

  const words = t.change.jobs[job]
  const plan = planning?.state === 'made' && planning.kind === 'change' ? planning.plan : null
  const isMaking = running === null && (planning === null || planning.state === 'making')
  const isPlanned = plan !== null && running === null
  const again = <Button onPress={makePlan}>{t.change.plan.again}</Button>
  return (
    <Screen title={words.title(plan?.target.label ?? name)} sub={isPlanned && plan.writeBytes > 0 ? t.change.plan.sub : null}>
      <p role="status" className="unseen">
        {isPlanned ? t.change.plan.made : isMaking ? words.making : ''}
      </p>
      {running ? (
        <Finding
          kind="plain"
          title={runningHeading(running)}
          action={
            <Link to={{ screen: 'change', id: running.id }} className="button button-primary">
              {t.change.running.show}
            </Link>
          }
        />
      ) : planning?.state === 'failed' ? (
        <ErrorFinding error={planning.error} action={again} />
      ) : planning?.state === 'stopped' ? (
        <Finding kind="plain" title={t.change.plan.stopped} action={again}>
          <p>{t.change.plan.stoppedText}</p>
        </Finding>
      ) : plan ? (
        <>
          {startError ? <ErrorFinding error={startError} action={again} /> : null}
          {plan.writeBytes > 0 ? <PlanSheets plan={plan} isStale={startError !== null} /> : <NothingToDo plan={plan} />}
        </>
      ) : (
        <Making
          title={words.making}
          text={words.makingText}
          action={<Button onPress={() => usePlanning.getState().stop()}>{t.change.plan.stop}</Button>}
        />
      )}
      {isPlanned && plan.writeBytes > 0 ? null : (
        <div className="screen-end">
          <ToCard path={path} />
          <ToWish job={job} path={path} />
        </div>
      )}
    </Screen>
  )
}
