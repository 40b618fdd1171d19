import type { BlockDevice } from './device.ts'

/** A run of a file's bytes, in the order of the file. */
export interface Extent {
  /** Where it lies in the container; null for a hole, which reads as zeros. */
  start: number | null
  lengthBytes: number
}

/**
 * A file inside a volume as a device: an overlay in the FAT of a stick, a squashfs in an ISO. It can be written to when the container can,
 * holes excepted, since only the filesystem around it could give them room.
 */
export function extentsDevice(container: BlockDevice, extents: readonly Extent[], sectorSize = container.sectorSize): BlockDevice {
  const offsets = new Float64Array(extents.length)
  let size = 0
  for (const [index, { start, lengthBytes }] of extents.entries()) {
    if (lengthBytes < 0 || (start !== null && (start < 0 || start + lengthBytes > container.size))) {
      throw new RangeError(`an extent of ${lengthBytes} bytes at ${start} does not lie within ${container.size} bytes`)
    }
    offsets[index] = size
    size += lengthBytes
  }

  const each = (length: number, offset: number, use: (extent: Extent, within: number, at: number, count: number) => void): void => {
    if (offset < 0 || offset + length > size) throw new RangeError(`${length} bytes at ${offset} do not lie within ${size}`)
    for (let done = 0, index = lastAtOrBefore(offsets, offset); done < length; index += 1) {
      const extent = extents[index]
      if (!extent) throw new RangeError('the extents end early')
      const within = offset + done - (offsets[index] ?? 0)
      const count = Math.min(length - done, extent.lengthBytes - within)
      if (count > 0) use(extent, within, done, count)
      done += Math.max(0, count)
    }
  }

  const { writeSync, flushSync } = container
  return {
    size,
    sectorSize,
    readSync: (into, offset) =>
      each(into.length, offset, ({ start }, within, at, count) => {
        const part = into.subarray(at, at + count)
        if (start === null) part.fill(0)
        else container.readSync(part, start + within)
      }),
    ...(writeSync && {
      writeSync: (bytes: Uint8Array, offset: number) =>
        each(bytes.length, offset, ({ start }, within, at, count) => {
          if (start === null) throw new RangeError(`there is a hole at byte ${offset + at}, which cannot be written to`)
          writeSync.call(container, bytes.subarray(at, at + count), start + within)
        }),
    }),
    ...(flushSync && { flushSync: () => flushSync.call(container) }),
  }
}

/** Index of the last of the ascending numbers that is not above `value`, or -1. */
export function lastAtOrBefore(ascending: Float64Array | Uint32Array, value: number): number {
  let low = 0
  let high = ascending.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((ascending[middle] ?? 0) <= value) low = middle + 1
    else high = middle
  }
  return low - 1
}
