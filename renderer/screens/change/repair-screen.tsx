/** The plan of a repair, for somebody who is afraid for what is on the card: what is wrong, what is done about it, what stays, and the way back. */
import { useEffect, useState } from 'react'
import type { CardPlan, Report } from '../../../native-helpers/contract.ts'
import { Button } from '../../components/button.tsx'
import { ConfirmChange } from '../../components/confirm-change.tsx'
import { ErrorFinding, Finding } from '../../components/finding.tsx'
import { Link } from '../../components/link.tsx'
import { Screen } from '../../components/screen.tsx'
import { Size } from '../../components/size.tsx'
import { findingWords, format, t } from '../../i18n/index.ts'
import { worstFirst } from '../../state/card-health.ts'
import { useCards } from '../../state/cards.ts'
import { changeOnPath, useChanges } from '../../state/changes.ts'
import { useDrives } from '../../state/drives.ts'
import { fileName } from '../../state/image.ts'
import { cardRoute, runningHeading } from './change-words.ts'
import { helperLanguage, Making, Sentences } from './plan-parts.tsx'

export function RepairScreen({ path }: { path: string }) {
  const planning = useChanges(({ planning: now }) => (now?.of.kind === 'repair' && now.of.path === path ? now : null))
  const startError = useChanges((state) => state.startError)
  const change = useChanges((state) => changeOnPath(state.changes, path, 0))
  const name = useDrives(({ drives }) => drives.find((drive) => drive.identity.path === path)?.name) ?? fileName(path)
  const running = change?.state === 'running' ? change : null
  const isBusy = running !== null
  useEffect(() => {
    if (!isBusy) makePlan(path)
  }, [path, isBusy])

  const plan = planning?.state === 'made' && planning.kind === 'repair' ? planning.plan : null
  const isPlanned = plan !== null && running === null
  const again = <Button onPress={() => makePlan(path)}>{t.change.repair.again}</Button>
  return (
    <Screen
      title={t.change.repair.title(plan?.target.label ?? name)}
      sub={isPlanned && plan.writeBytes > 0 ? t.change.repair.sub : null}
    >
      <p role="status" className="unseen">
        {isPlanned ? t.change.repair.made : isBusy ? '' : t.change.repair.making}
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
      ) : plan ? (
        <>
          {startError ? <ErrorFinding error={startError} action={again} /> : null}
          {plan.writeBytes > 0 ? <Plan plan={plan} isStale={startError !== null} /> : <Nothing plan={plan} />}
        </>
      ) : (
        <Making title={t.change.repair.making} text={t.change.repair.makingText} />
      )}
      {isPlanned && plan.writeBytes > 0 ? null : (
        <div className="screen-end">
          <ToCard path={path} />
        </div>
      )}
    </Screen>
  )
}

function makePlan(path: string): void {
  void useChanges.getState().plan({ kind: 'repair', path })
}

function ToCard({ path }: { path: string }) {
  return (
    <Link to={cardRoute(path)} className="button button-plain">
      {t.change.repair.toCard}
    </Link>
  )
}

function Plan({ plan, isStale }: { plan: CardPlan; isStale: boolean }) {
  const { target, steps, keeps, loses, notes, unmounts, writeBytes, undoPath } = plan
  const [confirming, setConfirming] = useState(false)
  const starting = useChanges((state) => state.starting)
  const act = t.change.repair.act(target.label)
  return (
    <>
      <Wrong path={target.path} />
      <section className="sheet">
        <h2>{t.change.repair.steps}</h2>
        <ol className="plan-steps">
          {unmounts.length > 0 ? <li>{t.change.repair.unmount(unmounts.join(', '))}</li> : null}
          {steps.map((step) => (
            <li key={step} lang={helperLanguage}>
              {step}
            </li>
          ))}
        </ol>
      </section>
      <div className="side-sheets">
        <section className="sheet">
          <h2>{t.change.repair.keeps}</h2>
          <Sentences sentences={keeps} none={t.change.repair.keepsNone} />
        </section>
        <section className={`sheet${loses.length > 0 ? ' sheet-loses' : ''}`}>
          <h2>{t.change.repair.loses}</h2>
          <Sentences sentences={loses} none={t.change.repair.losesNone} />
        </section>
      </div>
      <Notes notes={notes} />
      <section className="sheet">
        <h2>{t.change.repair.way}</h2>
        <p className="plan-way">{t.change.repair.wayText}</p>
        <dl className="rows">
          <div>
            <dt>{t.change.repair.writes}</dt>
            <dd>
              <Size bytes={writeBytes} />
            </dd>
          </div>
          <div>
            <dt>{t.change.repair.undoFile}</dt>
            <dd>
              <code>{undoPath}</code>
            </dd>
          </div>
        </dl>
      </section>
      <div className="screen-end">
        <ToCard path={target.path} />
        <span className="grow" />
        <Button look="primary" onPress={() => setConfirming(true)} isDisabled={starting || isStale}>
          {act}…
        </Button>
      </div>
      <ConfirmChange
        question={t.change.repair.question(target.label)}
        act={act}
        isOpen={confirming}
        losesSomething={loses.length > 0}
        onLeave={() => setConfirming(false)}
      >
        <p>
          <strong>{target.label}</strong> · <code>{target.path}</code> · <Size bytes={target.sizeBytes} />
        </p>
        {loses.length > 0 ? (
          <section className="sheet-loses" aria-label={t.change.repair.lost}>
            <Sentences sentences={loses} />
          </section>
        ) : null}
        <p className="dialog-note">
          {t.change.repair.confirmText(format.size(writeBytes))} {t.change.repair.confirmBack}
        </p>
      </ConfirmChange>
    </>
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
        {t.change.repair.wrong}
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
      <h2>{t.change.repair.notes}</h2>
      <Sentences sentences={notes} />
    </section>
  )
}

/** Said plainly, and where something is wrong that no repair helps with, why. */
function Nothing({ plan: { target, notes } }: { plan: CardPlan }) {
  const report = useCards((state) => state.cards[target.path]?.report)
  const isHelpless = repairable(report).length > 0
  return (
    <>
      <Finding kind={isHelpless ? 'warn' : 'good'} title={isHelpless ? t.change.repair.nothingWhy : t.change.repair.nothing} urgent>
        <p>{isHelpless && notes.length > 0 ? t.change.repair.nothingWhyText : t.change.repair.nothingText}</p>
      </Finding>
      {isHelpless ? <Wrong path={target.path} /> : null}
      <Notes notes={notes} />
    </>
  )
}
