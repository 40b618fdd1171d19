import { LivecardError } from '../errors.ts'
import type { BlockDevice } from './device.ts'

export interface StagedDevice extends BlockDevice {
  writeSync(bytes: Uint8Array, offset: number): void
  flushSync(): void
  /** How many bytes are held back, in whole blocks. */
  readonly stagedBytes: number
  /** Where something was written since this was asked last, ascending, in whole blocks, neighbours joined. */
  takeWritten(): { offset: number; lengthBytes: number }[]
  /** What would have to be written to the base, ascending, neighbours joined up to `maxRunBytes`. The bytes belong to the caller. */
  changes(maxRunBytes?: number): Generator<{ offset: number; bytes: Uint8Array }>
}

export interface StagedOptions {
  /** How much may be held back. */
  limitBytes: number
  blockBytes?: number
}

/** A view of a device that can be written to while the device is not: what is written stays in memory. For trying something out before it is done. */
export function stagedDevice(base: BlockDevice, { limitBytes, blockBytes = 4096 }: StagedOptions): StagedDevice {
  const blocks = new Map<number, Uint8Array>()
  const written = new Set<number>()

  const within = (length: number, offset: number): void => {
    if (offset < 0 || offset + length > base.size)
      throw new RangeError(`${length} bytes at ${offset} do not lie within ${base.size}`)
  }
  const blockLength = (index: number): number => Math.min(blockBytes, base.size - index * blockBytes)
  const blockFor = (index: number, whole: boolean): Uint8Array => {
    const staged = blocks.get(index)
    if (staged) return staged
    if ((blocks.size + 1) * blockBytes > limitBytes) throw tooMuch(limitBytes)
    const block = new Uint8Array(blockLength(index))
    if (!whole) base.readSync(block, index * blockBytes)
    blocks.set(index, block)
    return block
  }

  return {
    size: base.size,
    sectorSize: base.sectorSize,
    get stagedBytes() {
      return blocks.size * blockBytes
    },
    readSync(into, offset) {
      within(into.length, offset)
      const end = offset + into.length
      for (let at = offset; at < end; ) {
        const index = Math.floor(at / blockBytes)
        const staged = blocks.get(index)
        let stop = Math.min(end, (index + 1) * blockBytes)
        if (staged) into.set(staged.subarray(at - index * blockBytes, stop - index * blockBytes), at - offset)
        else {
          while (stop < end && !blocks.has(Math.floor(stop / blockBytes))) stop = Math.min(end, stop + blockBytes)
          base.readSync(into.subarray(at - offset, stop - offset), at)
        }
        at = stop
      }
    },
    writeSync(bytes, offset) {
      within(bytes.length, offset)
      const end = offset + bytes.length
      for (let at = offset; at < end; ) {
        const index = Math.floor(at / blockBytes)
        const start = index * blockBytes
        const stop = Math.min(end, start + blockBytes)
        written.add(index)
        blockFor(index, stop - at === blockLength(index)).set(bytes.subarray(at - offset, stop - offset), at - start)
        at = stop
      }
    },
    flushSync() {},
    takeWritten() {
      const ranges: { offset: number; lengthBytes: number }[] = []
      for (const index of Float64Array.from(written).sort()) {
        const last = ranges.at(-1)
        if (last && last.offset + last.lengthBytes === index * blockBytes) last.lengthBytes += blockLength(index)
        else ranges.push({ offset: index * blockBytes, lengthBytes: blockLength(index) })
      }
      written.clear()
      return ranges
    },
    *changes(maxRunBytes = 1024 * 1024) {
      const indexes = Float64Array.from(blocks.keys()).sort()
      for (let first = 0; first < indexes.length; ) {
        const start = indexes[first] ?? 0
        let count = 1
        while (indexes[first + count] === start + count && (count + 1) * blockBytes <= maxRunBytes) count += 1
        const parts = Array.from({ length: count }, (_, at) => blocks.get(start + at) ?? new Uint8Array())
        yield { offset: start * blockBytes, bytes: new Uint8Array(Buffer.concat(parts)) }
        first += count
      }
    },
  }
}

function tooMuch(limitBytes: number): LivecardError {
  return new LivecardError('failed', 'staged-limit', {
    message: `More would change than the ${Math.floor(limitBytes / 1024 / 1024)} MiB that are held in memory while it is tried out.`,
    meaning: 'It was tried in memory only: nothing was written to the card.',
    next: 'Save the files that you need from the card, then reset it.',
  })
}
