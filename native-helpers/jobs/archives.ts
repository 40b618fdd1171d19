import { randomUUID } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Worker } from 'node:worker_threads'
import type { ArchiveLook } from '../contract-archive.ts'
import type { BackupEntry } from '../contract-backup.ts'
import { fromValue } from '../errors.ts'
import { archiveDied, archiveLookUnknown, archiveStopped } from './archive/errors.ts'
import type { ArchiveMessage } from './archive-task.ts'
import type { Asker } from './tickets.ts'
import { startWorker } from './workers.ts'

/** Of JavaScript's heap: half a million files in a tree. */
const heapLimitMiB = 1024
const lookLifeMs = 30 * 60 * 1000

interface Look {
  file: string
  worker: Worker
  asker: Asker
  usedAt: number
  /** It answers in turn. */
  last: Promise<unknown>
}

/** The archives that the interfaces look into, each by a thread of its own that keeps its tree. */
export class Archives {
  readonly #looks = new Map<string, Look>()
  readonly #known = new WeakSet<Asker>()

  async open(name: string, asker: Asker, signal: AbortSignal): Promise<ArchiveLook> {
    if (!this.#known.has(asker)) {
      this.#known.add(asker)
      asker.onClose(() => this.#closeWhere((look) => look.asker === asker))
    }
    this.#closeWhere(({ usedAt }) => Date.now() - usedAt > lookLifeMs)
    const file = resolve(name)
    const worker = startWorker('archive-worker', { file }, heapLimitMiB)
    try {
      const answer = await answered(worker, file, signal)
      if (!('look' in answer)) throw archiveDied(file, 'it answered something else')
      const archiveId = randomUUID()
      const archiveBytes = (await stat(file)).size
      this.#looks.set(archiveId, { file, worker, asker, usedAt: Date.now(), last: Promise.resolve() })
      return { archiveId, file, archiveBytes, ...answer.look }
    } catch (thrown) {
      await worker.terminate()
      throw thrown
    }
  }

  async folder(archiveId: string, folder: string): Promise<{ entries: BackupEntry[]; truncated: boolean }> {
    const look = this.#looks.get(archiveId)
    if (!look) throw archiveLookUnknown()
    look.usedAt = Date.now()
    const asked = look.last.then(() => {
      const answer = answered(look.worker, look.file)
      look.worker.postMessage(folder)
      return answer
    })
    look.last = asked.catch(() => {})
    const answer = await asked
    if (!('folder' in answer)) throw archiveDied(look.file, 'it answered something else')
    return answer.folder
  }

  close(archiveId: string): void {
    const look = this.#looks.get(archiveId)
    this.#looks.delete(archiveId)
    void look?.worker.terminate()
  }

  #closeWhere(which: (look: Look) => boolean): void {
    for (const [id, look] of this.#looks) if (which(look)) this.close(id)
  }
}

type Answer = Exclude<ArchiveMessage, { failed: unknown }>

async function answered(worker: Worker, file: string, signal?: AbortSignal): Promise<Answer> {
  if (signal?.aborted) throw archiveStopped()
  const ended = Promise.withResolvers<Answer>()
  const listener = (message: ArchiveMessage) =>
    'failed' in message ? ended.reject(fromValue(message.failed)) : ended.resolve(message)
  const died = (thrown: unknown) => ended.reject(archiveDied(file, thrown))
  const exited = (code: number) => ended.reject(archiveDied(file, `its thread ended with ${code}`))
  const stop = () => ended.reject(archiveStopped())
  worker.on('message', listener).on('error', died).on('exit', exited)
  signal?.addEventListener('abort', stop, { once: true })
  try {
    return await ended.promise
  } finally {
    worker.off('message', listener).off('error', died).off('exit', exited)
    signal?.removeEventListener('abort', stop)
  }
}
