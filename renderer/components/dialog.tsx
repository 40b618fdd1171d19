/** A dialog over everything. Escape leaves it; the focus goes back to where it came from. */
import type { ReactNode } from 'react'
import { Dialog as AriaDialog } from 'react-aria-components/Dialog'
import { Heading } from 'react-aria-components/Heading'
import { Modal, ModalOverlay } from 'react-aria-components/Modal'

interface DialogProps {
  title: string
  isOpen: boolean
  onLeave: () => void
  role?: 'dialog' | 'alertdialog'
  wide?: boolean
  children: ReactNode
}

export function Dialog({ title, isOpen, onLeave, role = 'dialog', wide = false, children }: DialogProps) {
  return (
    <ModalOverlay className="overlay" isOpen={isOpen} onOpenChange={(open) => (open ? undefined : onLeave())}>
      <Modal className={`modal${wide ? ' modal-wide' : ''}`}>
        <AriaDialog role={role} className="dialog">
          <Heading slot="title" className="dialog-title">
            {title}
          </Heading>
          {children}
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  )
}
