/** Saving what is on a card: what of it, how much that is, and where to. */
import { useEffect, useState } from 'react'
import type { Answer, BackupLook, ErrorValue } from '../../../native-helpers/contract.ts'
import { Button } from '../../components/button.tsx'
import { FileTree } from '../../components/file-tree.tsx'
import { ErrorFinding, Finding } from '../../components/finding.tsx'
import { browse } from '../../components/opening.ts'
import { Option } from '../../components/option.tsx'
import { SavePlace } from '../../components/save-place.tsx'
import { Screen } from '../../components/screen.tsx'
import { format, t } from '../../i18n/index.ts'
import { type BackupWish, choiceOf, partEntry, runningBackups, useBackup } from '../../state/backup.ts'
import { folderOf, isFullPath, joined } from '../../state/card-file.ts'
import { ask } from '../../state/connection.ts'
import { fileName } from '../../state/image.ts'
import { go } from '../../state/route.ts'
import { useCardName } from '../change/change-words.ts'
import { Making, Sentences } from '../change/plan-parts.tsx'
import { ToCard } from '../change/plan-ways.tsx'
import { partWords } from './part-words.ts'

export function BackupScreen({ path }: { path: string }) {
  const wish = useBackup((state) => (state.wish?.path === path ? state.wish : null))
  const name = useCardName(path)
  const open = () => void useBackup.getState().open(path)
  useEffect(() => {
    void useBackup.getState().open(path)
    return () => useBackup.getState().close()
  }, [path])
  const isReading = wish === null || (wish.look === null && wish.error === null)
  return (
    <Screen title={t.backup.title(name)} sub={t.backup.sub}>
      <p role="status" className="unseen">
        {isReading ? t.backup.opening : ''}
      </p>
      {isReading ? <Making title={t.backup.opening} /> : null}
      {wish?.error ? <ErrorFinding error={wish.error} action={<Button onPress={open}>{t.backup.again}</Button>} /> : null}
      {wish?.look ? (
        <Choice wish={wish} look={wish.look} />
      ) : (
        <div className="screen-end">
          <ToCard path={path} />
        </div>
      )}
    </Screen>
  )
}

function Choice({ wish, look }: { wish: BackupWish; look: BackupLook }) {
  const { toggle, loadFolder, choose } = useBackup.getState()
  const [place, setPlace] = useState('')
  const [starting, setStarting] = useState(false)
  const [error, setError] = useState<ErrorValue | null>(null)
  const busy = useBackup((state) => runningBackups(state.jobs).find((job) => job.path === look.path))
  const choice = choiceOf(wish)
  useEffect(() => {
    void suggestedPlace(look.suggestedName).then((suggested) => setPlace((before) => before || suggested))
  }, [look.suggestedName])
  const start = async () => {
    if (choice === null) return
    setStarting(true)
    setError(null)
    const outcome = await ask('backup.start', { ...choice, file: place.trim() })
    setStarting(false)
    if (outcome.ok) go({ screen: 'backup-job', id: outcome.value.jobId })
    else setError(outcome.error)
  }
  return (
    <>
      {look.notes.length > 0 ? (
        <Finding kind="warn" title={t.backup.know}>
          <Sentences sentences={look.notes} />
        </Finding>
      ) : null}
      <section className="sheet" aria-labelledby="backup-what">
        <h2 id="backup-what">
          {t.backup.what} <span>{t.backup.whatText}</span>
        </h2>
        <FileTree
          label={t.backup.what}
          roots={look.parts.map((part) => partEntry(part, partWords(part)))}
          folders={wish.folders}
          ticks={wish.ticks}
          onTick={toggle}
          onOpen={(folder) => void loadFolder(folder)}
        />
        {look.hasKernel ? (
          <Option
            name={t.backup.kernel}
            text={t.backup.kernelText}
            on={wish.withKernel}
            onChange={(withKernel) => choose({ withKernel })}
          />
        ) : null}
        <Since since={wish.since} />
      </section>
      <section className="sheet stack" aria-labelledby="backup-where">
        <h2 id="backup-where">{t.backup.where}</h2>
        <Estimate choice={choice} />
        <SavePlace
          label={t.backup.file}
          hint={t.backup.fileHint}
          suggestedName={look.suggestedName}
          value={place}
          onChange={setPlace}
          error={place === '' || isArchiveName(place) ? null : t.backup.badName}
        />
        {error ? <ErrorFinding error={error} /> : null}
      </section>
      <div className="screen-end">
        <ToCard path={look.path} />
        <span className="grow" />
        {busy ? (
          <Button look="primary" onPress={() => go({ screen: 'backup-job', id: busy.id })}>
            {t.change.running.show}
          </Button>
        ) : (
          <Button
            look="primary"
            onPress={start}
            isDisabled={starting || choice === null || !isFullPath(place) || !isArchiveName(place)}
          >
            {t.backup.act(fileName(place) || look.suggestedName)}
          </Button>
        )}
      </div>
    </>
  )
}

