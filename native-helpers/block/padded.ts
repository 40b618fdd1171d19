import type { BlockDevice } from './device.ts'

/** A device as it will be when it is longer: behind its end there are zeros. For reading. */
export function paddedDevice(device: BlockDevice, sizeBytes: number): BlockDevice {
  return {
    size: Math.max(device.size, sizeBytes),
    sectorSize: device.sectorSize,
    readSync(into, offset) {
      const there = Math.max(0, Math.min(into.length, device.size - offset))
      if (there > 0) device.readSync(into.subarray(0, there), offset)
      into.fill(0, there)
    },
  }
}
