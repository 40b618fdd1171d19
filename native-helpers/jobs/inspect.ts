import type { Drive } from '../contract.ts'
import type { Report } from '../contract-report.ts'
import { fromValue, systemCode } from '../errors.ts'
import { inspectDied, inspectStopped, inspectTooLarge, inspectTooLong } from './inspect-errors.ts'
import { type InspectTarget, openTarget } from './inspect-target.ts'
import type { Inspected, InspectMessage, InspectTask } from './inspect-task.ts'
import { startWorker } from './workers.ts'

export interface InspectRequest {
  /** A drive, an image file, a folder where a stick is mounted, or one overlay file. */
  path: string
  /** The squashfs or ext image that belongs to an overlay given by itself. */
  base?: string | null
}

export interface InspectOptions {
  signal?: AbortSignal
  timeLimitMs?: number
}

/** Of JavaScript's heap; buffers lie outside of it, and every reader bounds its own. */
const heapLimitMiB = 256
const timeLimitMs = 120_000

/**
 * The report on a target, read in a thread of its own that has nothing but descriptors for reading. Writes nothing, wherever it ends. Throws a named error
 * where the target cannot be read; what is wrong on a target that can be read stands in the report.
 */
export async function inspect(request: InspectRequest, options: InspectOptions = {}): Promise<Report> {
  return (await inspectTarget(request, { ...options, pieces: false })).report
}

/** The same with the raw bytes that describe the card, and what is known of the drive. */
export async function inspectTarget(
  { path, base = null }: InspectRequest,
  { signal, timeLimitMs: limitMs = timeLimitMs, pieces }: InspectOptions & { pieces: boolean },
): Promise<Inspected & { drive: Drive | null }> {
  if (signal?.aborted) throw inspectStopped()
  const target = await openTarget(path, base)
  if (signal?.aborted) {
    await target.close()
    throw inspectStopped()
  }
  return { ...(await readInThread(target, { source: target.source, pieces }, limitMs, signal)), drive: target.drive }
}

async function readInThread(
  target: InspectTarget,
  task: InspectTask,
  limitMs: number,
  signal: AbortSignal | undefined,
): Promise<Inspected> {
  const { source } = target
  const worker = startWorker('inspect-worker', task, heapLimitMiB)
  const ended = Promise.withResolvers<Inspected>()
  const stop = () => ended.reject(inspectStopped())
  const timer = setTimeout(() => ended.reject(inspectTooLong(source.path, limitMs / 1000)), limitMs)
  signal?.addEventListener('abort', stop, { once: true })
  worker.on('message', (message: InspectMessage) =>
    'inspected' in message ? ended.resolve(message.inspected) : ended.reject(fromValue(message.failed)),
  )
  worker.on('error', (thrown) =>
    ended.reject(
      systemCode(thrown) === 'ERR_WORKER_OUT_OF_MEMORY' ? inspectTooLarge(source.path) : inspectDied(source.path, thrown),
    ),
  )
  worker.on('exit', (code) => ended.reject(inspectDied(source.path, `its thread ended with ${code}`)))
  // A thread that waits for a hanging drive ends only when the drive answers; its descriptor is kept until then, and nobody else waits for it.
  const closed = () => worker.terminate().then(() => target.close())
  try {
    const inspected = await ended.promise
    await closed()
    return inspected
  } catch (thrown) {
    void closed()
    throw thrown
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', stop)
  }
}
