import { askOpener } from './ask-opener.ts'
import { accessPrograms } from './programs.ts'

/** What asking UDisks2 came to. `unavailable` and `unauthorized` leave another way open; `dismissed` is a no of the user. */
export type UdisksAnswer =
  | { is: 'opened'; fd: number }
  | { is: 'done' }
  | { is: 'unavailable'; why: string }
  | { is: 'unauthorized'; why: string }
  | { is: 'dismissed' }
  | { is: 'busy'; text: string }
  | { is: 'failed'; text: string }

/** Block.OpenDevice, exclusively when writing. polkit asks for the password where its rules want one. */
export async function openWithUdisks(path: string, mode: 'read' | 'write'): Promise<UdisksAnswer> {
  return ask(['udisks-open', kernelName(path), mode === 'write' ? 'rw' : 'r'])
}

/** Filesystem.Unmount, which needs no password for what UDisks2 mounted for this user. */
export async function unmountWithUdisks(path: string): Promise<UdisksAnswer> {
  return ask(['udisks-unmount', kernelName(path)])
}

function kernelName(path: string): string {
  return path.replace(/^\/dev\//, '').replaceAll('/', '!')
}

async function ask(words: string[]): Promise<UdisksAnswer> {
  const programs = accessPrograms()
  if (programs === null) return { is: 'unavailable', why: "Livecard's own opener is not built here" }
  const { fd, error, errorOutput } = await askOpener(programs, programs.openDrive, words)
  if (fd !== null) return { is: 'opened', fd }
  if (error === null) return errorOutput === '' ? { is: 'done' } : { is: 'failed', text: errorOutput.trim() }
  return meaningOf(error.code, error.text)
}

/** The names of errors as UDisks2 (udisksenums.h) and the bus (D-Bus Specification) give them. */
function meaningOf(code: string, text: string): UdisksAnswer {
  switch (code.replace(/^org\.freedesktop\.(UDisks2|DBus)\.Error\./, '')) {
    case 'no-bus':
      return { is: 'unavailable', why: 'there is no system bus' }
    case 'ServiceUnknown':
    case 'NameHasNoOwner':
    case 'NoReply':
      return { is: 'unavailable', why: 'UDisks2 is not running' }
    case 'UnknownObject':
    case 'UnknownMethod':
    case 'UnknownInterface':
      return { is: 'unavailable', why: 'UDisks2 does not know this drive' }
    case 'NotAuthorizedDismissed':
      return { is: 'dismissed' }
    case 'NotAuthorized':
    case 'NotAuthorizedCanObtain':
    case 'AccessDenied':
      return { is: 'unauthorized', why: 'UDisks2 says that you are not authorized' }
    case 'NotMounted':
      return { is: 'done' }
    case 'DeviceBusy':
      return { is: 'busy', text }
    default:
      return /Device or resource busy|target is busy/.test(text) ? { is: 'busy', text } : { is: 'failed', text: text || code }
  }
}
