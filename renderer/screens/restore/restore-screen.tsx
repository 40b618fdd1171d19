/** Putting files from a backup back: which backup, what of it, and what does not fit the card is said before the plan is made. */
import { useEffect } from 'react'
import type { ArchiveLook } from '../../../native-helpers/contract.ts'
import { Button } from '../../components/button.tsx'
import { FileTree } from '../../components/file-tree.tsx'
import { ErrorFinding, Finding } from '../../components/finding.tsx'
import { browse } from '../../components/opening.ts'
import { Option } from '../../components/option.tsx'
import { Screen } from '../../components/screen.tsx'
import { Size } from '../../components/size.tsx'
import { format, t } from '../../i18n/index.ts'
import { folderOf } from '../../state/card-file.ts'
import { useCards } from '../../state/cards.ts'
import { fileName } from '../../state/image.ts'
import { usePlanning, wishOf } from '../../state/planning.ts'
import { isFiles, misfitsOf, type RestoreWish, restoreChoice, useRestore } from '../../state/restore.ts'
import { useCardName } from '../change/change-words.ts'
import { Making } from '../change/plan-parts.tsx'
import { WishEnd } from '../change/wish-end.tsx'

export function RestoreScreen({ path }: { path: string }) {
  const wish = useRestore((state) => state.wish)
  const name = useCardName(path)
  useEffect(() => {
    // Coming back from the plan, the archive is the one that it was made of.
    const before = wishOf('restore', path)?.file
    if (before !== undefined) void useRestore.getState().open(before)
    return () => useRestore.getState().close()
  }, [path])
  const choice = wish && restoreChoice(wish)
  return (
    <Screen title={t.change.jobs.restore.title(name)} sub={t.change.wish.sub}>
      {wish === null ? (
        <section className="sheet empty">
          <h2>{t.restore.which}</h2>
          <p className="soft">{t.restore.whichText}</p>
          <div className="actions restore-open">
            <Button look="primary" onPress={() => choose(null)}>
              {t.restore.choose}
            </Button>
          </div>
        </section>
      ) : (
        <>
          <Archive wish={wish} />
          {wish.error ? <ErrorFinding error={wish.error} /> : null}
          {wish.look === null && wish.error === null ? (
            <Making
              title={t.restore.reading}
              text={t.restore.readingText}
              action={<Button onPress={() => useRestore.getState().close()}>{t.change.plan.stop}</Button>}
            />
          ) : null}
          {wish.look ? <Choice path={path} wish={wish} look={wish.look} scope={choice?.scope ?? null} /> : null}
        </>
      )}
      <WishEnd
        path={path}
        onPlan={() => choice && usePlanning.getState().wish('restore', path, choice.wish)}
        isDisabled={choice === null}
      />
    </Screen>
  )
}

/** Our own dialog in the desktop's app too: archives have many endings. */
function choose(start: string | null): void {
  browse({
    title: t.restore.choose,
    start,
    allFiles: true,
    onFile: (file) => void useRestore.getState().open(file),
    folder: null,
  })
}

function Archive({ wish: { file, look } }: { wish: RestoreWish }) {
  return (
    <section className="sheet restore-archive">
      <div className="grow">
        <strong>{fileName(file)}</strong>
        <p className="soft">
          {look ? <Saved look={look} /> : null}
          <code>{file}</code>
        </p>
      </div>
      <Button onPress={() => choose(folderOf(file))}>{t.restore.another}</Button>
    </section>
  )
}

function Saved({ look: { saved, archiveBytes } }: { look: ArchiveLook }) {
  return (
    <>
      {saved ? t.restore.saved(format.date(saved.madeAt), saved.system.name) : t.restore.foreign} · <Size bytes={archiveBytes} /> ·{' '}
    </>
  )
}

interface ChoiceProps {
  path: string
  wish: RestoreWish
  look: ArchiveLook
  scope: 'whole' | 'part' | null
}

function Choice({ path, wish, look, scope }: ChoiceProps) {
  const { toggle, loadFolder, setWithKernel } = useRestore.getState()
  const report = useCards((state) => state.cards[path]?.report ?? null)
  const { system, kernels } = misfitsOf(look, report)
  return (
    <>
      {system === null ? null : (
        <Finding kind="warn" title={t.restore.otherSystem(system)}>
          <p>{t.restore.otherSystemText}</p>
        </Finding>
      )}
      {kernels.length > 0 && !wish.withKernel ? (
        <Finding kind="warn" title={t.restore.otherKernel(kernels.join(', '))}>
          <p>{look.saved?.hasKernel ? t.restore.otherKernelOffer : t.restore.otherKernelText}</p>
        </Finding>
      ) : null}
      {look.saved?.isIncremental ? (
        <Finding kind="plain" title={t.restore.incremental}>
          <p>{t.restore.incrementalText}</p>
        </Finding>
      ) : null}
      <section className="sheet" aria-labelledby="restore-what">
        <h2 id="restore-what">
          {t.restore.what} <span>{t.restore.whatText}</span>
        </h2>
        <FileTree
          label={t.restore.what}
          roots={look.roots
            .filter(isFiles)
            .map((root) => ({ ...root, name: look.saved ? t.backup.part(root.path, '') : root.name }))}
          folders={wish.folders}
          ticks={wish.ticks}
          onTick={toggle}
          onOpen={(folder) => void loadFolder(folder)}
        />
        {look.saved?.hasKernel ? (
          <Option name={t.restore.kernel} text={t.restore.kernelText} on={wish.withKernel} onChange={setWithKernel} />
        ) : null}
        <p role="status">{scope === null ? t.backup.nothingChosen : t.restore.scopes[scope]}</p>
      </section>
    </>
  )
}
