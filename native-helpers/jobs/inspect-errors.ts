import type { ImageFormat } from '../contract.ts'
import { LivecardError, systemCode } from '../errors.ts'

/** Why a target is not inspected. Nothing is ever written in any of these. */

const onlyRead = 'Nothing was changed; inspecting only reads.'

export function targetNotFound(path: string): LivecardError {
  return new LivecardError('usage', 'target-not-found', {
    message: `There is no ${path}.`,
    meaning: onlyRead,
    next: 'Check the name; "livecard drives --all" lists the drives.',
  })
}

export function targetNotReadable(path: string, cause: unknown): LivecardError {
  return new LivecardError(
    'privilege',
    'target-not-readable',
    {
      message: `You may not read ${path}.`,
      meaning: onlyRead,
      next: 'Ask its owner for the right to read it, or run this as a user who may.',
    },
    cause,
  )
}

export function targetUnread(path: string, cause: unknown): LivecardError {
  const code = systemCode(cause) ?? (cause instanceof Error ? cause.message : String(cause))
  return new LivecardError(
    'failed',
    'target-unread',
    {
      message: `${path} cannot be opened (${code}).`,
      meaning: onlyRead,
      next: 'See whether the place it lies in is still there and answers, and try again.',
    },
    cause,
  )
}

export function targetEmpty(path: string): LivecardError {
  return new LivecardError('data', 'target-empty', {
    message: `${path} is empty: it has no bytes at all.`,
    meaning: `${onlyRead} A download or copy that failed leaves such a file; a card reader without a card looks like this too.`,
    next: 'Make the image again, or put the card in.',
  })
}

export function targetPacked(path: string, format: ImageFormat): LivecardError {
  return new LivecardError('usage', 'target-packed', {
    message: `${path} is packed (${format}), and is not looked into as it is.`,
    meaning: onlyRead,
    next: 'Write it to a card, or to a file with "livecard flash IMAGE FILE", and inspect that.',
  })
}

export function targetPartition(path: string, whole: string): LivecardError {
  return new LivecardError('usage', 'target-partition', {
    message: `${path} is a partition; the whole drive is inspected, with all its partitions.`,
    meaning: onlyRead,
    next: `Inspect ${whole}.`,
  })
}

export function targetNoCard(path: string, what: string): LivecardError {
  return new LivecardError('usage', 'target-no-card', {
    message: `${path} is ${what}.`,
    meaning: onlyRead,
    next: 'Name a drive, an image file, a folder where a stick is mounted, or one overlay file.',
  })
}

export function baseNotMeant(path: string): LivecardError {
  return new LivecardError('usage', 'base-not-meant', {
    message: `A base belongs to an overlay file given by itself, and ${path} is none.`,
    meaning: onlyRead,
    next: 'Leave --base out: what belongs to an overlay on a card or in a folder is found by itself.',
  })
}

export function baseNoFile(path: string): LivecardError {
  return new LivecardError('usage', 'base-no-file', {
    message: `${path} is no file.`,
    meaning: onlyRead,
    next: 'Name the squashfs or ext image that the overlay belongs to, LiveOS/squashfs.img for one.',
  })
}

export function inspectStopped(): LivecardError {
  return new LivecardError('cancelled', 'cancelled', {
    message: 'Stopped.',
    meaning: onlyRead,
    next: 'Inspect again when you like.',
  })
}

export function inspectTooLong(path: string, seconds: number): LivecardError {
  return new LivecardError('failed', 'inspect-too-long', {
    message: `Inspecting ${path} did not come to an end in ${seconds} seconds and was stopped.`,
    meaning: `${onlyRead} The card answers very slowly, as failing ones do, or something on it was made to keep a reader busy.`,
    next: 'Try another port or card reader. If it stays so, copy off what matters with a tool for failing drives.',
  })
}

export function inspectTooLarge(path: string): LivecardError {
  return new LivecardError('data', 'inspect-too-large', {
    message: `Inspecting ${path} took more memory than it may, and was stopped.`,
    meaning: `${onlyRead} Something on it is far larger than on any known system: damaged, or made to do harm.`,
    next: 'Write the card again from a good image, if you do not need what is on it.',
  })
}

export function inspectDied(path: string, cause: unknown): LivecardError {
  const text = cause instanceof Error ? cause.message : String(cause)
  return new LivecardError(
    'failed',
    'inspect-failed',
    {
      message: `Inspecting ${path} ended unexpectedly: ${text}`,
      meaning: onlyRead,
      next: 'Try once more; if it happens again, report it with this text.',
    },
    cause,
  )
}
