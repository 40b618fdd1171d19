/** Where a new file is to lie: typed, or chosen in the system's dialog, or folder by folder through the helper's eyes. */
import { t } from '../i18n/index.ts'
import { folderOf, isFullPath, joined } from '../state/card-file.ts'
import { transport } from '../state/connection.ts'
import { fileName } from '../state/image.ts'
import { Button } from './button.tsx'
import { Field } from './field.tsx'
import { browse } from './opening.ts'

interface SavePlaceProps {
  label: string
  hint?: string
  /** Where there is no name yet. */
  suggestedName: string
  value: string
  onChange: (path: string) => void
  error?: string | null
}

export function SavePlace({ label, hint, suggestedName, value, onChange, error = null }: SavePlaceProps) {
  const name = fileName(value) || suggestedName
  const pick = transport()?.pickSavePlace ?? null
  const choose = async () => {
    if (pick) {
      const path = await pick(isFullPath(value) ? value : suggestedName)
      if (path !== null) onChange(path)
      return
    }
    browse({
      title: label,
      start: isFullPath(value) ? folderOf(value) : null,
      allFiles: false,
      onFile: null,
      folder: { act: t.card.bundle.here, onFolder: (folder) => onChange(joined(folder, name)) },
    })
  }
  return (
    <div className="card-file-place">
      <Field
        label={label}
        {...(hint !== undefined && { hint })}
        value={value}
        onChange={onChange}
        error={value === '' || isFullPath(value) ? error : t.card.bundle.needPath}
        mono
      />
      <Button onPress={choose}>{pick ? t.savePlace.choose : t.card.bundle.choose}</Button>
    </div>
  )
}
