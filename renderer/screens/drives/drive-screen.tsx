/** A drive that is plugged in: what the list tells of it at once, and what looking inside adds. */
import { type ReactNode, useEffect } from 'react'
import type { Drive, Report } from '../../../native-helpers/contract.ts'
import { Button } from '../../components/button.tsx'
import { Finding } from '../../components/finding.tsx'
import { PartitionMap } from '../../components/partition-map.tsx'
import { Refusals } from '../../components/refusals.tsx'
import { Screen } from '../../components/screen.tsx'
import { format, t } from '../../i18n/index.ts'
import { type SeenCard, seenOnDrive, useCards } from '../../state/cards.ts'
import { changeOnPath, useChanges } from '../../state/changes.ts'
import { useConnection } from '../../state/connection.ts'
import { driveKey, refusalsOf, useDrives } from '../../state/drives.ts'
import { jobOnPath, useJobs } from '../../state/jobs.ts'
import { go } from '../../state/route.ts'
import { useSettings } from '../../state/settings.ts'
import { CardHead } from '../card/card-head.tsx'
import { CardView } from '../card/card-view.tsx'
import { waysOfDrive } from '../card/card-ways.ts'
import { JobButtons } from '../card/job-buttons.tsx'
import { LookButton, LookState } from '../card/look-state.tsx'
import { DriveDetails, Volumes } from './drive-facts.tsx'

export function DriveScreen({ path }: { path: string }) {
  const drive = useDrives((state) => state.drives.find((one) => one.identity.path === path))
  const card = useCards((state) => state.cards[path])
  if (drive) return <PluggedIn drive={drive} card={card ?? null} />
  return card?.report && card.drive ? <TakenOut card={card} drive={card.drive} /> : <Gone path={path} />
}

function Gone({ path }: { path: string }) {
  return (
    <Screen title={t.drives.gone} sub={<code>{path}</code>}>
      <p className="soft">{t.drives.goneText}</p>
    </Screen>
  )
}

/** What was seen stays to be read, copied and sent; nothing can be done with the card itself. */
function TakenOut({ card, drive }: { card: SeenCard; drive: Drive }) {
  if (!card.report) return null
  return (
    <Screen title={drive.name} sub={<DriveSub drive={drive} report={card.report} />}>
      <Finding kind="warn" title={t.card.gone} urgent>
        <p>{t.card.goneText(format.date(card.seenAt))}</p>
      </Finding>
      <CardView card={card} report={card.report} name={drive.name} wayOf={() => t.card.gone} acts={null} />
    </Screen>
  )
}

function PluggedIn({ drive, card }: { drive: Drive; card: SeenCard | null }) {
  const { path } = drive.identity
  const showVirtual = useSettings((state) => state.showVirtual)
  const seen = useCards((state) => seenOnDrive(state.cards, drive))
  const isFlashed = useJobs((state) => jobOnPath(state.jobs, path, 0)?.state === 'running')
  const isChanged = useChanges((state) => changeOnPath(state.changes, path, 0)?.state === 'running')
  const isWritten = isFlashed || isChanged
  const asksNoPassword = useConnection(({ connection }) => connection.state === 'open' && connection.helper.privileged)
  const refusals = refusalsOf(drive, showVirtual)
  const isWritable = refusals.length === 0
  const look = () => void useCards.getState().look(path, drive)

  // A password window that nobody asked for frightens, and a system that runs is read while it changes: these wait for the button.
  const byItself = asksNoPassword && isWritable && !isWritten
  const key = driveKey(drive)
  useEffect(() => {
    const now = useDrives.getState().drives.find((one) => one.identity.path === path)
    if (!byItself || !now || driveKey(now) !== key || seenOnDrive(useCards.getState().cards, now)) return
    void useCards.getState().look(path, now)
  }, [byItself, key, path])

  const report = seen?.report ?? null
  const canLook = !isWritten && !drive.refusals.some((refusal) => refusal.code === 'empty')
  return (
    <Screen
      title={drive.name}
      sub={<DriveSub drive={drive} report={report} />}
      actions={seen && (report || seen.state === 'looking') ? <LookButton card={seen} onLook={look} /> : null}
    >
      {isWritable ? null : (
        <Finding kind="warn" title={t.drives.mayNot}>
          <Refusals refusals={refusals} />
        </Finding>
      )}
      {seen ? <LookState card={seen} name={drive.name} retry={<Button onPress={look}>{t.card.again}</Button>} /> : null}
      {seen === null && canLook && !byItself ? (
        <AskToLook onLook={look} isChanged={card !== null} needsPassword={!asksNoPassword} />
      ) : null}
      {seen && report ? (
        <CardView
          card={seen}
          report={report}
          name={drive.name}
          wayOf={waysOfDrive(path, report.jobs, isWritable, t.card.whyNot.flash)}
          acts={<Acts path={path} isWritable={isWritable} jobs={report.jobs} />}
        />
      ) : (
        <>
          <div className="actions">
            <Acts path={path} isWritable={isWritable} jobs={[]} />
          </div>
          <PartitionMap drive={drive} />
          <Volumes drive={drive} />
          <DriveDetails drive={drive} />
        </>
      )}
    </Screen>
  )
}

function DriveSub({ drive, report }: { drive: Drive; report: SeenCard['report'] }) {
  return (
    <CardHead report={report}>
      {t.pictures[drive.picture]} · <code>{drive.identity.path}</code>
    </CardHead>
  )
}

function AskToLook({
  onLook,
  isChanged,
  needsPassword,
}: {
  onLook: () => void
  isChanged: boolean
  needsPassword: boolean
}): ReactNode {
  return (
    <Finding
      kind="plain"
      title={isChanged ? t.card.changed : t.card.lookTitle}
      action={
        <Button look="primary" onPress={onLook}>
          {t.card.look}
        </Button>
      }
    >
      <p>{needsPassword ? t.card.lookPassword : t.card.lookText}</p>
    </Finding>
  )
}

/** They lead to the choice of an image; the drive is not chosen there either until the user does it. */
function Acts({ path, isWritable, jobs }: { path: string; isWritable: boolean; jobs: Report['jobs'] }) {
  return (
    <>
      <JobButtons path={path} jobs={jobs} isWritable={isWritable} />
      {isWritable ? <Button onPress={() => go({ screen: 'flash', mode: 'write' })}>{t.drives.writeImage}</Button> : null}
      <Button onPress={() => go({ screen: 'flash', mode: 'check' })}>{t.drives.checkImage}</Button>
    </>
  )
}
