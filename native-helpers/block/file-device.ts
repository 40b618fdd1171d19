import { closeSync, constants, fstatSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs'
import { systemCode } from '../errors.ts'
import { alignedBuffer } from './aligned.ts'
import type { BlockDevice } from './device.ts'
import { type Doing, driveFails, driveVanished, endsEarly, targetFull } from './fd-device.ts'

export interface FileDeviceOptions {
  /** Opened here and closed by `close`. */
  path?: string
  /** Open already, and left open: its owner closes it. Descriptors belong to the process, so a thread may use one that another opened. */
  fd?: number
  writable: boolean
  /** A block device does not tell by fstat how large it is, so whoever opened it says so. */
  sizeBytes?: number
  sectorSize?: number
  /** The descriptor was opened with O_DIRECT: everything goes through an aligned buffer in whole sectors. */
  direct?: boolean
  /** What errors call it. */
  label?: string
}

export interface FileDevice extends BlockDevice {
  close(): void
}

/** A file or a drive as a device, synchronously. Without `writable` there is no way to write. */
export function openFileDevice(options: FileDeviceOptions): FileDevice {
  const { path, writable, sectorSize = 512, label = path ?? 'the card' } = options
  const owned = options.fd === undefined
  if (owned && path === undefined) throw new TypeError('a file device needs a path or a descriptor')
  const fd = options.fd ?? openSync(path ?? '', writable ? constants.O_RDWR : constants.O_RDONLY)
  const facts = fstatSync(fd)
  const size = options.sizeBytes ?? (facts.isFile() ? facts.size : undefined)
  if (size === undefined) {
    if (owned) closeSync(fd)
    throw new TypeError(`the size of ${label} must be given, because it is no plain file`)
  }
  const named = <T>(doing: Doing, offset: number | null, operation: () => T): T => {
    try {
      return operation()
    } catch (thrown) {
      throw nameOf(thrown, doing, offset, label)
    }
  }
  const read = (into: Uint8Array, offset: number) => {
    for (let done = 0; done < into.length; ) {
      const count = readSync(fd, into, done, into.length - done, offset + done)
      if (count === 0) throw endsEarly(label, offset + done)
      done += count
    }
  }
  const write = (bytes: Uint8Array, offset: number) => {
    for (let done = 0; done < bytes.length; ) {
      const count = writeSync(fd, bytes, done, bytes.length - done, offset + done)
      if (count === 0) throw targetFull(label, offset + done)
      done += count
    }
  }
  const door = options.direct ? throughAligned({ size, sectorSize, read, write }) : { read, write }
  const within = (length: number, offset: number) => {
    if (offset < 0 || offset + length > size) throw endsEarly(label, offset)
  }
  return {
    size,
    sectorSize,
    readSync(into, offset) {
      within(into.length, offset)
      named('reading', offset, () => door.read(into, offset))
    },
    ...(writable && {
      writeSync(bytes: Uint8Array, offset: number) {
        if (offset < 0 || offset + bytes.length > size) throw targetFull(label, offset)
        named('writing', offset, () => door.write(bytes, offset))
      },
      flushSync: () => named('flushing', null, () => fsyncSync(fd)),
    }),
    close() {
      if (owned) closeSync(fd)
    },
  }
}

function nameOf(thrown: unknown, doing: Doing, offset: number | null, label: string): unknown {
  const code = systemCode(thrown)
  if (code === null || (thrown instanceof Error && thrown.name === 'LivecardError')) return thrown
  if (code === 'ENXIO' || code === 'ENODEV' || code === 'ENOMEDIUM') return driveVanished(label, thrown)
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG') return targetFull(label, offset, thrown)
  return driveFails(label, doing, offset, thrown)
}

interface Door {
  read(into: Uint8Array, offset: number): void
  write(bytes: Uint8Array, offset: number): void
}

const windowBytes = 1024 * 1024

/** Any range in whole sectors through one page-aligned window; a sector that is written in part is read first. */
function throughAligned({ size, sectorSize, read, write }: Door & { size: number; sectorSize: number }): Door {
  const window = alignedBuffer(windowBytes)
  const each = (length: number, offset: number, use: (part: Uint8Array, start: number, at: number, count: number) => void) => {
    for (let done = 0; done < length; ) {
      const position = offset + done
      const start = position - (position % sectorSize)
      const at = position - start
      const count = Math.min(length - done, windowBytes - at)
      const end = Math.min(size, start + Math.ceil((at + count) / sectorSize) * sectorSize)
      use(window.subarray(0, end - start), start, done, count)
      done += count
    }
  }
  return {
    read: (into, offset) =>
      each(into.length, offset, (part, start, done, count) => {
        read(part, start)
        const at = offset + done - start
        into.set(part.subarray(at, at + count), done)
      }),
    write: (bytes, offset) =>
      each(bytes.length, offset, (part, start, done, count) => {
        const at = offset + done - start
        if (at !== 0 || count !== part.length) read(part, start)
        part.set(bytes.subarray(done, done + count), at)
        write(part, start)
      }),
  }
}
