import { LivecardError, systemCode } from '../../errors.ts'

/** Why a card is not saved. Nothing is ever written to the card in any of these. */

const onlyRead = 'Nothing was saved. The card was only read.'

export function badArchiveName(path: string): LivecardError {
  return new LivecardError('usage', 'backup-name', {
    message: `${path} does not end as an archive does.`,
    meaning: onlyRead,
    next: 'Give it a name with .tar, .tar.gz or .tar.zst at its end.',
  })
}

export function archiveExists(path: string): LivecardError {
  return new LivecardError('refused', 'backup-exists', {
    message: `There is a file ${path} already.`,
    meaning: `${onlyRead} A file that is there is never replaced.`,
    next: 'Choose another name, or move that file away.',
  })
}

export function partExists(part: string): LivecardError {
  return new LivecardError('refused', 'backup-part-exists', {
    message: `There is ${part} already: another backup writes it, or one was cut off.`,
    meaning: onlyRead,
    next: 'Choose another name; or remove that file, if no backup is running.',
  })
}

export function archiveOnCard(path: string): LivecardError {
  return new LivecardError('refused', 'backup-on-card', {
    message: `${path} would lie on the card that is saved.`,
    meaning: `${onlyRead} An archive there would be lost with the card, and the card changes while it is read.`,
    next: 'Choose a place on another disk.',
  })
}

export function archiveFolder(path: string, why: string): LivecardError {
  return new LivecardError('usage', 'folder-not-found', {
    message: `${path} cannot be written: ${why}.`,
    meaning: onlyRead,
    next: 'Make the folder first, or name another place.',
  })
}

export function archiveUnwritten(path: string, thrown: unknown): LivecardError {
  if (thrown instanceof LivecardError) return thrown
  const code = systemCode(thrown)
  const isFull = code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG'
  const why = isFull ? 'its disk is full' : (code ?? (thrown instanceof Error ? thrown.message : String(thrown)))
  return new LivecardError(
    'failed',
    isFull ? 'backup-disk-full' : 'backup-unwritten',
    {
      message: `${path} cannot be written: ${why}.`,
      meaning: 'What was written of it is removed again. The card was only read.',
      next: isFull ? 'Make room, choose another disk, or save less of the card.' : 'Choose another place.',
    },
    thrown,
  )
}

export function nothingToSave(system: string | null): LivecardError {
  return new LivecardError('failed', 'backup-nothing', {
    message: system
      ? `${system}: there is nothing on it that can be saved for itself.`
      : 'No system that Livecard knows is on this card.',
    meaning: onlyRead,
    next: '"livecard inspect" shows what is on the card. As a whole it can be copied to an image file.',
  })
}

export function unknownPart(what: string, known: readonly string[]): LivecardError {
  return new LivecardError('usage', 'backup-what', {
    message: `There is no "${what}" to be saved on this card.`,
    meaning: onlyRead,
    next: `There is: ${known.join(', ')}.`,
  })
}

export function partUnreadable(what: string, why: string): LivecardError {
  return new LivecardError('data', 'backup-unreadable', {
    message: `"${what}" cannot be saved: ${why}.`,
    meaning: onlyRead,
    next: '"livecard inspect" shows what is wrong with the card; "livecard repair" may mend it.',
  })
}

export function unknownPath(path: string): LivecardError {
  return new LivecardError('usage', 'backup-path', {
    message: `There is no ${path.toWellFormed()} among what would be saved.`,
    meaning: onlyRead,
    next: '"--list" shows everything by its path.',
  })
}

export function noKernel(): LivecardError {
  return new LivecardError('usage', 'backup-no-kernel', {
    message: 'This card has no kernel partition that can be read.',
    meaning: onlyRead,
    next: 'Save it without the kernel.',
  })
}

export function otherCard(why: string): LivecardError {
  return new LivecardError('refused', 'backup-other-card', {
    message: `The earlier backup is not one of this card: ${why}.`,
    meaning: `${onlyRead} What has changed since can only be told of the same card.`,
    next: 'Name the earlier backup of this card, or save everything without one.',
  })
}

export function tooManyFiles(count: number): LivecardError {
  return new LivecardError('failed', 'backup-too-many', {
    message: `There are more than ${count} files, which is more than a backup takes.`,
    meaning: onlyRead,
    next: 'Save one part after another, or copy the card as a whole.',
  })
}

export function zstdMissing(): LivecardError {
  return new LivecardError('usage', 'backup-no-zstd', {
    message: 'This version of Node cannot pack as .tar.zst.',
    meaning: onlyRead,
    next: 'Give the archive a name with .tar.gz at its end.',
  })
}

export function backupStopped(): LivecardError {
  return new LivecardError('cancelled', 'cancelled', {
    message: 'Stopped.',
    meaning: 'What was written of the archive is removed again. The card was only read.',
    next: 'Start again when you like.',
  })
}

export function backupDied(path: string, cause: unknown): LivecardError {
  const what = cause instanceof Error ? cause.message : String(cause)
  return new LivecardError(
    'failed',
    'backup-died',
    {
      message: `The part of Livecard that saved ${path} ended unexpectedly (${what}).`,
      meaning: 'There is no archive. The card was only read.',
      next: 'Try once more; if it happens again, report it with this text.',
    },
    cause,
  )
}

export function lookUnknown(): LivecardError {
  return new LivecardError('usage', 'backup-look-unknown', {
    message: 'This look at the card has ended.',
    meaning: onlyRead,
    next: 'Open the card again.',
  })
}

export function lookBusy(): LivecardError {
  return new LivecardError('refused', 'backup-busy', {
    message: 'This card is being saved already.',
    meaning: 'Nothing more was begun.',
    next: 'Wait until that has ended, or stop it.',
  })
}