function isArchiveName(path: string): boolean {
  return /\.(tar|tar\.gz|tgz|tar\.zst|tzst)$/i.test(path.trim())
}

/** In the user's own folder, where browsing begins; a number where there is one of that name. */
async function suggestedPlace(name: string): Promise<string> {
  const outcome = await ask('images.browse', { folder: null })
  if (!outcome.ok) return ''
  const taken = new Set(outcome.value.entries.map((entry) => entry.name))
  const [, stem = name, ending = ''] = /^(.*?)((?:\.tar)?\.\w+)$/.exec(name) ?? []
  let free = name
  for (let number = 2; taken.has(free); number += 1) free = `${stem}-${number}${ending}`
  return joined(outcome.value.folder, free)
}

/** Only what changed since an earlier backup of the same card. */
function Since({ since }: { since: string | null }) {
  const { choose } = useBackup.getState()
  const pick = () =>
    browse({
      title: t.backup.sinceTitle,
      start: since === null ? null : folderOf(since),
      allFiles: true,
      onFile: (path) => choose({ since: path }),
      folder: null,
    })
  return (
    <div className="since">
      <span className="since-words">
        <strong>{t.backup.since}</strong>
        <span>{since === null ? t.backup.sinceText : <code>{since}</code>}</span>
      </span>
      <Button onPress={pick}>{since === null ? t.backup.sinceChoose : t.backup.sinceOther}</Button>
      {since === null ? null : (
        <Button look="quiet" onPress={() => choose({ since: null })}>
          {t.backup.sinceNone}
        </Button>
      )}
    </div>
  )
}

type Choice = NonNullable<ReturnType<typeof choiceOf>>
type Estimated = { of: string; outcome: { estimate: Answer<'backup.estimate'> } | { error: ErrorValue } }

/** A moment, so that ticking a row of boxes asks once. */
const settleMs = 250

/** What the choice comes to, told anew with every tick. */
function Estimate({ choice }: { choice: Choice | null }) {
  const [known, setKnown] = useState<Estimated | null>(null)
  const of = choice === null ? null : JSON.stringify(choice)
  useEffect(() => {
    if (of === null) return
    let current = true
    const timer = setTimeout(async () => {
      const outcome = await ask('backup.estimate', JSON.parse(of) as Choice)
      if (current) setKnown({ of, outcome: outcome.ok ? { estimate: outcome.value } : { error: outcome.error } })
    }, settleMs)
    return () => {
      current = false
      clearTimeout(timer)
    }
  }, [of])
  if (of === null) return <p className="estimate soft">{t.backup.nothingChosen}</p>
  if (known?.of === of && 'error' in known.outcome) return <ErrorFinding error={known.outcome.error} />
  // The last one stays while the next is counted, so that nothing jumps.
  const estimate = known && 'estimate' in known.outcome ? known.outcome.estimate : null
  const isCounting = known?.of !== of
  return (
    <div className="estimate" aria-busy={isCounting}>
      <p role="status" className={isCounting ? 'soft' : undefined}>
        {estimate === null ? (
          t.backup.counting
        ) : (
          <>
            <strong title={format.exact(estimate.bytes)}>{format.size(estimate.bytes)}</strong>{' '}
            {t.backup.files(estimate.files, format.number(estimate.files))}
            {estimate.removed > 0 ? ` · ${t.backup.removed(estimate.removed, format.number(estimate.removed))}` : ''}
          </>
        )}
      </p>
      <p className="soft">{t.backup.packed}</p>
      {estimate && estimate.left.length > 0 ? <Left left={estimate.left} /> : null}
    </div>
  )
}

function Left({ left }: { left: Answer<'backup.estimate'>['left'] }) {
  return (
    <Finding kind="plain" title={t.backup.left(left.length)}>
      <Sentences sentences={left.slice(0, mostTold).map(({ path, why }) => `${path.toWellFormed()}: ${why}.`)} />
    </Finding>
  )
}

const mostTold = 5
