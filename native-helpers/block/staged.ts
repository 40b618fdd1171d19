import { LivecardError } from '../errors.ts'
import { BlockIndex } from './block-index.ts'
import type { BlockDevice } from './device.ts'
import { type SpillOptions, SpillSpace } from './spill-space.ts'

export interface StagedDevice extends BlockDevice {
  writeSync(bytes: Uint8Array, offset: number): void
  flushSync(): void
  /** How many bytes are held back, in whole blocks. */
  readonly stagedBytes: number
  /** Where something was written since this was asked last, ascending, in whole blocks, neighbours joined. */
  takeWritten(): { offset: number; lengthBytes: number }[]
  /** What would have to be written to the base, ascending, neighbours joined up to `maxRunBytes`. The bytes belong to the caller. */
  changes(maxRunBytes?: number): Generator<{ offset: number; bytes: Uint8Array }>
  /** Forgets what was written, and gives back the room that it took. */
  close(): void
}

export interface StagedOptions extends SpillOptions {
  /** How much may be held back at all; as much as the disk has room for without. */
  limitBytes?: number
  blockBytes?: number
}

/**
 * A view of a device that can be written to while the device is not: what is written is held back, in memory as far as that may go and else in a temporary
 * file. For trying something out before it is done. Throws as `SpillSpace` does.
 */
export function stagedDevice(base: BlockDevice, options: StagedOptions = {}): StagedDevice {
  const { limitBytes = Number.POSITIVE_INFINITY, blockBytes = 4096, ...spill } = options
  const space = new SpillSpace(spill)
  /** Which slot of the space holds a block. */
  const slots = new BlockIndex()
  const written = new BlockIndex()

  const within = (length: number, offset: number): void => {
    if (offset < 0 || offset + length > base.size)
      throw new RangeError(`${length} bytes at ${offset} do not lie within ${base.size}`)
  }
  const blockLength = (index: number): number => Math.min(blockBytes, base.size - index * blockBytes)
  const slotFor = (index: number, whole: boolean): number => {
    const there = slots.get(index)
    if (there >= 0) return there
    if ((slots.count + 1) * blockBytes > limitBytes) throw tooMuch(limitBytes)
    const block = whole ? null : new Uint8Array(blockLength(index))
    if (block) base.readSync(block, index * blockBytes)
    const address = space.allocate(blockBytes)
    if (block) space.write(block, address)
    slots.set(index, address / blockBytes)
    return address / blockBytes
  }
  /** As far as the blocks from `at` on lie behind each other, or are all not held. */
  const runFrom = (at: number, end: number): { stop: number; slot: number } => {
    const first = Math.floor(at / blockBytes)
    const slot = slots.get(first)
    let next = first + 1
    while (next * blockBytes < end && slots.get(next) === (slot < 0 ? -1 : slot + next - first)) next += 1
    return { stop: Math.min(end, next * blockBytes), slot }
  }

  return {
    size: base.size,
    sectorSize: base.sectorSize,
    get stagedBytes() {
      return slots.count * blockBytes
    },
    readSync(into, offset) {
      within(into.length, offset)
      const end = offset + into.length
      for (let at = offset; at < end; ) {
        const { stop, slot } = runFrom(at, end)
        const part = into.subarray(at - offset, stop - offset)
        if (slot < 0) base.readSync(part, at)
        else space.read(part, slot * blockBytes + (at % blockBytes))
        at = stop
      }
    },
    writeSync(bytes, offset) {
      within(bytes.length, offset)
      const end = offset + bytes.length
      for (let index = Math.floor(offset / blockBytes); index * blockBytes < end; index += 1) {
        const start = index * blockBytes
        slotFor(index, offset <= start && start + blockLength(index) <= end)
        written.set(index, 0)
      }
      for (let at = offset; at < end; ) {
        const { stop, slot } = runFrom(at, end)
        space.write(bytes.subarray(at - offset, stop - offset), slot * blockBytes + (at % blockBytes))
        at = stop
      }
    },
    flushSync() {},
    takeWritten() {
      const ranges: { offset: number; lengthBytes: number }[] = []
      for (const index of written.blocks()) {
        const last = ranges.at(-1)
        if (last && last.offset + last.lengthBytes === index * blockBytes) last.lengthBytes += blockLength(index)
        else ranges.push({ offset: index * blockBytes, lengthBytes: blockLength(index) })
      }
      written.clear()
      return ranges
    },
    *changes(maxRunBytes = 1024 * 1024) {
      let run = { offset: 0, lengthBytes: 0 }
      const taken = () => {
        const bytes = new Uint8Array(run.lengthBytes)
        this.readSync(bytes, run.offset)
        return { offset: run.offset, bytes }
      }
      for (const index of slots.blocks()) {
        const offset = index * blockBytes
        const fits = run.lengthBytes + blockBytes <= maxRunBytes
        if (run.lengthBytes > 0 && fits && offset === run.offset + run.lengthBytes) run.lengthBytes += blockLength(index)
        else {
          if (run.lengthBytes > 0) yield taken()
          run = { offset, lengthBytes: blockLength(index) }
        }
      }
      if (run.lengthBytes > 0) yield taken()
    },
    close() {
      slots.clear()
      written.clear()
      space.close()
    },
  }
}

function tooMuch(limitBytes: number): LivecardError {
  return new LivecardError('failed', 'staged-limit', {
    message: `More would change than the ${Math.floor(limitBytes / 1024 / 1024)} MiB that may be held back while it is tried out.`,
    meaning: 'It was tried in memory only: nothing was written to the card.',
    next: 'Save the files that you need from the card, then reset it.',
  })
}
