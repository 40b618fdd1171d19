import { createHash } from 'node:crypto'
import fs from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { toErrorValue } from '../errors.ts'
import type { BlockNote, DigestMessage, DigestTask, FileDigestTask } from './digests.ts'
import { changedWhileReading, fileError } from './image-errors.ts'
import { readBytes } from './meter.ts'
import { slotBytes } from './slot-ring.ts'

const port = parentPort
const task = workerData as DigestTask

/** How far the sum of a file may run ahead of the decoder: both then find the same bytes in the page cache, and the file is read once. */
const leadBytes = 32 * 1024 * 1024
const readBytesAtOnce = 1024 * 1024

function sumFile(file: FileDigestTask): string {
  const hash = createHash(file.algorithm)
  const buffer = new Uint8Array(readBytesAtOnce)
  let descriptor: number | null = null
  try {
    descriptor = fs.openSync(file.path, 'r')
    for (let at = 0; at < file.sizeBytes; ) {
      while (Atomics.load(file.unpaced, 0) === 0 && at > readBytes(file.meters) + leadBytes) Atomics.wait(file.unpaced, 0, 0, 20)
      const length = fs.readSync(descriptor, buffer, 0, Math.min(readBytesAtOnce, file.sizeBytes - at), at)
      if (length === 0) throw changedWhileReading(file.name)
      hash.update(buffer.subarray(0, length))
      at += length
    }
  } catch (thrown) {
    throw fileError(file.name, thrown)
  } finally {
    if (descriptor !== null) fs.closeSync(descriptor)
  }
  return hash.digest('hex')
}

function post(message: DigestMessage): void {
  port?.postMessage(message)
}

if (task.kind === 'file') {
  try {
    post({ digest: sumFile(task) })
  } catch (thrown) {
    post({ failed: toErrorValue(thrown) })
  }
} else {
  const hash = createHash(task.algorithm)
  port?.on('message', (note: BlockNote) => {
    if (note === 'end') {
      post({ digest: hash.digest('hex') })
      port.close()
      return
    }
    hash.update(slotBytes(task.ring, note.index).subarray(0, note.length))
    post({ seen: note.index })
  })
}
