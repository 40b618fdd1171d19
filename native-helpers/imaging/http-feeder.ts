import type { ErrorValue } from '../contract.ts'
import { fromValue } from '../errors.ts'
import { type ByteRing, createByteRing } from './byte-ring.ts'
import type { Feeder } from './decoded-stream.ts'
import type { DigestAlgorithm } from './digests.ts'
import type { HttpFacts } from './http-facts.ts'
import type { NetworkLimits } from './http-request.ts'
import { startWorker } from './workers.ts'

export interface FetchTask {
  url: string
  /** The part that is decoded; null is all of it. */
  slice: { start: number; end: number } | null
  expected: HttpFacts
  digests: DigestAlgorithm[]
  limits: NetworkLimits
  ring: ByteRing
}

export type FetchMessage = { digests: { sha256: string | null; md5: string | null } } | { failed: ErrorValue }

/** A thread that fetches a download into a ring. */
export function startHttpFeeder(task: Omit<FetchTask, 'ring'>): { feeder: Feeder; ring: ByteRing } {
  const ring = createByteRing()
  const thread = startWorker('http-worker', { ...task, ring } satisfies FetchTask)
  const outcome = new Promise<{ sha256: string | null; md5: string | null }>((resolve, reject) => {
    thread.on('message', (message: FetchMessage) => {
      if ('digests' in message) resolve(message.digests)
      else reject(fromValue(message.failed))
    })
    thread.on('error', reject)
    thread.on('exit', () => reject(new Error('The thread that fetches the image ended without a word')))
  })
  outcome.catch(() => undefined)
  const feeder: Feeder = {
    onFailure(listener) {
      outcome.catch(listener)
    },
    digests: () => outcome,
    async close() {
      await thread.terminate()
    },
  }
  return { feeder, ring }
}
