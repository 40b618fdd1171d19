import { LivecardError } from '../../errors.ts'
import { displayName } from '../../wasm/names.ts'

/** Why an archive is not looked into. Nothing is written in any of these. */

const onlyRead = 'Nothing was changed. The archive was only read.'

export function archiveTooMany(count: number): LivecardError {
  return new LivecardError('failed', 'archive-too-many', {
    message: `There are more than ${count} files in it, which is more than can be shown.`,
    meaning: onlyRead,
    next: 'Restore it as a whole from the command line: livecard restore FILE TARGET.',
  })
}

export function archiveTooDeep(path: string): LivecardError {
  return new LivecardError('data', 'archive-too-deep', {
    message: `"${displayName(path).slice(0, 60)}…" lies deeper in folders than any file of a system does.`,
    meaning: onlyRead,
    next: 'See where this archive comes from.',
  })
}

export function archiveStopped(): LivecardError {
  return new LivecardError('cancelled', 'cancelled', {
    message: 'Stopped.',
    meaning: onlyRead,
    next: 'Open it again when you like.',
  })
}

export function archiveDied(file: string, cause: unknown): LivecardError {
  const what = cause instanceof Error ? cause.message : String(cause)
  return new LivecardError(
    'failed',
    'archive-died',
    {
      message: `The part of Livecard that read ${file} ended unexpectedly (${what}).`,
      meaning: onlyRead,
      next: 'Try once more; if it happens again, report it with this text.',
    },
    cause,
  )
}

export function archiveLookUnknown(): LivecardError {
  return new LivecardError('usage', 'archive-look-unknown', {
    message: 'This look into the archive has ended.',
    meaning: onlyRead,
    next: 'Open it again.',
  })
}
