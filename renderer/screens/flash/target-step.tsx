/** Where the image goes: any number of cards and sticks, none of them chosen beforehand, or a card file for practice. */
import { Checkbox } from 'react-aria-components/Checkbox'
import { CheckboxGroup } from 'react-aria-components/CheckboxGroup'
import type { Drive } from '../../../native-helpers/contract.ts'
import { DrivePicture } from '../../components/drive-picture.tsx'
import { Finding } from '../../components/finding.tsx'
import { contentWords } from '../../components/job-words.ts'
import { unbroken } from '../../i18n/format.ts'
import { format, t } from '../../i18n/index.ts'
import { driveKey, sortDrives, useDrives } from '../../state/drives.ts'
import { useFlash } from '../../state/flash.ts'
import { currentImage, useImages } from '../../state/image.ts'
import type { FlashMode } from '../../state/route.ts'
import { useSettings } from '../../state/settings.ts'
import { CardFileTarget } from './card-file-target.tsx'
import { NotOffered } from './not-offered.tsx'

export function TargetStep({ mode }: { mode: FlashMode }) {
  const { chosen, choose, vanished } = useFlash()
  const drives = useDrives((state) => state.drives)
  const showVirtual = useSettings((state) => state.showVirtual)
  const image = useImages(currentImage)
  const sorted = sortDrives(drives, showVirtual)
  const refused = [...sorted.refusedCards, ...sorted.others]
  // To read a card nobody has to be allowed to write it.
  const readable = (drive: Drive) => !drive.refusals.some((refusal) => refusal.code === 'empty')
  const offered = mode === 'write' ? sorted.offered : [...sorted.offered, ...refused.filter(readable)]
  const needsBytes = image?.facts?.contentBytes ?? 0

  return (
    <div className="stack">
      {vanished ? <Finding kind="warn" title={t.flash.vanished(vanished)} urgent /> : null}
      {offered.length === 0 ? <p className="soft drives-none">{t.flash.driveNone}</p> : null}
      <CheckboxGroup className="drive-cards" aria-label={t.flash.stepDrive} value={chosen} onChange={choose}>
        {offered.map((drive) => (
          <DriveCard key={driveKey(drive)} drive={drive} tooSmallFor={needsBytes > drive.identity.sizeBytes ? needsBytes : null} />
        ))}
      </CheckboxGroup>
      <CardFileTarget mode={mode} needsBytes={needsBytes} />
      {mode === 'write' && refused.length > 0 ? <NotOffered drives={refused} /> : null}
    </div>
  )
}

function DriveCard({ drive, tooSmallFor }: { drive: Drive; tooSmallFor: number | null }) {
  return (
    <Checkbox className="drive-card" value={driveKey(drive)} isDisabled={tooSmallFor !== null}>
      <span className="drive-card-top">
        <DrivePicture picture={drive.picture} size={34} />
        <span className="tick" aria-hidden="true" />
      </span>
      <strong title={format.exact(drive.identity.sizeBytes)}>{unbroken(drive.name)}</strong>
      <span className="drive-card-words">{contentWords(drive)}</span>
      <code className="drive-card-path">{drive.identity.path}</code>
      {tooSmallFor === null ? null : <span className="drive-card-why">{t.flash.tooSmall(format.size(tooSmallFor))}</span>}
    </Checkbox>
  )
}
