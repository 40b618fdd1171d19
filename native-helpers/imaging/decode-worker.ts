import { parentPort, workerData } from 'node:worker_threads'
import { toErrorValue } from '../errors.ts'
import { decodeGzip } from './decode-gzip.ts'
import type { DecoderMessage, DecodeTask } from './decode-task.ts'
import { PartWriter } from './slot-ring.ts'
import { type ByteSource, openFileSource } from './source.ts'

/** Decodes one image from start to end into the ring. */
function run(task: DecodeTask, post: (message: DecoderMessage) => void): void {
  const out = new PartWriter(task.ring, 0, (index, bytes) => post({ filled: index, bytes }))
  const source: ByteSource = openFileSource(task.source, task.ring.stats)
  try {
    decodeGzip(task.name, source, out)
    out.flush()
    post({ ended: out.position })
  } finally {
    source.close()
  }
}

const port = parentPort
if (port !== null) {
  try {
    run(workerData as DecodeTask, (message) => port.postMessage(message))
  } catch (thrown) {
    port.postMessage({ failed: toErrorValue(thrown) } satisfies DecoderMessage)
  }
}
