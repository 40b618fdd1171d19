import { t } from '../i18n/index.ts'
import { fileName } from '../state/image.ts'
import { Button } from './button.tsx'
import { Dialog } from './dialog.tsx'
import { openCard, openImage, useOpening } from './opening.ts'

/** An image was dropped where it may be meant for looking as well as for writing: the user says which. */
export function DroppedDialog() {
  const asking = useOpening((state) => state.asking)
  const leave = () => useOpening.setState({ asking: null })
  const then = (act: (path: string) => void) => () => {
    leave()
    if (asking !== null) act(asking)
  }
  return (
    <Dialog title={asking === null ? '' : t.card.open.dropped(fileName(asking))} isOpen={asking !== null} onLeave={leave}>
      <p className="dialog-note">{t.card.open.droppedText}</p>
      <div className="dialog-actions">
        <Button onPress={leave}>{t.card.open.leave}</Button>
        <Button onPress={then(openImage)}>{t.card.open.actWrite}</Button>
        <Button look="primary" onPress={then((path) => openCard(path, null))}>
          {t.card.open.actLook}
        </Button>
      </div>
    </Dialog>
  )
}
