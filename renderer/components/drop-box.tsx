import { Button } from 'react-aria-components/Button'
import { t } from '../i18n/index.ts'
import { chooseImage } from './opening.ts'

/** The dashed box. A drop anywhere on the window counts; the box shows that one can. */
export function DropBox() {
  return (
    <div className="drop">
      <b>{t.home.drop}</b>, {t.home.dropOr}{' '}
      <Button className="text-button" onPress={chooseImage}>
        {t.home.dropOpen}
      </Button>{' '}
      <span className="drop-kinds">· .img .iso .xz .zst .gz .bz2 .zip</span>
    </div>
  )
}
