import { alignedBuffer } from '../block/aligned.ts'
import type { StreamDevice } from '../block/device.ts'
import { markerBlock } from './first-block.ts'
import { flushWithinMs, type WriteLimits, within } from './limits.ts'
import { mismatchError } from './mismatch.ts'

export interface Finish {
  device: StreamDevice
  /** The withheld start of the image, padded with zeros to `firstBlockBytes`. */
  first: Uint8Array
  verify: boolean
  limits: WriteLimits
}

/** Makes the card valid: its first block, flushed, read back and compared. Should that fail, the marker is put back if the card still takes it. */
export async function finishTarget({ device, first, verify, limits }: Finish): Promise<void> {
  const block = first.subarray(0, Math.min(first.length, device.sizeBytes))
  const flushMs = flushWithinMs(limits)
  try {
    await within(device.write(block, 0), limits.answerWithinMs, device.label)
    await within(device.flush(), flushMs, device.label)
    if (!verify) return
    const found = alignedBuffer(block.length)
    await within(device.read(found, 0), limits.answerWithinMs, device.label)
    if (Buffer.compare(found, block) !== 0) throw mismatchError(device.label, differsAt(found, block), { is: 'first-block' })
  } catch (thrown) {
    const restored = device.write(markerBlock(block.length), 0).then(() => device.flush())
    await within(restored, limits.answerWithinMs, device.label).catch(() => {})
    throw thrown
  }
}

function differsAt(found: Uint8Array, expected: Uint8Array): number {
  const at = found.findIndex((byte, index) => byte !== expected[index])
  return Math.max(0, at)
}
