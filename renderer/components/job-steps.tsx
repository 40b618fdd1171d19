import type { Job, Phase } from '../../native-helpers/contract.ts'
import { t } from '../i18n/index.ts'

type StepState = 'done' | 'now' | 'later'

/** Where a job is among its steps. The number becomes a tick when a step is behind. */
export function JobSteps({ job, reads }: { job: Job; reads: boolean }) {
  const steps = stepsOf(job, reads)
  return (
    <ol className="steps" aria-label={t.job.steps}>
      {steps.map(({ word, state }, index) => (
        <li key={word} className={`step step-${state}`} aria-current={state === 'now' ? 'step' : undefined}>
          <span className="step-sign" aria-hidden="true">
            {state === 'done' ? '✓' : index + 1}
          </span>
          {word}
          <span className="unseen">, {t.job.stepState[state]}</span>
        </li>
      ))}
    </ol>
  )
}

const order: readonly Phase[] = ['preparing', 'writing', 'flushing', 'verifying', 'finishing', 'ended']

function stepsOf(job: Job, reads: boolean): { word: string; state: StepState }[] {
  const now = order.indexOf(job.progress.phase)
  const span = (from: Phase, to: Phase): StepState =>
    now > order.indexOf(to) ? 'done' : now >= order.indexOf(from) ? 'now' : 'later'
  const preparing = span('preparing', 'preparing')
  const steps = [{ word: preparing === 'now' ? t.job.stepPreparing : t.job.stepPrepared, state: preparing }]
  if (job.kind === 'flash') steps.push({ word: t.job.stepWriting, state: span('writing', 'flushing') })
  if (reads)
    steps.push({ word: job.kind === 'flash' ? t.job.stepReading : t.job.stepComparing, state: span('verifying', 'verifying') })
  const ended = job.progress.phase === 'ended'
  steps.push({ word: t.job.stepDone, state: ended ? 'done' : span('finishing', 'finishing') })
  return steps
}
