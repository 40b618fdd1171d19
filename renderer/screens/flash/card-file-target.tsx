import { useEffect } from 'react'
import { Checkbox } from 'react-aria-components/Checkbox'
import { Field } from '../../components/field.tsx'
import { CardFileIcon } from '../../components/icons.tsx'
import { t } from '../../i18n/index.ts'
import { ask } from '../../state/connection.ts'
import { cardFileBytes, isFullPath, useFlash } from '../../state/flash.ts'
import type { FlashMode } from '../../state/route.ts'

/** A file as large as a card: to practise, to test, for a virtual machine. */
export function CardFileTarget({ mode }: { mode: FlashMode }) {
  const { cardFile, setCardFile } = useFlash()
  const { wanted, path, size } = cardFile

  useEffect(() => {
    if (wanted && useFlash.getState().cardFile.path === '') void suggestPath()
  }, [wanted])

  return (
    <div className={`card-file${wanted ? ' card-file-wanted' : ''}`}>
      <Checkbox className="card-file-choice" isSelected={wanted} onChange={(isWanted) => setCardFile({ wanted: isWanted })}>
        <CardFileIcon size={30} />
        <span className="card-file-words">
          <strong>{t.flash.cardFile}</strong>
          <span>{t.flash.cardFileText}</span>
        </span>
        <span className="tick" aria-hidden="true" />
      </Checkbox>
      {wanted ? (
        <div className="card-file-fields">
          <Field
            label={t.flash.cardFilePath}
            value={path}
            onChange={(value) => setCardFile({ path: value })}
            error={path !== '' && !isFullPath(path) ? t.flash.cardFilePathBad : null}
            mono
          />
          {mode === 'write' ? (
            <Field
              label={t.flash.cardFileSize}
              value={size}
              onChange={(value) => setCardFile({ size: value })}
              error={cardFileBytes(size) === null ? t.flash.cardFileSizeBad : null}
              unit="GB"
            />
          ) : null}
        </div>
      ) : null}
    </div>
  )
}

/** In the folder where the helper's browsing begins: the user's own. */
async function suggestPath(): Promise<void> {
  const outcome = await ask('images.browse', { folder: null })
  if (!outcome.ok || useFlash.getState().cardFile.path !== '') return
  const { folder } = outcome.value
  const separator = folder.includes('\\') ? '\\' : '/'
  useFlash.getState().setCardFile({ path: `${folder.replace(/[/\\]$/, '')}${separator}practice-card.img` })
}
