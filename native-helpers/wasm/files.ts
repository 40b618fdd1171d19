import type { BlockDevice } from '../block/device.ts'
import { SystemError } from './errno.ts'

const kinds = { folder: 0o040000, file: 0o100000, fifo: 0o010000 } as const

/** What a path leads to. Everything that a program sees is one of these; there is no way from here to a file of the machine. */
export interface Node {
  readonly mode: number
  readonly size: number
  readonly writable: boolean
  /** Answers how many bytes there were, 0 at the end. */
  read?(into: Uint8Array, offset: number): number
  write?(bytes: Uint8Array, offset: number): number
  truncate?(size: number): void
  flush?(): void
}

export const folder: Node = { mode: kinds.folder | 0o755, size: 4096, writable: false }

/** What the device refused, and when: the program is told EIO only where nothing is written afterwards. */
export class DeviceFailure extends Error {
  constructor(cause: unknown) {
    super('the device failed', { cause })
  }
}

export interface DeviceNodeOptions {
  /** `stop` ends the program at the first error of the device, `report` tells it and lets it go on. */
  onError: 'stop' | 'report'
  failed?(cause: unknown): void
}

/** A device as what looks like a plain file of its size, which satisfies every check that the programs make. Without `writeSync` nobody can open it for writing. */
export function deviceNode(device: BlockDevice, { onError, failed }: DeviceNodeOptions): Node {
  const guard = (operation: () => void) => {
    try {
      operation()
    } catch (thrown) {
      if (onError === 'stop') throw new DeviceFailure(thrown)
      failed?.(thrown)
      throw new SystemError('EIO')
    }
  }
  const writable = device.writeSync !== undefined
  return {
    mode: kinds.file | (writable ? 0o600 : 0o400),
    size: device.size,
    writable,
    read(into, offset) {
      const count = Math.max(0, Math.min(into.length, device.size - offset))
      if (count > 0) guard(() => device.readSync(into.subarray(0, count), offset))
      return count
    },
    write(bytes, offset) {
      if (!device.writeSync) throw new SystemError('EROFS')
      if (offset + bytes.length > device.size) throw new SystemError('ENOSPC')
      guard(() => device.writeSync?.(bytes, offset))
      return bytes.length
    },
    // resize2fs makes a plain file as short as the volume that it has shrunk; a device keeps its size, and the volume simply ends earlier.
    truncate(size) {
      if (size > device.size) throw new SystemError('EFBIG')
    },
    flush: () => guard(() => device.flushSync?.()),
  }
}

const scratchLimitBytes = 64 * 1024 * 1024

/** A file that exists in memory for the time of one run. */
export function memoryNode(content: Uint8Array = new Uint8Array(0)): Node {
  let bytes = content
  let size = content.length
  const resize = (wanted: number) => {
    if (wanted > scratchLimitBytes) throw new SystemError('ENOSPC')
    if (wanted > bytes.length) {
      const larger = new Uint8Array(Math.max(wanted, bytes.length * 2, 4096))
      larger.set(bytes.subarray(0, size))
      bytes = larger
    }
    if (wanted < size) bytes.fill(0, wanted, size)
    size = wanted
  }
  return {
    mode: kinds.file | 0o600,
    writable: true,
    get size() {
      return size
    },
    read(into, offset) {
      const part = bytes.subarray(Math.min(offset, size), Math.min(size, offset + into.length))
      into.set(part)
      return part.length
    },
    write(from, offset) {
      if (offset + from.length > size) resize(offset + from.length)
      bytes.set(from, offset)
      return from.length
    },
    truncate: resize,
  }
}

/** Standard input and outputs, and the pipe that progress comes through. */
export function sinkNode(take: (bytes: Uint8Array) => void): Node {
  return {
    mode: kinds.fifo | 0o600,
    size: 0,
    writable: true,
    write(bytes) {
      take(bytes)
      return bytes.length
    },
  }
}

export const nothing: Node = { mode: 0o020000 | 0o666, size: 0, writable: true, read: () => 0, write: (bytes) => bytes.length }

export function sourceNode(content: Uint8Array): Node {
  let at = 0
  return {
    mode: kinds.fifo | 0o400,
    size: 0,
    writable: false,
    read(into) {
      const part = content.subarray(at, at + into.length)
      into.set(part)
      at += part.length
      return part.length
    },
  }
}

/** Paths without ".", ".." and doubled slashes; every program starts in "/". */
export function normalPath(path: string): string {
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return `/${parts.join('/')}`
}
