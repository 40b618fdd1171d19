import { closeSync, openSync, truncateSync } from 'node:fs'
import { openFileDevice } from '../../native-helpers/block/file-device.ts'
import type { WritableDevice } from '../../native-helpers/volumes/making/new-entry.ts'

/** A sparse file of that size as a device to make something on, for as long as `use` runs. */
export function withNewDevice<T>(path: string, sizeBytes: number, use: (device: WritableDevice) => T, sectorSize = 512): T {
  closeSync(openSync(path, 'w'))
  truncateSync(path, sizeBytes)
  const { writeSync, flushSync, ...device } = openFileDevice({ path, writable: true, sectorSize })
  if (!writeSync || !flushSync) throw new Error('a file opened for writing cannot be written to')
  try {
    return use({ ...device, writeSync, flushSync })
  } finally {
    device.close()
  }
}
