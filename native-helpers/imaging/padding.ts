import { alignedBuffer } from '../block/aligned.ts'
import type { StreamDevice } from '../block/device.ts'

/** Only the last piece of an image may end within a sector; a drive takes whole ones, so the rest of that sector becomes zeros. */
export async function writePadded(device: StreamDevice, bytes: Uint8Array, offset: number): Promise<void> {
  const rest = bytes.length % device.sectorSize
  if (rest === 0 || !device.direct) return device.write(bytes, offset)
  const whole = bytes.length - rest
  const last = alignedBuffer(device.sectorSize)
  last.set(bytes.subarray(whole))
  if (whole > 0) await device.write(bytes.subarray(0, whole), offset)
  await device.write(last, offset + whole)
}

/** How much must be read to get `lengthBytes` from a device that gives whole sectors only. */
export function paddedLength(lengthBytes: number, device: StreamDevice): number {
  return device.direct ? Math.ceil(lengthBytes / device.sectorSize) * device.sectorSize : lengthBytes
}
