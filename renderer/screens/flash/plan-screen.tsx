/** What will be done and what will be lost, before anything is. */
import { useState } from 'react'
import type { FlashPlan, PlanTarget } from '../../../native-helpers/contract.ts'
import { Button } from '../../components/button.tsx'
import { actOf, ConfirmWrite, LossList, pathOf, replacesNothing } from '../../components/confirm-write.tsx'
import { ErrorFinding, Finding } from '../../components/finding.tsx'
import { whereOf } from '../../components/job-words.ts'
import { Link } from '../../components/link.tsx'
import { Screen } from '../../components/screen.tsx'
import { Size } from '../../components/size.tsx'
import { say, t } from '../../i18n/index.ts'
import { useFlash } from '../../state/flash.ts'
import { fileName, imageTitle } from '../../state/image.ts'
import { go } from '../../state/route.ts'

export function PlanScreen() {
  const plan = useFlash((state) => state.plan)
  if (plan) return <Plan plan={plan} />
  return (
    <Screen title={t.plan.noneTitle} sub={t.plan.noneText}>
      <p>
        <Link to={{ screen: 'flash', mode: 'write' }} className="button button-plain">
          {t.plan.toChoice}
        </Link>
      </p>
    </Screen>
  )
}

function Plan({ plan }: { plan: FlashPlan }) {
  const { asking, error, startPlan } = useFlash()
  const [confirming, setConfirming] = useState(false)
  const where = whereOf(plan.targets.map((target) => target.label))

  const start = async () => {
    const jobId = await startPlan()
    setConfirming(false)
    if (jobId !== null) go({ screen: 'job', id: jobId })
  }

  return (
    <Screen title={t.plan.title(imageTitle(fileName(plan.image.ref.member ?? plan.image.name)), where)} sub={t.plan.sub}>
      {error ? <ErrorFinding error={error} action={<Button onPress={back}>{t.plan.toChoice}</Button>} /> : null}
      {plan.warnings.length > 0 ? (
        <Finding kind="warn" title={t.plan.warning}>
          {plan.warnings.map((warning) => (
            <p key={warning.text}>{say(warning)}</p>
          ))}
        </Finding>
      ) : null}
      <section className="sheet">
        <h2>{t.plan.loses}</h2>
        <ul className="losses">
          {plan.targets.map((target) => (
            <TargetLoss key={pathOf(target)} target={target} />
          ))}
        </ul>
      </section>
      <section className="sheet">
        <h2>{t.plan.steps}</h2>
        <ol className="plan-steps">
          {plan.steps.map((step) => (
            <li key={step.code}>{say(step)}</li>
          ))}
        </ol>
      </section>
      <div className="screen-end">
        <Button onPress={back}>{t.plan.back}</Button>
        <span className="grow" />
        <Button look="primary" onPress={() => setConfirming(true)} isDisabled={asking || error !== null}>
          {actOf(plan.targets).act}…
        </Button>
      </div>
      <ConfirmWrite plan={plan} isOpen={confirming} starting={asking} onLeave={() => setConfirming(false)} onConfirm={start} />
    </Screen>
  )
}

function back() {
  go({ screen: 'flash', mode: 'write' })
}

function TargetLoss({ target }: { target: PlanTarget }) {
  return (
    <li className={replacesNothing(target) ? undefined : 'loses-something'}>
      <div className="losses-name">
        <strong>{target.label}</strong>
        <span>
          <code>{pathOf(target)}</code> · <Size bytes={target.sizeBytes} />
          {target.target.kind === 'drive' && target.target.identity.serial
            ? ` · ${t.confirm.serial(target.target.identity.serial)}`
            : null}
        </span>
      </div>
      <LossList target={target} />
      {target.unmounts.length > 0 ? (
        <p className="soft">
          {t.plan.unmounts}: {target.unmounts.join(', ')}
        </p>
      ) : null}
    </li>
  )
}
