/** The plan of taking back what a job changed on a card. */
import { useEffect, useState } from 'react'
import type { UndoPlanFacts } from '../../../native-helpers/contract.ts'
import { Button } from '../../components/button.tsx'
import { ConfirmChange } from '../../components/confirm-change.tsx'
import { ErrorFinding, Finding } from '../../components/finding.tsx'
import { Link } from '../../components/link.tsx'
import { browse, closeBrowsing } from '../../components/opening.ts'
import { Screen } from '../../components/screen.tsx'
import { format, t } from '../../i18n/index.ts'
import { useChanges } from '../../state/changes.ts'
import { sortDrives, useDrives } from '../../state/drives.ts'
import { fileName } from '../../state/image.ts'
import { usePlanning } from '../../state/planning.ts'
import { useSettings } from '../../state/settings.ts'
import { Making } from './plan-parts.tsx'

export function UndoScreen({ file }: { file: string }) {
  const planning = usePlanning(({ planning: now }) => (now?.of.kind === 'undo' && now.of.file === file ? now : null))
  const startError = usePlanning((state) => state.startError)
  const listed = useChanges((state) => state.undoFiles.find((one) => one.file === file && one.problem === null))
  useEffect(() => makePlan(file, null), [file])

  const plan = planning?.state === 'made' && planning.kind === 'undo' ? planning.plan : null
  const again = <Button onPress={() => makePlan(file, null)}>{t.change.plan.again}</Button>
  const title = plan?.title ?? listed?.title
  return (
    <Screen title={t.change.undo.title(title ?? fileName(file))} sub={plan?.state === 'ready' ? t.change.undo.sub : null}>
      <p role="status" className="unseen">
        {plan ? t.change.plan.made : t.change.undo.making}
      </p>
      {planning?.state === 'failed' ? (
        <>
          <ErrorFinding error={planning.error} action={again} />
          {planning.error.code.startsWith('undo-file') ? null : <Elsewhere file={file} />}
        </>
      ) : plan ? (
        <>
          {startError ? <ErrorFinding error={startError} action={again} /> : null}
          <Plan plan={plan} isStale={startError !== null} />
        </>
      ) : (
        <Making title={t.change.undo.making} />
      )}
      {plan?.state === 'ready' ? null : (
        <div className="screen-end">
          <ToHistory />
        </div>
      )}
    </Screen>
  )
}

/** `path`: where the card is now; null: where it was. */
function makePlan(file: string, path: string | null): void {
  void usePlanning.getState().plan({ kind: 'undo', file, path })
}

function ToHistory() {
  return (
    <Link to={{ screen: 'history' }} className="button button-plain">
      {t.change.undo.toHistory}
    </Link>
  )
}

function Plan({ plan, isStale }: { plan: UndoPlanFacts; isStale: boolean }) {
  return (
    <>
      {plan.state === 'nothing' ? <NotToDo title={t.change.undo.nothing} text={t.change.undo.nothingText} /> : null}
      {plan.state === 'already' ? <NotToDo title={t.change.undo.already} text={t.change.undo.alreadyText} /> : null}
      {plan.state === 'ready' ? (
        <section className="sheet">
          <h2>{t.change.undo.what}</h2>
          <ul className="plan-list">
            <li>{t.change.undo.puts(format.size(plan.keptBytes))}</li>
            <li>{t.change.undo.asBefore}</li>
            <li>{t.change.undo.used}</li>
          </ul>
        </section>
      ) : null}
      <section className="sheet">
        <h2>{t.change.undo.facts}</h2>
        <dl className="rows">
          <div>
            <dt>{t.change.undo.begun}</dt>
            <dd>{format.date(plan.createdAt)}</dd>
          </div>
          <div>
            <dt>{t.change.undo.card}</dt>
            <dd>
              <code>{plan.path}</code>
            </dd>
          </div>
          <div>
            <dt>{t.change.undo.file}</dt>
            <dd>
              <code>{plan.file}</code>
            </dd>
          </div>
        </dl>
      </section>
      {plan.state === 'ready' ? <Act plan={plan} isStale={isStale} /> : null}
    </>
  )
}

function NotToDo({ title, text }: { title: string; text: string }) {
  return (
    <Finding kind="plain" title={title} urgent>
      <p>{text}</p>
    </Finding>
  )
}

function Act({ plan, isStale }: { plan: UndoPlanFacts; isStale: boolean }) {
  const [confirming, setConfirming] = useState(false)
  const starting = usePlanning((state) => state.starting)
  const act = t.change.undo.act(plan.title)
  return (
    <div className="screen-end">
      <ToHistory />
      <span className="grow" />
      <Button look="primary" onPress={() => setConfirming(true)} isDisabled={starting || isStale}>
        {act}…
      </Button>
      <ConfirmChange
        question={t.change.undo.question(plan.title)}
        act={act}
        isOpen={confirming}
        losesSomething={false}
        onLeave={() => setConfirming(false)}
      >
        <p>{t.change.undo.confirmText(plan.path, format.size(plan.keptBytes))}</p>
      </ConfirmChange>
    </div>
  )
}

/** A drive's name in the system changes with the port and with what else is plugged in. */
function Elsewhere({ file }: { file: string }) {
  const drives = useDrives((state) => state.drives)
  const showVirtual = useSettings((state) => state.showVirtual)
  const chooseFile = () =>
    browse({
      title: t.card.open.title,
      start: null,
      allFiles: true,
      onFile: (path) => {
        closeBrowsing()
        makePlan(file, path)
      },
      folder: null,
    })
  return (
    <section className="sheet">
      <h2>{t.change.undo.elsewhere}</h2>
      <p className="plan-way">{t.change.undo.elsewhereText}</p>
      <div className="actions">
        {sortDrives(drives, showVirtual).offered.map((drive) => (
          <Button key={drive.identity.path} onPress={() => makePlan(file, drive.identity.path)}>
            {drive.name} ({drive.identity.path})
          </Button>
        ))}
        <Button onPress={chooseFile}>{t.change.undo.chooseFile}</Button>
      </div>
    </section>
  )
}
