/** A card image, the folder of a mounted stick, or one overlay file. */
import { useEffect } from 'react'
import { Button } from '../../components/button.tsx'
import { Finding } from '../../components/finding.tsx'
import { browse, openCard, openImage } from '../../components/opening.ts'
import { Screen } from '../../components/screen.tsx'
import { t } from '../../i18n/index.ts'
import { folderOf } from '../../state/card-file.ts'
import { type SeenCard, useCards } from '../../state/cards.ts'
import { fileName } from '../../state/image.ts'
import { useRecent } from '../../state/recent.ts'
import { CardHead } from './card-head.tsx'
import { CardView } from './card-view.tsx'
import { waysOfFile, writeInto } from './card-ways.ts'
import { JobButtons } from './job-buttons.tsx'
import { LookButton, LookState } from './look-state.tsx'

export function CardFileScreen({ path }: { path: string }) {
  const card = useCards((state) => state.cards[path])
  const isUnseen = card === undefined
  useEffect(() => {
    if (isUnseen) lookFirst(path)
  }, [isUnseen, path])
  if (!card) return null
  const name = fileName(path)
  const { report } = card
  const look = () => openCard(path)
  return (
    <Screen
      title={name}
      sub={
        <CardHead report={report}>
          {report ? `${t.card.kinds[report.target.kind]} · ` : null}
          <code>{path}</code>
          {card.base === null ? null : ` ${t.card.base.with(fileName(card.base))}`}
        </CardHead>
      }
      actions={report || card.state === 'looking' ? <LookButton card={card} onLook={look} /> : null}
    >
      <LookState card={card} name={name} retry={<Button onPress={look}>{t.card.again}</Button>} />
      {report ? (
        <>
          {report.target.kind === 'overlay' && card.base === null ? <AskForBase path={path} /> : null}
          <CardView card={card} report={report} name={name} wayOf={waysOfFile(report, path)} acts={<Acts card={card} />} />
        </>
      ) : null}
    </Screen>
  )
}

/** After a reload, by a typed address, or when the file was written while it is shown. */
function lookFirst(path: string): void {
  const base = useRecent.getState().recent.find((one) => one.path === path)?.base ?? null
  void useCards.getState().look(path, null, base)
}

function Acts({ card: { path, report } }: { card: SeenCard }) {
  if (!report) return null
  const jobs = <JobButtons path={path} jobs={report.jobs} isWritable />
  if (report.target.kind !== 'image') return jobs
  return (
    <>
      {jobs}
      <Button onPress={() => openImage(path)}>{t.card.writeToCard}</Button>
      <Button onPress={() => writeInto(path)}>{t.card.writeInto}</Button>
    </>
  )
}

function AskForBase({ path }: { path: string }) {
  const choose = () =>
    browse({
      title: t.card.open.baseTitle,
      start: folderOf(path),
      allFiles: true,
      onFile: (base) => openCard(path, base),
      folder: null,
    })
  return (
    <Finding kind="plain" title={t.card.base.title} action={<Button onPress={choose}>{t.card.base.choose}</Button>}>
      <p>{t.card.base.text}</p>
    </Finding>
  )
}
