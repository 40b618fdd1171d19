import type { BlockDevice } from './device.ts'

/** A part of a device as a device: a partition of a card, for one. It can be written to when the whole can. */
export function slice(whole: BlockDevice, offset: number, sizeBytes: number): BlockDevice {
  if (offset < 0 || sizeBytes < 0 || offset + sizeBytes > whole.size)
    throw new RangeError(`a slice of ${sizeBytes} bytes at ${offset} does not lie within ${whole.size} bytes`)
  const within = (length: number, at: number): number => {
    if (at < 0 || at + length > sizeBytes)
      throw new RangeError(`${length} bytes at ${at} do not lie within the slice of ${sizeBytes}`)
    return offset + at
  }
  const { writeSync, flushSync } = whole
  return {
    size: sizeBytes,
    sectorSize: whole.sectorSize,
    readSync: (into, at) => whole.readSync(into, within(into.length, at)),
    ...(writeSync && { writeSync: (bytes: Uint8Array, at: number) => writeSync.call(whole, bytes, within(bytes.length, at)) }),
    ...(flushSync && { flushSync: () => flushSync.call(whole) }),
  }
}
