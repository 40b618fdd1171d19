import type { Worker } from 'node:worker_threads'
import type { ErrorValue } from '../contract.ts'
import { fromValue } from '../errors.ts'
import type { BlockWatcher } from './block-queue.ts'
import type { Meters } from './meter.ts'
import type { RingParts } from './slot-ring.ts'
import { startWorker } from './workers.ts'

export type DigestAlgorithm = 'sha256' | 'md5'

export interface FileDigestTask {
  kind: 'file'
  algorithm: DigestAlgorithm
  name: string
  path: string
  sizeBytes: number
  /** The decoders' meters, to stay near them. */
  meters: Float64Array
  /** [0] set to 1 when the decoders are through. */
  unpaced: Int32Array
}

export type DigestTask = FileDigestTask | { kind: 'blocks'; algorithm: DigestAlgorithm; ring: RingParts }
export type BlockNote = { index: number; length: number } | 'end'
export type DigestMessage = { seen: number } | { digest: string } | { failed: ErrorValue }

/** A digest that a thread of its own computes. */
export interface Digester {
  readonly algorithm: DigestAlgorithm
  /** Rejects only when it is asked for: a job that already failed for another reason does not look. */
  result(): Promise<string>
  /** The decoders are through. */
  end(): void
  close(): Promise<void>
}

function digester(algorithm: DigestAlgorithm, thread: Worker, seen: (index: number) => void, end: () => void): Digester {
  const outcome = new Promise<string>((resolve, reject) => {
    thread.on('message', (message: DigestMessage) => {
      if ('seen' in message) seen(message.seen)
      else if ('digest' in message) resolve(message.digest)
      else reject(fromValue(message.failed))
    })
    thread.on('error', reject)
    thread.on('exit', () => reject(new Error('The thread that computes a checksum ended without one')))
  })
  outcome.catch(() => undefined)
  return {
    algorithm,
    result: () => outcome,
    end,
    async close() {
      await thread.terminate()
    },
  }
}

/** Sums the blocks while they lie in the ring, beside the consumer. */
export function digestBlocks(algorithm: DigestAlgorithm, ring: RingParts): Digester & BlockWatcher {
  const thread = startWorker('digest-worker', { kind: 'blocks', algorithm, ring } satisfies DigestTask)
  const waiting = new Map<number, () => void>()
  const seen = (index: number) => {
    const done = waiting.get(index)
    waiting.delete(index)
    done?.()
  }
  const common = digester(algorithm, thread, seen, () => thread.postMessage('end' satisfies BlockNote))
  return {
    ...common,
    see(index, length, done) {
      waiting.set(index, done)
      thread.postMessage({ index, length } satisfies BlockNote)
    },
  }
}

/** Sums the file as it lies there, from its first to its last byte, whatever the decoders take of it. */
export function digestFile(algorithm: DigestAlgorithm, name: string, path: string, sizeBytes: number, meters: Meters): Digester {
  const unpaced = new Int32Array(new SharedArrayBuffer(4))
  const task: FileDigestTask = { kind: 'file', algorithm, name, path, sizeBytes, meters: meters.all, unpaced }
  return digester(
    algorithm,
    startWorker('digest-worker', task),
    () => undefined,
    () => {
      Atomics.store(unpaced, 0, 1)
      Atomics.notify(unpaced, 0)
    },
  )
}

export async function settled(digesters: Digester[]): Promise<{ sha256: string | null; md5: string | null }> {
  const sums: { sha256: string | null; md5: string | null } = { sha256: null, md5: null }
  for (const one of digesters) sums[one.algorithm] = await one.result()
  return sums
}
