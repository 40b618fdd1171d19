import { openFileDevice } from '../../native-helpers/block/file-device.ts'
import type { OpenedDevice } from '../../native-helpers/block/spec.ts'
import { LivecardError } from '../../native-helpers/errors.ts'

export interface FailingDeviceOptions {
  path: string
  writable: boolean
  /** Reads that touch these bytes fail, as on a worn card. */
  badFrom: number
  badTo: number
  /** Each read waits that long, as on a card that hangs. */
  delayMs?: number
}

/** What the thread hands back: whether anything was written after the first failure. */
export interface FailingDeviceOutcome {
  reads: number
  writes: number
  writesAfterFailure: number
}

/** An image file with a bad place, to be opened by the thread that works on it. */
export function openDevice(options: unknown): OpenedDevice {
  const { path, writable, badFrom, badTo, delayMs = 0 } = options as FailingDeviceOptions
  const file = openFileDevice({ path, writable })
  const outcome: FailingDeviceOutcome = { reads: 0, writes: 0, writesAfterFailure: 0 }
  let failed = false
  const { writeSync } = file
  return {
    device: {
      ...file,
      readSync(into, offset) {
        outcome.reads += 1
        if (delayMs > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, delayMs)
        if (offset < badTo && offset + into.length > badFrom) {
          failed = true
          throw new LivecardError('failed', 'drive-io', {
            message: 'The card failed while reading.',
            meaning: 'Worn.',
            next: 'Take another.',
          })
        }
        file.readSync(into, offset)
      },
      ...(writeSync && {
        writeSync(bytes: Uint8Array, offset: number) {
          outcome.writes += 1
          if (failed) outcome.writesAfterFailure += 1
          writeSync(bytes, offset)
        },
      }),
    },
    close: () => file.close(),
    outcome: () => outcome,
  }
}
