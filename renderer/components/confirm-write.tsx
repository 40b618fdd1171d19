/** The last question. It names every drive and what it loses; its button says the act; it has not the focus when it opens. */
import type { FlashPlan, PlanTarget } from '../../native-helpers/contract.ts'
import { say, t } from '../i18n/index.ts'
import { Button } from './button.tsx'
import { Dialog } from './dialog.tsx'
import { Size } from './size.tsx'

interface ConfirmWriteProps {
  plan: FlashPlan
  isOpen: boolean
  starting: boolean
  onLeave: () => void
  onConfirm: () => void
}

/** Writing a card file that is new replaces nothing, and the words say so. */
export function replacesNothing(target: PlanTarget): boolean {
  return target.target.kind === 'file' && target.loses.length === 0
}

export function actOf(targets: readonly PlanTarget[]): { question: string; act: string } {
  const [only] = targets
  if (!only || targets.length > 1) {
    return { question: t.confirm.questionMany(targets.length), act: t.confirm.replaceMany(targets.length) }
  }
  if (replacesNothing(only)) return { question: t.confirm.questionFile(only.label), act: t.confirm.writeFile(only.label) }
  return { question: t.confirm.question(only.label), act: t.confirm.replace(only.label) }
}

export function ConfirmWrite({ plan, isOpen, starting, onLeave, onConfirm }: ConfirmWriteProps) {
  const { question, act } = actOf(plan.targets)
  const losesSomething = plan.targets.some((target) => !replacesNothing(target))
  return (
    <Dialog title={question} isOpen={isOpen} onLeave={onLeave} role="alertdialog">
      <ul className="losses">
        {plan.targets.map((target) => (
          <Losses key={target.label + pathOf(target)} target={target} />
        ))}
      </ul>
      {losesSomething ? <p className="dialog-note">{t.confirm.cannotUndo}</p> : null}
      <div className="dialog-actions">
        <Button onPress={onLeave}>{plan.targets.length > 1 ? t.confirm.leaveMany : t.confirm.leave}</Button>
        <Button look={losesSomething ? 'danger' : 'primary'} onPress={onConfirm} isDisabled={starting}>
          {starting ? t.confirm.starting : act}
        </Button>
      </div>
    </Dialog>
  )
}

function Losses({ target }: { target: PlanTarget }) {
  return (
    <li className={replacesNothing(target) ? undefined : 'loses-something'}>
      <div className="losses-name">
        <strong>{target.label}</strong>
        <span>
          <code>{pathOf(target)}</code> · <Size bytes={target.sizeBytes} />
        </span>
      </div>
      <LossList target={target} />
    </li>
  )
}

export function LossList({ target }: { target: PlanTarget }) {
  if (target.loses.length === 0) return <p className="soft">{t.confirm.nothing}</p>
  return (
    <ul className="loss-list" aria-label={t.confirm.onIt}>
      {target.loses.map((loss) => (
        <li key={loss.text}>{say(loss)}</li>
      ))}
    </ul>
  )
}

export function pathOf({ target }: PlanTarget): string {
  return target.kind === 'drive' ? target.identity.path : target.path
}
