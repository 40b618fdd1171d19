import { t } from '../i18n/index.ts'
import { cardLine } from '../screens/card/card-words.ts'
import { backupLine, changeLine } from '../screens/change/change-words.ts'
import { runningBackups, useBackup } from '../state/backup.ts'
import { type SeenCard, useCards } from '../state/cards.ts'
import { changeOnPath, runningChanges, useChanges } from '../state/changes.ts'
import { useConnected } from '../state/connection.ts'
import { useDrives } from '../state/drives.ts'
import { fileName } from '../state/image.ts'
import { useRecent } from '../state/recent.ts'
import { isAbout, useRoute } from '../state/route.ts'
import { CardFileIcon } from './icons.tsx'
import type { MarkKind } from './mark.tsx'
import { SideItem } from './side-item.tsx'

/** Card images and folders that were looked at, each with its system and how it is as far as it was seen in this session. */
export function SideCards() {
  const { recent, forgetAll } = useRecent()
  const cards = useCards((state) => state.cards)
  const route = useRoute((state) => state.route)
  const changes = useChanges((state) => state.changes)
  const backups = useBackup((state) => state.jobs)
  const drives = useDrives((state) => state.drives)
  const connected = useConnected()
  const inWork = Object.values(cards).filter((card) => card.drive === null && !recent.some(({ path }) => path === card.path))
  // What is done with a drive stands with the drive; with a file, here, also with one that was not looked at in this window.
  const changing = [...runningChanges(changes), ...runningBackups(backups)].filter(
    ({ path }) => !drives.some((drive) => drive.identity.path === path),
  )
  const paths = [...new Set([...changing, ...inWork, ...recent].map((one) => one.path))]
  if (paths.length === 0) return null
  return (
    <section aria-labelledby="side-cards">
      <h2 id="side-cards">{t.card.recent}</h2>
      <ul className="side-list">
        {paths.map((path) => {
          const change = changeLine(changeOnPath(changes, path, 0), cards[path] ?? null, connected)
          const backup = change?.isRunning ? null : backupLine(backups, path, connected)
          const { word, mark } = backup ?? change ?? lineOf(cards[path])
          return (
            <SideItem
              key={path}
              to={backup?.to ?? change?.to ?? { screen: 'card', path }}
              current={
                isAbout(route, path) ||
                (route.screen === 'change' && changes[route.id]?.path === path) ||
                (route.screen === 'backup-job' && backups[route.id]?.path === path)
              }
              picture={<CardFileIcon size={26} />}
              name={fileName(path)}
              word={word}
              mark={mark}
            />
          )
        })}
      </ul>
      <button type="button" className="side-fold" onClick={forget}>
        {t.card.forget}
      </button>
    </section>
  )

  /** The one that is shown stays shown: it is forgotten with the next start. */
  function forget() {
    forgetAll()
    for (const path of paths) if (!isAbout(route, path)) useCards.getState().forget(path)
  }
}

function lineOf(card: SeenCard | undefined): { word: string; mark: MarkKind | null } {
  if (!card) return { word: t.card.lookTitle, mark: null }
  if (card.state === 'looking') return { word: t.card.looking, mark: 'busy' }
  if (card.state === 'failed') return { word: t.states.failed, mark: 'bad' }
  return card.report ? cardLine(card.report) : { word: t.card.lookTitle, mark: null }
}
