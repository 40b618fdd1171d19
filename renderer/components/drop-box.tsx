import { t } from '../i18n/index.ts'
import { Button } from './button.tsx'
import { chooseCard, chooseImage } from './opening.ts'

/** The dashed box. A drop anywhere on the window counts; the box shows that one can. */
export function DropBox() {
  return (
    <div className="drop">
      <p>
        <b>{t.home.drop}</b> <span className="drop-kinds">· .img .iso .xz .zst .gz .bz2 .zip</span>
      </p>
      <div className="actions">
        <Button onPress={chooseImage}>{t.home.dropOpen}</Button>
        <Button onPress={chooseCard}>{t.card.open.button}</Button>
      </div>
    </div>
  )
}
