import type { Worker } from 'node:worker_threads'
import type { ImageFacts } from '../contract.ts'
import { cancelled, fromValue } from '../errors.ts'
import { BlockQueue } from './block-queue.ts'
import type { DecoderMessage, DecodeTask } from './decode-task.ts'
import { fileError } from './image-errors.ts'
import { createRing, type RingParts, statStoredBytes, statWaitMs } from './slot-ring.ts'
import { defaultBlockBytes, defaultSlots, type ImageStream, type StreamOptions } from './stream.ts'
import { startWorker } from './workers.ts'

/** An image that threads decode into a ring. */
export function openDecodedStream(facts: ImageFacts, task: Omit<DecodeTask, 'ring'>, options: StreamOptions): ImageStream {
  const ring: RingParts = createRing(options.blockBytes ?? defaultBlockBytes, options.slots ?? defaultSlots)
  const queue = new BlockQueue(ring, null)
  const threads: Worker[] = []
  let contentBytes = facts.contentBytes
  let closed = false

  const close = async () => {
    closed = true
    options.signal?.removeEventListener('abort', stop)
    queue.failed(cancelled())
    await Promise.all(threads.map((thread) => thread.terminate()))
  }
  const stop = () => {
    close().catch(() => undefined)
  }

  const thread = startWorker('decode-worker', { ...task, ring } satisfies DecodeTask)
  threads.push(thread)
  thread.on('message', (message: DecoderMessage) => {
    if ('filled' in message) queue.filled(message.filled, message.bytes)
    else if ('ended' in message) {
      contentBytes = message.ended
      queue.ended(message.ended)
    } else queue.failed(fromValue(message.failed))
  })
  thread.on('error', (thrown) => queue.failed(fileError(task.name, thrown)))
  thread.on('exit', () => {
    if (!closed) queue.failed(new Error('The decoding thread ended without a word'))
  })
  options.signal?.addEventListener('abort', stop, { once: true })
  if (options.signal?.aborted) stop()

  return {
    format: facts.format,
    blockBytes: ring.blockBytes,
    get contentBytes() {
      return contentBytes
    },
    storedBytes: facts.storedBytes,
    get storedBytesRead() {
      return ring.stats[statStoredBytes] ?? 0
    },
    get sourceWaitMs() {
      return ring.stats[statWaitMs] ?? 0
    },
    next: () => queue.next(options.signal),
    digests: async () => ({ file: { sha256: null, md5: null }, content: { sha256: null, md5: null } }),
    close,
  }
}
