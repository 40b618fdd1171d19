/** The undo files, each with what it takes back; one that cannot be read says why. */
import { useEffect, useState } from 'react'
import type { UndoFileFacts } from '../../../native-helpers/contract.ts'
import { Button } from '../../components/button.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { ErrorFinding } from '../../components/finding.tsx'
import { Link } from '../../components/link.tsx'
import { format, t } from '../../i18n/index.ts'
import { useChanges } from '../../state/changes.ts'
import { fileName } from '../../state/image.ts'
import { helperLanguage } from '../change/plan-parts.tsx'

export function UndoFiles() {
  const { undoFiles, undoError } = useChanges()
  const [removing, setRemoving] = useState<UndoFileFacts | null>(null)
  useEffect(() => void useChanges.getState().loadUndoFiles(), [])
  if (undoFiles.length === 0) return undoError ? <ErrorFinding error={undoError} /> : null
  return (
    <section className="sheet" aria-labelledby="undo-files">
      <h2 id="undo-files">{t.change.history.title}</h2>
      <p className="soft">{t.change.history.text}</p>
      {undoError ? <ErrorFinding error={undoError} /> : null}
      <ul className="undo-files">
        {undoFiles.map((file) => (
          <UndoLine key={file.file} file={file} onRemove={() => setRemoving(file)} />
        ))}
      </ul>
      <RemoveDialog file={removing} onLeave={() => setRemoving(null)} />
    </section>
  )
}

const pills = { ready: 'good', already: 'plain', nothing: 'plain' } as const

function UndoLine({ file, onRemove }: { file: UndoFileFacts; onRemove: () => void }) {
  const title = titleOf(file)
  return (
    <li>
      <div className="undo-words">
        <strong>{file.problem === null ? title : t.change.history.unreadable}</strong>
        {file.problem === null ? (
          <>
            <span>
              {format.date(file.createdAt)} · {t.change.history.on(file.path)}
            </span>
            <span className="undo-state">
              <span className={`pill pill-${pills[file.state]}`}>{t.change.history.states[file.state]}</span>
              {file.keptBytes > 0 ? <small className="soft">{t.change.history.holds(format.size(file.keptBytes))}</small> : null}
            </span>
          </>
        ) : (
          <span lang={helperLanguage}>{file.problem}</span>
        )}
      </div>
      <div className="actions">
        {file.problem === null && file.state === 'ready' ? (
          <Link to={{ screen: 'undo', file: file.file }} className="button button-plain" label={t.change.history.takeOf(title)}>
            {t.change.history.take}
          </Link>
        ) : null}
        <Button look="quiet" onPress={onRemove} aria-label={t.change.history.removeOf(title)}>
          {t.change.history.remove}
        </Button>
      </div>
    </li>
  )
}

function titleOf(file: UndoFileFacts): string {
  return file.problem === null ? t.change.undo.job(file.title) : fileName(file.file)
}

function RemoveDialog({ file, onLeave }: { file: UndoFileFacts | null; onLeave: () => void }) {
  const remove = () => {
    if (file) void useChanges.getState().removeUndoFile(file.file)
    onLeave()
  }
  return (
    <Dialog title={file ? questionOf(file) : ''} isOpen={file !== null} onLeave={onLeave} role="alertdialog">
      <p>{file?.state === 'ready' ? t.change.history.removeReady : t.change.history.removeText}</p>
      {file ? <code>{file.file}</code> : null}
      <div className="dialog-actions">
        <Button onPress={onLeave}>{t.change.history.keep}</Button>
        <Button look={file?.state === 'ready' ? 'danger' : 'primary'} onPress={remove}>
          {t.change.history.removeAct}
        </Button>
      </div>
    </Dialog>
  )
}

function questionOf(file: UndoFileFacts): string {
  return file.problem === null ? t.change.history.removeTitle(file.title) : t.change.history.removeUnreadable(fileName(file.file))
}
