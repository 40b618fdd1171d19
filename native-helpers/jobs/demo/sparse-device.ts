import type { BlockDevice } from '../../block/device.ts'
import { isZeros, type WritableDevice } from '../../volumes/making/new-entry.ts'

const blockBytes = 4096

/** A new file as a card: zeros that are written where nothing was written before stay a hole. */
export function sparseDevice(file: BlockDevice): WritableDevice {
  const { writeSync, flushSync } = file
  if (!writeSync || !flushSync) throw new TypeError('a card that is made can be written to')
  const written = new Set<number>()
  return {
    size: file.size,
    sectorSize: file.sectorSize,
    readSync: (into, offset) => file.readSync(into, offset),
    writeSync(bytes, offset) {
      for (let done = 0; done < bytes.length; ) {
        const index = Math.floor((offset + done) / blockBytes)
        const end = Math.min(bytes.length, (index + 1) * blockBytes - offset)
        const part = bytes.subarray(done, end)
        if (written.has(index) || !isZeros(part)) {
          writeSync.call(file, part, offset + done)
          written.add(index)
        }
        done = end
      }
    },
    flushSync: () => flushSync.call(file),
  }
}
