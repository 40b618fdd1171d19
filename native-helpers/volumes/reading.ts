import type { BlockDevice } from '../block/device.ts'

/** A piece of a device, in bytes. */
export interface Span {
  start: number
  length: number
}

/**
 * A reader of a format that says what it wants next and is handed the bytes, or null where they cannot be had. So the same reader works
 * on a device that can seek and on an image that passes by once, where what lies behind is gone: it asks in ascending order where the
 * format lets it. The bytes are only lent until the next request.
 */
export type Reading<T> = Generator<Span, T, Uint8Array | null>

/** Told of every run of bytes, counted from the start of the volume, that its filesystem does not use. */
export type FreeSink = (start: number, end: number) => void

/** Runs a reader on a device. A piece that leaves the device is null; an error of the device is thrown. */
export function readFrom<T>(device: BlockDevice, reading: Reading<T>): T {
  let step = reading.next(null)
  while (!step.done) {
    const { start, length } = step.value
    if (start < 0 || length < 0 || !Number.isSafeInteger(start + length) || start + length > device.size) step = reading.next(null)
    else {
      const bytes = new Uint8Array(length)
      device.readSync(bytes, start)
      step = reading.next(bytes)
    }
  }
  return step.value
}

/** Runs a reader that may ask again for what was read of the start already: `start` is remembered, only the rest is asked for. */
export function* remembering<T>(start: Uint8Array, reading: Reading<T>): Reading<T> {
  let step = reading.next(null)
  while (!step.done) {
    const want = step.value
    const end = want.start + want.length
    if (want.start >= start.length || want.start < 0) step = reading.next(yield want)
    else if (end <= start.length) step = reading.next(start.subarray(want.start, end))
    else {
      const rest = yield { start: start.length, length: end - start.length }
      step = reading.next(rest && Buffer.concat([start.subarray(want.start), rest]))
    }
  }
  return step.value
}
