/** Back to the system as it was delivered: what goes is said first, and what is kept is ticked among what was changed. */
import { useEffect, useState } from 'react'
import type { BackupLook } from '../../../native-helpers/contract.ts'
import { Button } from '../../components/button.tsx'
import { Field } from '../../components/field.tsx'
import { FileTree } from '../../components/file-tree.tsx'
import { Finding } from '../../components/finding.tsx'
import { Option } from '../../components/option.tsx'
import { Screen } from '../../components/screen.tsx'
import { t } from '../../i18n/index.ts'
import { type BackupWish, partEntry, useBackup } from '../../state/backup.ts'
import { useCards } from '../../state/cards.ts'
import { type Folders, tickedPaths, tickOf } from '../../state/file-tree.ts'
import { usePlanning } from '../../state/planning.ts'
import { go } from '../../state/route.ts'
import { partWords } from '../backup/part-words.ts'
import { useCardName } from '../change/change-words.ts'
import { Making } from '../change/plan-parts.tsx'
import { WishEnd } from '../change/wish-end.tsx'

export function ResetScreen({ path }: { path: string }) {
  const wish = useBackup((state) => (state.wish?.path === path ? state.wish : null))
  const name = useCardName(path)
  const hasHome = useCards((state) => state.cards[path]?.report?.rooms.some((room) => room.id === 'home') ?? false)
  const canBackUp = useCards((state) => state.cards[path]?.report?.jobs.includes('backup') ?? false)
  const [typed, setTyped] = useState('')
  const [dropHome, setDropHome] = useState(false)
  useEffect(() => {
    void useBackup.getState().open(path, 'empty')
    return () => useBackup.getState().close()
  }, [path])

  const part = wish?.look ? changesOf(wish.look) : null
  const isReading = wish === null || (wish.look === null && wish.error === null)
  const keep = part && wish ? keptPaths(wish, part.what) : typed.split('\n').map((line) => line.trim())
  const keepsAll = part !== null && wish !== null && tickOf(wish.ticks, part.what) === true
  const plan = () => {
    const paths = keep.filter((one) => one !== '')
    usePlanning
      .getState()
      .wish('reset', path, { ...(paths.length > 0 && { keep: paths.join('\n') }), ...(dropHome && { drop: 'home' }) })
  }
  return (
    <Screen title={t.change.jobs.reset.title(name)} sub={t.change.wish.sub}>
      <Finding
        kind="warn"
        title={t.reset.goes}
        action={canBackUp ? <Button onPress={() => go({ screen: 'backup', path })}>{t.reset.backup}</Button> : null}
      >
        <p>{t.reset.goesText}</p>
      </Finding>
      <section className="sheet" aria-labelledby="reset-keep">
        <h2 id="reset-keep">
          {t.reset.keep} {part ? <span>{t.reset.keepText}</span> : null}
        </h2>
        {isReading ? <Making title={t.reset.reading} /> : null}
        {wish && part ? <Kept wish={wish} part={part} /> : null}
        {isReading || part ? null : (
          <div className="stack">
            <p>{t.reset.noTree}</p>
            <Field label={t.reset.paths} hint={t.reset.pathsHint} value={typed} onChange={setTyped} error={null} lines={4} mono />
          </div>
        )}
        {hasHome ? <Option name={t.reset.home} text={t.reset.homeText} on={dropHome} onChange={setDropHome} /> : null}
        <p role="status">{keepsAll ? t.reset.all : null}</p>
      </section>
      <WishEnd path={path} onPlan={plan} isDisabled={isReading || keepsAll} />
    </Screen>
  )
}

/** What lies over the system, of which single files can be told. */
function changesOf({ parts }: BackupLook) {
  return (
    parts.find(({ what, canChoose, problem }) => (what === 'overlay' || what === 'rw') && canChoose && problem === null) ?? null
  )
}

/** From the root of the system: without the part that they stand in. */
function keptPaths({ ticks, folders }: BackupWish, part: string): string[] {
  return tickedPaths(ticks, [part], folders).map((path) => path.slice(part.length + 1))
}

function Kept({ wish, part }: { wish: BackupWish; part: BackupLook['parts'][number] }) {
  const { toggle, loadFolder } = useBackup.getState()
  return (
    <FileTree
      label={t.reset.keep}
      roots={[partEntry(part, partWords(part))]}
      folders={withoutDeleted(wish.folders)}
      ticks={wish.ticks}
      onTick={toggle}
      onOpen={(folder) => void loadFolder(folder)}
    />
  )
}

/** A file that the system had and that was deleted is back afterwards: there is nothing of it to keep. */
function withoutDeleted(folders: Folders): Folders {
  return Object.fromEntries(
    Object.entries(folders).map(([path, { entries, truncated }]) => [
      path,
      { entries: entries.filter(({ kind }) => kind !== 'deleted'), truncated },
    ]),
  )
}
