import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { LivecardError } from '../../errors.ts'
import type { Packer } from './write-compress.ts'

export interface PackRequest {
  id: number
  block: Uint8Array
}

export interface PackResult {
  id: number
  packed: Uint8Array<ArrayBuffer>
}

interface Waiting {
  resolve(packed: Uint8Array): void
  reject(error: Error): void
}

interface Thread {
  worker: Worker
  waiting: Map<number, Waiting>
}

/** Each needs some 16 MiB for xz; more than these gain little on the machines that have them. */
const mostThreads = 8

/** xz on all processors; what asks for it stays able to hear that it shall stop. */
export function startPackPool(blockBytes: number): Packer {
  const threads = Array.from({ length: Math.min(mostThreads, availableParallelism()) }, () => startThread(blockBytes))
  let next = 0
  return {
    compress: (block) =>
      new Promise((resolve, reject) => {
        const thread = threads.reduce((least, one) => (one.waiting.size < least.waiting.size ? one : least))
        const id = next++
        thread.waiting.set(id, { resolve, reject })
        const request: PackRequest = { id, block }
        thread.worker.postMessage(request)
      }),
    async close() {
      await Promise.all(threads.map(({ worker }) => worker.terminate()))
    },
  }
}

/** In development the entry is the TypeScript file beside this one; bundled, the entries lie beside the bundle under the same names. */
function startThread(blockBytes: number): Thread {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const worker = new Worker(new URL(`./pack-worker.${extension}`, import.meta.url), {
    workerData: blockBytes,
    name: 'livecard pack-worker',
    resourceLimits: { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 64 },
  })
  const thread: Thread = { worker, waiting: new Map() }
  const fail = (thrown: unknown) => {
    for (const { reject } of thread.waiting.values()) reject(packingFailed(thrown))
    thread.waiting.clear()
  }
  worker.on('message', ({ id, packed }: PackResult) => {
    thread.waiting.get(id)?.resolve(packed)
    thread.waiting.delete(id)
  })
  worker.on('error', fail)
  worker.on('exit', () => fail(new Error('its thread ended')))
  return thread
}

function packingFailed(thrown: unknown): LivecardError {
  const why = thrown instanceof Error ? thrown.message : String(thrown)
  return new LivecardError(
    'failed',
    'squashfs-make-pack',
    {
      message: `A block of the squashfs could not be packed: ${why}.`,
      meaning: 'The image that was being made is not usable. Nothing else was changed.',
      next: 'Try once more, or with another way of packing; if it happens again, report it with this text.',
    },
    thrown,
  )
}
