import { Button } from 'react-aria-components/Button'
import { Disclosure, DisclosurePanel } from 'react-aria-components/Disclosure'
import { Heading } from 'react-aria-components/Heading'
import type { Drive } from '../../../native-helpers/contract.ts'
import { DrivePicture } from '../../components/drive-picture.tsx'
import { ChevronIcon } from '../../components/icons.tsx'
import { Refusals } from '../../components/refusals.tsx'
import { format, t } from '../../i18n/index.ts'
import { refusalsOf } from '../../state/drives.ts'
import { useSettings } from '../../state/settings.ts'

/** The drives that may not be written, each with the reason, folded away. */
export function NotOffered({ drives }: { drives: readonly Drive[] }) {
  const showVirtual = useSettings((state) => state.showVirtual)
  return (
    <Disclosure className="fold">
      <Heading level={3}>
        <Button slot="trigger" className="fold-button">
          <ChevronIcon size={16} />
          {t.flash.notOffered(drives.length)}
        </Button>
      </Heading>
      <DisclosurePanel>
        <ul className="refused">
          {drives.map((drive) => (
            <li key={drive.identity.path}>
              <DrivePicture picture={drive.picture} size={26} />
              <div>
                <strong title={format.exact(drive.identity.sizeBytes)}>{drive.name}</strong>{' '}
                <code className="soft">{drive.identity.path}</code>
                <Refusals refusals={refusalsOf(drive, showVirtual)} />
              </div>
            </li>
          ))}
        </ul>
      </DisclosurePanel>
    </Disclosure>
  )
}
