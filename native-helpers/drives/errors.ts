import type { Identity, Refusal } from '../contract.ts'
import { LivecardError } from '../errors.ts'

/** What goes wrong with drives, in one place, so that every sentence is said the same way everywhere. */

const nothingWritten = 'Nothing was written.'

export function driveNotFound(path: string): LivecardError {
  return new LivecardError('usage', 'drive-not-found', {
    message: `There is no drive ${path}.`,
    meaning: nothingWritten,
    next: 'List the drives; plug the card in again if it is missing there.',
  })
}

export function notADrive(path: string, what: string): LivecardError {
  return new LivecardError('usage', 'not-a-drive', {
    message: `${path} is ${what}, not a drive.`,
    meaning: nothingWritten,
    next: 'List the drives and name one of them.',
  })
}

export function drivePartition(path: string, wholePath: string, wholeName: string): LivecardError {
  return new LivecardError('refused', 'drive-partition', {
    message: `${path} is a partition; the whole drive is ${wholePath} (${wholeName}).`,
    meaning: `${nothingWritten} An image holds its own partition table and belongs on a whole drive.`,
    next: `Name ${wholePath}, if that is the drive you mean.`,
  })
}

export function driveRefused(path: string, name: string, refusals: Refusal[]): LivecardError {
  return new LivecardError('refused', 'drive-refused', {
    message: `${path} (${name}) is not written: ${refusals.map(({ reason }) => reason).join(' ')}`,
    meaning: `${nothingWritten} The drive was not even opened.`,
    next: refusals.every(({ code }) => code === 'virtual')
      ? 'If you do mean it, allow virtual drives (--allow-virtual).'
      : 'Choose another drive.',
  })
}

export function driveChanged(identity: Identity, difference: string): LivecardError {
  return new LivecardError('refused', 'drive-changed', {
    message: `${identity.path} is no longer the drive that was confirmed: ${difference}.`,
    meaning: nothingWritten,
    next: 'Look at the list of drives again and choose anew.',
  })
}

export function driveMounted(name: string, volume: string, users: string[], cause?: unknown): LivecardError {
  const by = users.length > 0 ? ` It is in use by ${users.join(', ')}.` : ''
  return new LivecardError(
    'refused',
    'drive-mounted',
    {
      message: `The volume ${volume} of ${name} could not be unmounted.${by}`,
      meaning: nothingWritten,
      next: 'Close the files and windows that use it, eject it, and try again.',
    },
    cause,
  )
}

export function driveBusy(name: string, cause?: unknown): LivecardError {
  return new LivecardError(
    'refused',
    'drive-busy',
    {
      message: `${name} is in use by something else on this computer.`,
      meaning: `${nothingWritten} Only a drive that nothing else uses is written.`,
      next: 'Close other programs that work with it (formatting, virtual machines, encryption), or plug it in again, and try once more.',
    },
    cause,
  )
}

export function driveGone(name: string, cause?: unknown): LivecardError {
  return new LivecardError(
    'failed',
    'drive-gone',
    {
      message: `${name} has vanished.`,
      meaning: nothingWritten,
      next: 'Plug it in again and choose it anew.',
    },
    cause,
  )
}

export function driveReadOnly(name: string, cause?: unknown): LivecardError {
  return new LivecardError(
    'refused',
    'drive-read-only',
    {
      message: `${name} is write-protected.`,
      meaning: nothingWritten,
      next: 'Look for a small switch on the card or its adapter, or take another card.',
    },
    cause,
  )
}
