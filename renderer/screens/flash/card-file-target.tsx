import { useEffect } from 'react'
import { Checkbox } from 'react-aria-components/Checkbox'
import { Button } from '../../components/button.tsx'
import { Field } from '../../components/field.tsx'
import { Finding } from '../../components/finding.tsx'
import { CardFileIcon } from '../../components/icons.tsx'
import { chooseCardFile } from '../../components/opening.ts'
import { format, t } from '../../i18n/index.ts'
import { type CardFile, cardFileBytes, joined, pathProblem } from '../../state/card-file.ts'
import { ask } from '../../state/connection.ts'
import { useFlash } from '../../state/flash.ts'
import type { FlashMode } from '../../state/route.ts'

/** A file as large as a card: to practise, to test, for a virtual machine. */
export function CardFileTarget({ mode, needsBytes }: { mode: FlashMode; needsBytes: number }) {
  const { cardFile, setCardFile } = useFlash()
  const { wanted } = cardFile

  useEffect(() => {
    if (wanted && useFlash.getState().cardFile.path === '') void suggestPath()
  }, [wanted])

  return (
    <div className={`card-file${wanted ? ' card-file-wanted' : ''}`}>
      <Checkbox className="card-file-choice" isSelected={wanted} onChange={(isWanted) => setCardFile({ wanted: isWanted })}>
        <CardFileIcon size={30} />
        <span className="card-file-words">
          <strong>{t.flash.cardFile}</strong>
          <span>{mode === 'write' ? t.flash.cardFileText : t.flash.cardFileCheckText}</span>
        </span>
        <span className="tick" aria-hidden="true" />
      </Checkbox>
      {wanted ? <Fields cardFile={cardFile} mode={mode} needsBytes={needsBytes} /> : null}
    </div>
  )
}

function Fields({ cardFile, mode, needsBytes }: { cardFile: CardFile; mode: FlashMode; needsBytes: number }) {
  const { setCardFile } = useFlash()
  const { path, size, place } = cardFile
  const problem = path === '' ? null : pathProblem(cardFile, mode)
  const tooSmall = mode === 'write' && typeof place === 'object' && place.sizeBytes < needsBytes
  return (
    <div className="card-file-fields">
      <div className="card-file-place">
        <Field
          label={mode === 'write' ? t.flash.cardFilePath : t.flash.cardFileWhich}
          value={path}
          onChange={(value) => setCardFile({ path: value })}
          error={problem ? t.flash.cardFileBad[problem] : tooSmall ? t.flash.tooSmall(format.size(needsBytes)) : null}
          mono
        />
        <Button onPress={() => chooseCardFile(mode)}>{mode === 'write' ? t.flash.cardFileFolder : t.flash.cardFileOpen}</Button>
      </div>
      {mode === 'write' && typeof place !== 'object' ? (
        <Field
          label={t.flash.cardFileSize}
          hint={t.flash.cardFileSizeHint}
          value={size}
          onChange={(value) => setCardFile({ size: value })}
          error={sizeError(size, needsBytes)}
        />
      ) : null}
      {mode === 'write' && typeof place === 'object' && !tooSmall ? (
        <Finding kind="warn" title={t.flash.cardFileThere(format.size(place.sizeBytes))} urgent>
          <p>{t.flash.cardFileThereText}</p>
        </Finding>
      ) : null}
    </div>
  )
}

function sizeError(size: string, needsBytes: number): string | null {
  const bytes = cardFileBytes(size)
  if (typeof bytes === 'string') return t.flash.cardFileSizeBad[bytes]
  return bytes < needsBytes ? t.flash.tooSmall(format.size(needsBytes)) : null
}

/** In the folder where the helper's browsing begins: the user's own. */
async function suggestPath(): Promise<void> {
  const outcome = await ask('images.browse', { folder: null })
  if (!outcome.ok || useFlash.getState().cardFile.path !== '') return
  useFlash.getState().setCardFile({ path: joined(outcome.value.folder, 'practice-card.img') })
}
