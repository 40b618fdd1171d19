/** What stands on a plan, from what is wrong to the last question; and what is said where there is nothing to do. */
import { useState } from 'react'
import type { CardPlan, Report } from '../../../native-helpers/contract.ts'
import { Button } from '../../components/button.tsx'
import { ConfirmChange } from '../../components/confirm-change.tsx'
import { Finding } from '../../components/finding.tsx'
import { Size } from '../../components/size.tsx'
import { findingWords, format, t } from '../../i18n/index.ts'
import { worstFirst } from '../../state/card-health.ts'
import { useCards } from '../../state/cards.ts'
import { usePlanning } from '../../state/planning.ts'
import { helperLanguage, Sentences } from './plan-parts.tsx'
import { ToCard, ToWish } from './plan-ways.tsx'

export function PlanSheets({ plan, isStale }: { plan: CardPlan; isStale: boolean }) {
  const { job, target, steps, keeps, loses, notes, unmounts } = plan
  return (
    <>
      {job === 'repair' ? <Wrong path={target.path} /> : null}
      <section className="sheet">
        <h2>{t.change.plan.steps}</h2>
        <ol className="plan-steps">
          {unmounts.length > 0 ? <li>{t.change.plan.unmount(unmounts.join(', '))}</li> : null}
          {steps.map((step) => (
            <li key={step} lang={helperLanguage}>
              {step}
            </li>
          ))}
        </ol>
      </section>
      <div className="side-sheets">
        <section className="sheet">
          <h2>{t.change.plan.keeps}</h2>
          <Sentences sentences={keeps} none={t.change.plan.keepsNone} />
        </section>
        <section className={`sheet${loses.length > 0 ? ' sheet-loses' : ''}`}>
          <h2>{t.change.jobs[job].loses}</h2>
          <Sentences sentences={loses} none={t.change.plan.losesNone} />
        </section>
      </div>
      <Notes notes={notes} />
      <WayBack plan={plan} />
      <Act plan={plan} isStale={isStale} />
    </>
  )
}

function WayBack({ plan: { writeBytes, undoPath } }: { plan: CardPlan }) {
  return (
    <section className="sheet">
      <h2>{t.change.plan.way}</h2>
      <p className="plan-way">{t.change.plan.wayText}</p>
      <dl className="rows">
        <div>
          <dt>{t.change.plan.writes}</dt>
          <dd>
            <Size bytes={writeBytes} />
          </dd>
        </div>
        <div>
          <dt>{t.change.plan.undoFile}</dt>
          <dd>
            <code>{undoPath}</code>
          </dd>
        </div>
      </dl>
    </section>
  )
}

function Act({ plan, isStale }: { plan: CardPlan; isStale: boolean }) {
  const { job, target, loses, writeBytes } = plan
  const [confirming, setConfirming] = useState(false)
  const starting = usePlanning((state) => state.starting)
  const words = t.change.jobs[job]
  const act = words.act(target.label)
  return (
    <div className="screen-end">
      <ToCard path={target.path} />
      <ToWish job={job} path={target.path} />
      <span className="grow" />
      <Button look="primary" onPress={() => setConfirming(true)} isDisabled={starting || isStale}>
        {act}…
      </Button>
      <ConfirmChange
        question={words.question(target.label)}
        act={act}
        isOpen={confirming}
        losesSomething={loses.length > 0}
        onLeave={() => setConfirming(false)}
      >
        <p>
          <strong>{target.label}</strong> · <code>{target.path}</code> · <Size bytes={target.sizeBytes} />
        </p>
        {loses.length > 0 ? (
          <section className="sheet-loses" aria-label={t.change.plan.lost}>
            <h3>{t.change.plan.lost}</h3>
            <Sentences sentences={loses} />
          </section>
        ) : null}
        {job in t.change.plan.warn ? <p>{t.change.plan.warn[job as keyof typeof t.change.plan.warn]}</p> : null}
        <p className="dialog-note">
          {t.change.plan.confirmText(format.size(writeBytes))} {t.change.plan.confirmBack}
        </p>
      </ConfirmChange>
    </div>
  )
}

function repairable(report: Report | null | undefined) {
  return worstFirst(report?.findings ?? []).filter((finding) => finding.remedy === 'repair')
}

/** As the card's own screen says it: what is so, and what that means. */
function Wrong({ path }: { path: string }) {
  const report = useCards((state) => state.cards[path]?.report)
  const findings = repairable(report)
  if (findings.length === 0) return null
  return (
    <section className="findings" aria-labelledby="plan-wrong">
      <h2 id="plan-wrong" className="section-title">
        {t.change.plan.wrong}
      </h2>
      {findings.map((finding) => {
        const { title, meaning, rest } = findingWords(finding)
        return (
          <Finding key={`${finding.id} ${finding.partition} ${finding.detail}`} kind={kinds[finding.severity]} title={title}>
            <p lang={rest}>{meaning}</p>
          </Finding>
        )
      })}
    </section>
  )
}

const kinds = { error: 'bad', warning: 'warn', info: 'plain' } as const

function Notes({ notes }: { notes: readonly string[] }) {
  if (notes.length === 0) return null
  return (
    <section className="sheet">
      <h2>{t.change.plan.notes}</h2>
      <Sentences sentences={notes} />
    </section>
  )
}

/** Said plainly, and where something is wrong that no repair helps with, why. */
export function NothingToDo({ plan: { job, target, notes } }: { plan: CardPlan }) {
  const report = useCards((state) => state.cards[target.path]?.report)
  const isHelpless = job === 'repair' && repairable(report).length > 0
  const words = t.change.jobs[job]
  return (
    <>
      {isHelpless ? (
        <Finding kind="warn" title={t.change.plan.nothingWhy} urgent>
          <p>{notes.length > 0 ? t.change.plan.nothingWhyText : words.nothingText}</p>
        </Finding>
      ) : (
        <Finding kind={job === 'repair' ? 'good' : 'plain'} title={words.nothing} urgent>
          <p>{words.nothingText}</p>
        </Finding>
      )}
      {isHelpless ? <Wrong path={target.path} /> : null}
      <Notes notes={notes} />
    </>
  )
}
