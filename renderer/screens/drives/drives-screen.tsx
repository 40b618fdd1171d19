/** Everything that is plugged in, with what may be written first. */

import type { Drive, Report } from '../../../native-helpers/contract.ts'
import { Button } from '../../components/button.tsx'
import { DrivePicture } from '../../components/drive-picture.tsx'
import { contentWords } from '../../components/job-words.ts'
import { Link } from '../../components/link.tsx'
import { Mark } from '../../components/mark.tsx'
import { chooseCard } from '../../components/opening.ts'
import { Screen } from '../../components/screen.tsx'
import { unbroken } from '../../i18n/format.ts'
import { format, refusalWords, t } from '../../i18n/index.ts'
import { seenOnDrive, useCards } from '../../state/cards.ts'
import { refusalsOf, sortDrives, useDrives } from '../../state/drives.ts'
import { useSettings } from '../../state/settings.ts'
import { cardLine } from '../card/card-words.ts'

export function DrivesScreen() {
  const drives = useDrives((state) => state.drives)
  const showVirtual = useSettings((state) => state.showVirtual)
  const { offered, refusedCards, others } = sortDrives(drives, showVirtual)
  const refused = [...refusedCards, ...others]
  return (
    <Screen title={t.drives.title} sub={t.drives.sub} actions={<Button onPress={chooseCard}>{t.card.open.button}</Button>}>
      {offered.length === 0 ? (
        <section className="sheet empty">
          <h2>{t.drives.none}</h2>
          <p className="soft">{t.drives.noneText}</p>
        </section>
      ) : (
        <ul className="drive-list">
          {offered.map((drive) => (
            <DriveLine key={drive.identity.path} drive={drive} refusals={[]} />
          ))}
        </ul>
      )}
      {refused.length > 0 ? (
        <section className="stack">
          <h2 className="section-title">{t.drives.others}</h2>
          <ul className="drive-list">
            {refused.map((drive) => (
              <DriveLine key={drive.identity.path} drive={drive} refusals={refusalsOf(drive, showVirtual)} />
            ))}
          </ul>
        </section>
      ) : null}
    </Screen>
  )
}

function SeenWords({ report }: { report: Report }) {
  const { word, mark } = cardLine(report)
  return (
    <>
      {mark === null ? null : <Mark kind={mark} />} {word}
    </>
  )
}

function DriveLine({ drive, refusals }: { drive: Drive; refusals: Drive['refusals'] }) {
  const seen = useCards((state) => seenOnDrive(state.cards, drive))
  return (
    <li>
      <Link to={{ screen: 'drive', path: drive.identity.path }} className="drive-line">
        <DrivePicture picture={drive.picture} size={34} />
        <span className="drive-words">
          <strong title={format.exact(drive.identity.sizeBytes)}>{unbroken(drive.name)}</strong>
          <span>{seen?.report ? <SeenWords report={seen.report} /> : contentWords(drive)}</span>
          {refusals.map((refusal) => (
            <span key={refusal.code + refusal.reason} className="drive-refusal">
              <Mark kind="locked" />
              {refusalWords(refusal).reason}
            </span>
          ))}
        </span>
        <code className="drive-path">{drive.identity.path}</code>
      </Link>
    </li>
  )
}
