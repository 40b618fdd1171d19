import type { UndoHead } from '../block/undo-file.ts'
import { LivecardError } from '../errors.ts'

export function changedSincePlan(path: string): LivecardError {
  return new LivecardError('refused', 'card-changed', {
    message: `${path} is no longer as it was when the plan was made.`,
    meaning: 'Something else wrote to it meanwhile. Nothing was changed by Livecard.',
    next: 'See that nothing else uses the card, and start again.',
  })
}

/** A volume that was in use lies there differently once it is unmounted, which the plan was not made from. */
export function unmountedSincePlan(path: string, mounts: readonly string[]): LivecardError {
  return new LivecardError('refused', 'card-changed', {
    message: `${path} is no longer as it was when the plan was made, since its volumes were in use then (${mounts.join(', ')}).`,
    meaning: 'They are unmounted now. Nothing else was changed by Livecard.',
    next: 'Start again: the plan is then made from what lies on the card.',
  })
}

export function planStopped(): LivecardError {
  return new LivecardError('cancelled', 'cancelled', {
    message: 'Stopped.',
    meaning: 'A plan is made in memory only. Nothing was changed.',
    next: 'Make the plan again when you like.',
  })
}

export function undoOnCard(undoPath: string): LivecardError {
  return new LivecardError('usage', 'undo-on-card', {
    message: `The undo file ${undoPath} would lie on the card that is changed.`,
    meaning: 'There it could not take anything back. Nothing was changed.',
    next: 'Choose a place on another disk with --undo FILE.',
  })
}

export function undoOtherSerial(head: UndoHead, serial: string | null): LivecardError {
  return new LivecardError('refused', 'undo-other-card', {
    message: `This is not the drive that the undo file belongs to: its serial number is ${serial ?? 'none'}, that one's ${head.card.serial ?? 'none'}.`,
    meaning: 'Nothing was written.',
    next: 'Plug in the card that was changed, and name it behind the undo file.',
  })
}

export function changeDied(path: string, cause: unknown): LivecardError {
  const what = cause instanceof Error ? cause.message : String(cause)
  return new LivecardError(
    'failed',
    'change-died',
    {
      message: `The part of Livecard that worked on ${path} ended unexpectedly (${what}).`,
      meaning: 'If it had begun to write, the undo file holds what was there before.',
      next: 'Inspect the card. "livecard undo FILE" takes back what was begun.',
    },
    cause,
  )
}

export function changeOfFolder(path: string): LivecardError {
  return new LivecardError('usage', 'target-is-folder', {
    message: `${path} is a folder, in which a stick is mounted; it is changed as a whole, from outside.`,
    meaning: 'Nothing was changed.',
    next: 'Name the drive itself; its volumes are unmounted first.',
  })
}
