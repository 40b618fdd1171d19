import { LivecardError, systemCode } from '../errors.ts'

const untouched = 'Nothing was written because of this image yet; what a job had already written is not a usable system.'
const incomplete = 'What was written so far is not a usable system.'
const fetchAgain = 'Download or copy the image again and compare its checksum with the published one.'

/** The file or download ends before the image does. */
export function truncated(name: string, detail: string): LivecardError {
  return new LivecardError('data', 'image-truncated', {
    message: `${name} ends too early: ${detail}.`,
    meaning: `The file is not complete. ${incomplete}`,
    next: fetchAgain,
  })
}

export function damaged(name: string, detail: string, cause?: unknown): LivecardError {
  return new LivecardError(
    'data',
    'image-damaged',
    {
      message: `${name} is damaged: ${detail}.`,
      meaning: `The image cannot be decoded as it was made. ${incomplete}`,
      next: fetchAgain,
    },
    cause,
  )
}

export function needsMemory(name: string, detail: string): LivecardError {
  return new LivecardError('data', 'image-needs-memory', {
    message: `${name} needs more memory to decode than Livecard gives to an image: ${detail}.`,
    meaning: 'Nothing is wrong with the image, but it was compressed with a larger window than cards are usually made with.',
    next: 'Decompress it with the tool that made it, and write the plain image.',
  })
}

export function unsupported(name: string, detail: string): LivecardError {
  return new LivecardError('data', 'image-unsupported', {
    message: `${name} cannot be read: ${detail}.`,
    meaning: 'The file may be fine, but Livecard does not know this way of packing it.',
    next: 'Unpack it with the tool that made it, and write the plain image.',
  })
}

export function encrypted(name: string): LivecardError {
  return new LivecardError('data', 'image-encrypted', {
    message: `${name} is encrypted.`,
    meaning: 'Livecard does not ask for passwords of images.',
    next: 'Unpack it with its password first, and write the plain image.',
  })
}

export function emptyImage(name: string): LivecardError {
  return new LivecardError('data', 'image-empty', {
    message: `${name} is empty.`,
    meaning: 'There is nothing to write. It is often what an interrupted download leaves.',
    next: fetchAgain,
  })
}

export function ambiguous(name: string, members: string[]): LivecardError {
  return new LivecardError('usage', 'image-ambiguous', {
    message: `${name} holds ${members.length} images: ${members.slice(0, 5).join(', ')}${members.length > 5 ? ', …' : ''}.`,
    meaning: untouched,
    next: 'Say which of them to write.',
  })
}

export function noSuchMember(name: string, member: string): LivecardError {
  return new LivecardError('usage', 'image-no-such-member', {
    message: `${name} has no image named ${member}.`,
    meaning: untouched,
    next: 'Choose one of the names that the archive lists.',
  })
}

export function changedWhileReading(name: string): LivecardError {
  return new LivecardError('data', 'image-changed', {
    message: `${name} changed while it was read.`,
    meaning: `Something else writes to this file. ${incomplete}`,
    next: 'Wait until the file is complete, then write the card again.',
  })
}

/** Names what the system said about opening or reading the image file. */
export function fileError(name: string, thrown: unknown): LivecardError {
  if (thrown instanceof LivecardError) return thrown
  const code = systemCode(thrown)
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new LivecardError(
      'usage',
      'image-not-found',
      { message: `There is no file ${name}.`, meaning: untouched, next: 'Check the path of the image.' },
      thrown,
    )
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return new LivecardError(
      'privilege',
      'image-not-readable',
      {
        message: `You may not read ${name}.`,
        meaning: 'Images are opened with your own rights, never with those for the drive.',
        next: 'Change the permissions of the file, or copy it to a folder of yours.',
      },
      thrown,
    )
  }
  return new LivecardError(
    'failed',
    'image-read-failed',
    {
      message: `${name} could not be read: ${code ?? (thrown instanceof Error ? thrown.message : String(thrown))}.`,
      meaning: `The drive or share that holds the image gave an error. ${incomplete}`,
      next: 'Copy the image to another place and try again.',
    },
    thrown,
  )
}

export function notAFile(name: string, what: string): LivecardError {
  return new LivecardError('usage', what === 'a folder' ? 'image-is-folder' : 'image-not-a-file', {
    message: `${name} is ${what}, not an image file.`,
    meaning: untouched,
    next: what === 'a drive' ? 'Read the drive into a file first, and write that file.' : 'Choose an image file.',
  })
}
