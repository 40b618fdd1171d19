/** The last question before a card is changed. It names the card; its button says the act; it has not the focus when it opens. */
import type { ReactNode } from 'react'
import { t } from '../i18n/index.ts'
import { usePlanning } from '../state/planning.ts'
import { go } from '../state/route.ts'
import { Button } from './button.tsx'
import { Dialog } from './dialog.tsx'

interface ConfirmChangeProps {
  question: string
  act: string
  isOpen: boolean
  losesSomething: boolean
  onLeave: () => void
  children: ReactNode
}

export function ConfirmChange({ question, act, isOpen, losesSomething, onLeave, children }: ConfirmChangeProps) {
  const starting = usePlanning((state) => state.starting)
  const confirm = async () => {
    const id = await usePlanning.getState().start()
    onLeave()
    if (id !== null) go({ screen: 'change', id })
  }
  return (
    <Dialog title={question} isOpen={isOpen} onLeave={onLeave} role="alertdialog">
      {children}
      <div className="dialog-actions">
        <Button onPress={onLeave}>{t.change.confirm.leave}</Button>
        <Button look={losesSomething ? 'danger' : 'primary'} onPress={confirm} isDisabled={starting}>
          {starting ? t.change.confirm.starting : act}
        </Button>
      </div>
    </Dialog>
  )
}
