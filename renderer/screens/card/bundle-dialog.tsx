/** One file for people who help: what is in it is said first, and whether serial numbers are is the user's to say. */
import { useEffect, useState } from 'react'
import type { Answer, ErrorValue } from '../../../native-helpers/contract.ts'
import { Button } from '../../components/button.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { Field } from '../../components/field.tsx'
import { ErrorFinding, Finding } from '../../components/finding.tsx'
import { browse } from '../../components/opening.ts'
import { Option } from '../../components/option.tsx'
import { format, t } from '../../i18n/index.ts'
import { folderOf, isFullPath, joined } from '../../state/card-file.ts'
import type { SeenCard } from '../../state/cards.ts'
import { ask } from '../../state/connection.ts'
import { fileName } from '../../state/image.ts'

type Saved = Answer<'cards.bundle'>

interface BundleDialogProps {
  card: SeenCard
  isOpen: boolean
  onLeave: () => void
}

export function BundleDialog({ card, isOpen, onLeave }: BundleDialogProps) {
  return (
    <Dialog title={t.card.bundle.title} isOpen={isOpen} onLeave={onLeave}>
      {isOpen ? <BundleForm card={card} onLeave={onLeave} /> : null}
    </Dialog>
  )
}

function BundleForm({ card, onLeave }: Omit<BundleDialogProps, 'isOpen'>) {
  const [path, setPath] = useState('')
  const [serials, setSerials] = useState(false)
  const [saving, setSaving] = useState(false)
  const [saved, setSaved] = useState<Saved | null>(null)
  const [error, setError] = useState<ErrorValue | null>(null)

  useEffect(() => {
    void suggestedPath(card.path).then((suggested) => setPath((before) => before || suggested))
  }, [card.path])

  const save = async () => {
    setSaving(true)
    setError(null)
    const outcome = await ask('cards.bundle', { path: card.path, base: card.base, to: path.trim(), serials })
    setSaving(false)
    if (outcome.ok) setSaved(outcome.value)
    else setError(outcome.error)
  }
  if (saved) return <Done saved={saved} onLeave={onLeave} />
  const choose = () =>
    browse({
      title: t.card.bundle.place,
      start: isFullPath(path) ? folderOf(path) : null,
      allFiles: false,
      onFile: null,
      folder: { act: t.card.bundle.here, onFolder: (folder) => setPath(joined(folder, fileName(path) || bundleName(card.path))) },
    })
  return (
    <>
      <p>{t.card.bundle.text}</p>
      {card.drive === null ? null : (
        <Option name={t.card.bundle.serials} text={t.card.bundle.serialsText} on={serials} onChange={setSerials} />
      )}
      <div className="card-file-place">
        <Field
          label={t.card.bundle.place}
          value={path}
          onChange={setPath}
          error={path === '' || isFullPath(path) ? null : t.card.bundle.needPath}
          mono
        />
        <Button onPress={choose}>{t.card.bundle.choose}</Button>
      </div>
      {error ? <ErrorFinding error={error} /> : null}
      <div className="dialog-actions">
        <Button onPress={onLeave}>{t.card.bundle.leave}</Button>
        <Button look="primary" onPress={save} isDisabled={saving || !isFullPath(path)}>
          {saving ? t.card.bundle.saving : t.card.bundle.save}
        </Button>
      </div>
    </>
  )
}

function Done({ saved, onLeave }: { saved: Saved; onLeave: () => void }) {
  return (
    <>
      <Finding kind="good" title={t.card.bundle.saved(saved.path)} urgent>
        <p>{t.card.bundle.savedText(format.size(saved.sizeBytes))}</p>
      </Finding>
      <div className="dialog-actions">
        <Button look="primary" onPress={onLeave}>
          {t.card.bundle.done}
        </Button>
      </div>
    </>
  )
}

/** In the user's own folder, where browsing begins. */
async function suggestedPath(cardPath: string): Promise<string> {
  const outcome = await ask('images.browse', { folder: null })
  return outcome.ok ? joined(outcome.value.folder, bundleName(cardPath)) : ''
}

function bundleName(cardPath: string): string {
  const name = fileName(cardPath).replace(/[^\w.-]+/g, '-')
  return `livecard-${name}-${new Date().toISOString().slice(0, 10)}.tar.gz`
}
