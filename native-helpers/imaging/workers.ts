import { Worker } from 'node:worker_threads'

/** Every thread of imaging, by the file that it runs. */
export type WorkerName = 'imaging-worker' | 'digest-worker' | 'http-worker'

/**
 * The one place that starts a thread. In development the entry is the TypeScript file beside this one; bundled, this module is JavaScript itself
 * and the entries lie beside the bundle under the same names.
 */
export function startWorker(name: WorkerName, data: unknown): Worker {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  return new Worker(new URL(`./${name}.${extension}`, import.meta.url), {
    workerData: data,
    name: `livecard ${name}`,
    // These threads work on memory outside of their heaps; V8 would let the heap of each grow to tens of MiB before it collects.
    resourceLimits: { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 64 },
  })
}
