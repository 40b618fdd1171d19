import { close as closeFd, fsync, read, write } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { LivecardError, systemCode } from '../errors.ts'
import type { StreamDevice } from './device.ts'

export interface FdDeviceOptions {
  /** An open descriptor; the device owns it from now on and closes it. */
  handle: FileHandle | number
  label: string
  sizeBytes: number
  sectorSize: number
  direct: boolean
  /** Asked when the kernel reports an I/O error, to tell a pulled drive from a failing one. */
  stillThere?: () => Promise<boolean>
}

export type Doing = 'writing' | 'reading' | 'flushing'

/** A request that failed in another thread, as the system told it there. */
export class RequestFailure extends Error {
  readonly code: string | null
  readonly offset: number
  constructor(code: string | null, message: string, offset: number) {
    super(message)
    this.code = code
    this.offset = offset
  }
}

/** An open descriptor as a device for streaming; every system error comes out as a named one. */
export function fdDevice(options: FdDeviceOptions): StreamDevice {
  const { label, sizeBytes, sectorSize, direct } = options
  const fd = typeof options.handle === 'number' ? options.handle : options.handle.fd
  const pending = new Set<Promise<unknown>>()
  let closing: Promise<void> | null = null

  const track = async <T>(doing: Doing, offset: number | null, operation: () => Promise<T>): Promise<T> => {
    if (closing) throw new Error(`${label} is closed`)
    const running = operation()
    pending.add(running)
    try {
      return await running
    } catch (thrown) {
      throw await named(thrown, { doing, offset, label, stillThere: options.stillThere })
    } finally {
      pending.delete(running)
    }
  }

  const checkRange = (length: number, offset: number): void => {
    if (offset < 0 || offset + length > sizeBytes) throw targetFull(label, offset)
  }

  return {
    label,
    sizeBytes,
    sectorSize,
    direct,
    fd,
    async write(bytes, offset) {
      checkRange(bytes.length, offset)
      await track('writing', offset, () => writeAll(fd, bytes, offset, label))
    },
    async read(into, offset) {
      if (offset < 0 || offset + into.length > sizeBytes) throw endsEarly(label, offset)
      await track('reading', offset, () => readAll(fd, into, offset, label))
    },
    lend(doing, use) {
      return track(doing, null, () => use(fd))
    },
    async flush() {
      await track('flushing', null, () => flushFd(fd))
    },
    close() {
      // A descriptor number that is closed under a running request may already belong to another file.
      closing ??= Promise.allSettled(pending).then(() =>
        typeof options.handle === 'number' ? closeNumber(options.handle) : options.handle.close(),
      )
      return closing
    },
  }
}

async function writeAll(fd: number, bytes: Uint8Array, offset: number, label: string): Promise<void> {
  let done = 0
  while (done < bytes.length) {
    const count = await new Promise<number>((resolve, reject) => {
      write(fd, bytes, done, bytes.length - done, offset + done, (error, written) => (error ? reject(error) : resolve(written)))
    })
    if (count === 0) throw targetFull(label, offset + done)
    done += count
  }
}

async function readAll(fd: number, into: Uint8Array, offset: number, label: string): Promise<void> {
  let done = 0
  while (done < into.length) {
    const count = await new Promise<number>((resolve, reject) => {
      read(fd, into, done, into.length - done, offset + done, (error, got) => (error ? reject(error) : resolve(got)))
    })
    if (count === 0) throw endsEarly(label, offset + done)
    done += count
  }
}

function flushFd(fd: number): Promise<void> {
  return new Promise((resolve, reject) => fsync(fd, (error) => (error ? reject(error) : resolve())))
}

function closeNumber(fd: number): Promise<void> {
  return new Promise((resolve, reject) => closeFd(fd, (error) => (error ? reject(error) : resolve())))
}

interface Circumstances {
  doing: Doing
  /** Null where the request has no place. */
  offset: number | null
  label: string
  stillThere: (() => Promise<boolean>) | undefined
}

/** ENXIO, ENODEV and ENOMEDIUM: no such device (any more); EIO: the drive gave up on a request, which is also what a pulled one does. */
async function named(thrown: unknown, circumstances: Circumstances): Promise<LivecardError> {
  if (thrown instanceof LivecardError) return thrown
  const { doing, label, stillThere } = circumstances
  const offset = thrown instanceof RequestFailure ? thrown.offset : circumstances.offset
  const code = systemCode(thrown)
  if (code === 'ENXIO' || code === 'ENODEV' || code === 'ENOMEDIUM') return driveVanished(label, thrown)
  if (code === 'EIO' && stillThere && !(await stillThere().catch(() => true))) return driveVanished(label, thrown)
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG') return targetFull(label, offset, thrown)
  return driveFails(label, doing, offset, thrown)
}

function place(offset: number | null): string {
  return offset === null ? '' : ` at byte ${offset}`
}

export function driveVanished(label: string, cause?: unknown): LivecardError {
  return new LivecardError(
    'failed',
    'drive-vanished',
    {
      message: `${label} is gone: it was pulled out, or lost its connection.`,
      meaning: 'What is on it is incomplete.',
      next: 'Plug it in again, without a hub or extension if there is one, and start anew.',
    },
    cause,
  )
}

export function driveFails(label: string, doing: Doing, offset: number | null, cause: unknown): LivecardError {
  const code = systemCode(cause) ?? (cause instanceof Error ? cause.message : String(cause))
  return new LivecardError(
    'failed',
    'drive-io',
    {
      message: `${label} failed while ${doing}${place(offset)} (${code}).`,
      meaning: 'The drive reports that it could not carry this out. What is on it is incomplete.',
      next: 'Try another port or card reader; if it fails again at the same place, the card is worn out or damaged.',
    },
    cause,
  )
}

export function targetFull(label: string, offset: number | null, cause?: unknown): LivecardError {
  return new LivecardError(
    'failed',
    'target-full',
    {
      message: `There is no more room on ${label}${place(offset)}.`,
      meaning: 'The image was not written completely.',
      next: 'Take a larger card, or make room where the card image file lies.',
    },
    cause,
  )
}

export function endsEarly(label: string, offset: number): LivecardError {
  return new LivecardError('failed', 'drive-io', {
    message: `${label} ends at byte ${offset}, earlier than it says.`,
    meaning: 'What should be there cannot be read.',
    next: 'Plug the drive in again and look at its size; a card that claims more than it holds is a counterfeit.',
  })
}
