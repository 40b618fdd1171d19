import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import type { BlockDevice } from '../../native-helpers/block/device.ts'

/** An image file as a device for reading, for as long as `use` runs. */
export function withFileDevice<T>(path: string, sectorSize: number, use: (device: BlockDevice) => T): T {
  const file = openSync(path, 'r')
  try {
    return use({
      size: fstatSync(file).size,
      sectorSize,
      readSync(into, offset) {
        if (readSync(file, into, 0, into.length, offset) !== into.length) throw new Error('read beyond the end')
      },
    })
  } finally {
    closeSync(file)
  }
}

export function memoryDevice(bytes: Uint8Array, sectorSize = 512): BlockDevice {
  return {
    size: bytes.length,
    sectorSize,
    readSync(into, offset) {
      if (offset + into.length > bytes.length) throw new Error('read beyond the end')
      into.set(bytes.subarray(offset, offset + into.length))
    },
  }
}
