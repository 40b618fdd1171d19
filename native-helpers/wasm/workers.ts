import { Worker } from 'node:worker_threads'
import { LivecardError } from '../errors.ts'

export type WorkerName = 'program-worker'

/** Of JavaScript; a module's memory counts apart and has its own limit. */
const heapLimitMiB = 256

/** In development the entry is the TypeScript file beside this one; bundled, the entries lie beside the bundle under the same names. */
export function startWorker(name: WorkerName, data: unknown): Worker {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  return new Worker(new URL(`./${name}.${extension}`, import.meta.url), {
    workerData: data,
    name: `livecard ${name}`,
    resourceLimits: { maxOldGenerationSizeMb: heapLimitMiB },
  })
}

export function stopped(): LivecardError {
  return new LivecardError('cancelled', 'cancelled', {
    message: 'Stopped.',
    meaning: 'What had been read is forgotten; what had been written by then stays written where it was written to.',
    next: 'Start again when you like; a volume that was being changed directly has to be checked first.',
  })
}

export function threadDied(what: string, thrown: unknown): LivecardError {
  return new LivecardError(
    'failed',
    'wasm-thread',
    {
      message: `${what} ended unexpectedly: ${thrown instanceof Error ? thrown.message : String(thrown)}`,
      meaning: 'It did not finish its work; its result is not known.',
      next: 'Try once more; if it happens again, report it with this text and what kind of card it is.',
    },
    thrown,
  )
}
