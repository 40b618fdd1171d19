import { Worker } from 'node:worker_threads'

/** Every thread of a job that is not imaging's or a program's own, by the file that it runs. */
export type WorkerName = 'inspect-worker' | 'change-worker' | 'backup-worker' | 'archive-worker'

/** In development the entry is the TypeScript file beside this one; bundled, the entries lie beside the bundle under the same names. */
export function startWorker(name: WorkerName, data: unknown, heapLimitMiB: number): Worker {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  return new Worker(new URL(`./${name}.${extension}`, import.meta.url), {
    workerData: data,
    name: `livecard ${name}`,
    resourceLimits: { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: heapLimitMiB },
  })
}
