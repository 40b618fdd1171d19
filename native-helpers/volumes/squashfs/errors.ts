import { LivecardError } from '../../errors.ts'

const unread =
  'Nothing was changed. What lies in this image cannot be read, or not all of it; a system that starts from it may fail.'
const fetchAgain = 'Compare the image with its published checksum, and write the card again from a good copy.'

export function notSquashfs(): LivecardError {
  return new LivecardError('data', 'squashfs-none', {
    message: 'There is no squashfs image here.',
    meaning: 'Nothing was changed.',
    next: 'Choose the file or partition that holds the image.',
  })
}

/** `detail` is a clause without a full stop. */
export function damaged(detail: string, cause?: unknown): LivecardError {
  const message = `The squashfs image is damaged: ${detail}.`
  return new LivecardError('data', 'squashfs-damaged', { message, meaning: unread, next: fetchAgain }, cause)
}

export function truncated(wantedBytes: number, presentBytes: number): LivecardError {
  return new LivecardError('data', 'squashfs-truncated', {
    message: `The squashfs image ends too early: it says that it has ${wantedBytes} bytes, but only ${presentBytes} are there.`,
    meaning: unread,
    next: fetchAgain,
  })
}

export function unsupported(detail: string): LivecardError {
  return new LivecardError('data', 'squashfs-unsupported', {
    message: `The squashfs image cannot be read: ${detail}.`,
    meaning: 'Nothing was changed. The image may be fine, but Livecard does not know this kind of it.',
    next: 'Start the system itself to look into it, or unpack the image with the tools that made it.',
  })
}

/** Beyond what any real image needs, and what keeps memory and time small for one that was made to hurt. */
export function tooLarge(detail: string): LivecardError {
  return new LivecardError('data', 'squashfs-too-large', {
    message: `The squashfs image is refused: ${detail}.`,
    meaning: 'Nothing was changed. No system that is known has an image like this; it may be damaged, or made to do harm.',
    next: fetchAgain,
  })
}

const buildCodec =
  'On Debian, run "npm run setup" as root, which installs emscripten and builds the codec once (less than a minute).'

export function codecMissing(compressor: string): LivecardError {
  return new LivecardError('failed', 'squashfs-codec-missing', {
    message: `This Livecard was set up without its decoder for ${compressor}, which the squashfs image is packed with.`,
    meaning:
      'Nothing was touched. Flashing and verifying work, and so do images packed with gzip, zstd, xz or lzma; looking into this one does not.',
    next: buildCodec,
  })
}

/** Nothing else here packs xz. */
export function packerMissing(): LivecardError {
  return new LivecardError('failed', 'squashfs-codec-missing', {
    message: 'This Livecard was set up without its codec for xz, which the squashfs image is to be packed with.',
    meaning: 'The image was not made, and nothing was changed. Looking into images packed with xz works all the same.',
    next: buildCodec,
  })
}
