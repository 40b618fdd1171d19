import { lstat, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve, sep } from 'node:path'
import type { Drive } from '../contract.ts'
import type { BackupChoice, BackupEstimate, BackupResult } from '../contract-backup.ts'
import { diskMadeOf, isKernelsPlace } from '../drives/file-users.ts'
import { findDrive } from '../drives/find.ts'
import { fromValue } from '../errors.ts'
import { archiveExists, archiveFolder, archiveOnCard, backupDied, backupStopped, badArchiveName } from './backup/errors.ts'
import { packingOf } from './backup/stored.ts'
import type {
  BackupAnswer,
  BackupAsk,
  BackupMessage,
  BackupProgress,
  BackupTask,
  ListedFile,
  LookFacts,
  WholeChoice,
} from './backup-task.ts'
import { type InspectTarget, openTarget } from './inspect-target.ts'
import { startWorker } from './workers.ts'

/** Of JavaScript's heap: a million files in a list. */
const heapLimitMiB = 1024

export interface BackupRequest {
  /** A drive, an image file, a folder where a stick is mounted, or one overlay file. */
  path: string
  base?: string | null
}

export interface WriteOptions {
  progress?: (progress: BackupProgress) => void
  signal?: AbortSignal
}

/** A card that is kept open for reading, in a thread of its own, to be listed and saved. One thing at a time. */
export interface BackupSession {
  path: string
  /** For people: the drive's name, or the file's. */
  label: string
  look: LookFacts
  /** What is to be known before, a sentence each. */
  notes: string[]
  /** Throws where an archive cannot be put there. */
  checkPlace(file: string): Promise<void>
  folder(folder: string): Promise<{ entries: Extract<BackupAnswer, { folder: unknown }>['folder']['entries']; truncated: boolean }>
  estimate(choice: BackupChoice): Promise<BackupEstimate>
  list(choice: BackupChoice): Promise<ListedFile[]>
  /** Throws a named error; nothing of the archive stays then. */
  write(choice: BackupChoice, file: string, options?: WriteOptions): Promise<BackupResult>
  close(): Promise<void>
}

/** Looks at what can be saved of a card. Throws a named error where it cannot be read, or there is nothing of the kind. */
export async function openBackup({ path, base = null }: BackupRequest, signal?: AbortSignal): Promise<BackupSession> {
  const target = await openTarget(path, base)
  const thread = new BackupThread(target)
  try {
    const { look } = await thread.ask({ do: 'look' }, 'look', signal ? { signal } : {})
    return sessionOf(target, thread, look)
  } catch (thrown) {
    await thread.close()
    throw thrown
  }
}

function sessionOf(target: InspectTarget, thread: BackupThread, look: LookFacts): BackupSession {
  const { path } = target.source
  return {
    path,
    label: target.drive?.name ?? basename(path),
    look,
    notes: notesOf(target),
    checkPlace: (file) => checkPlace(resolve(file), target),
    folder: async (folder) => (await thread.ask({ do: 'folder', folder }, 'folder')).folder,
    estimate: async (choice) => (await thread.ask({ do: 'estimate', choice: whole(choice) }, 'estimate')).estimate,
    list: async (choice) => (await thread.ask({ do: 'list', choice: whole(choice) }, 'list')).list,
    async write(choice, file, options = {}) {
      const archive = resolve(file)
      await checkPlace(archive, target)
      const ask = { do: 'write', choice: whole(choice), path: archive, madeAt: Date.now() } as const
      return (await thread.ask(ask, 'written', options)).written
    },
    close: () => thread.close(),
  }
}

function notesOf({ drive }: InspectTarget): string[] {
  const mounts = drive ? mountsOf(drive) : []
  if (mounts.length === 0) return []
  return [`It is in use (${mounts.join(', ')}): what is written meanwhile may be saved in part. Unmount it first.`]
}

function whole({ what = [], only = [], withKernel = false, since = null }: BackupChoice): WholeChoice {
  return { what, only, withKernel, since: since === null ? null : resolve(since) }
}

class BackupThread {
  readonly #target: InspectTarget
  readonly #stop = new SharedArrayBuffer(4)
  readonly #worker
  readonly #died = Promise.withResolvers<never>()
  #turn: Promise<unknown> = Promise.resolve()

  constructor(target: InspectTarget) {
    const { source } = target
    this.#target = target
    this.#worker = startWorker('backup-worker', { source, stop: this.#stop } satisfies BackupTask, heapLimitMiB)
    this.#died.promise.catch(() => {})
    this.#worker.on('error', (thrown) => this.#died.reject(backupDied(source.path, thrown)))
    this.#worker.on('exit', (code) => this.#died.reject(backupDied(source.path, `its thread ended with ${code}`)))
  }

  /** One after the other: the thread answers in turn. */
  ask<K extends string>(
    ask: BackupAsk,
    wanted: K,
    { signal, progress }: WriteOptions = {},
  ): Promise<Extract<BackupAnswer, Record<K, unknown>>> {
    const answer = this.#turn.then(() => this.#askNow(ask, signal, progress))
    this.#turn = answer.catch(() => {})
    return answer.then((given) => {
      if (!(wanted in given)) throw new TypeError(`"${ask.do}" was answered by something else`)
      return given as Extract<BackupAnswer, Record<K, unknown>>
    })
  }

  async #askNow(ask: BackupAsk, signal: AbortSignal | undefined, progress: WriteOptions['progress']): Promise<BackupAnswer> {
    if (signal?.aborted) throw backupStopped()
    const flag = new Int32Array(this.#stop)
    Atomics.store(flag, 0, 0)
    const stop = () => Atomics.store(flag, 0, 1)
    signal?.addEventListener('abort', stop, { once: true })
    const answered = Promise.withResolvers<BackupAnswer>()
    const listener = (message: BackupMessage) => {
      if ('progress' in message) progress?.(message.progress)
      else if ('failed' in message) answered.reject(fromValue(message.failed))
      else answered.resolve(message.answer)
    }
    this.#worker.on('message', listener)
    try {
      this.#worker.postMessage(ask)
      return await Promise.race([answered.promise, this.#died.promise])
    } finally {
      this.#worker.off('message', listener)
      signal?.removeEventListener('abort', stop)
    }
  }

  /** What runs ends at its next pause, and takes away what it has written; a drive that hangs is waited for. */
  async close(): Promise<void> {
    Atomics.store(new Int32Array(this.#stop), 0, 1)
    await this.#turn
    await this.#worker.terminate()
    await this.#target.close()
  }
}

/** What is wrong with an archive's place is said before anything is read. */
async function checkPlace(file: string, { source, drive }: InspectTarget): Promise<void> {
  if (packingOf(file) === null) throw badArchiveName(file)
  if (isKernelsPlace(file)) throw archiveFolder(file, 'that is no place for a file')
  if (await lstat(file).catch(() => null)) throw archiveExists(file)
  const folder = await realpath(dirname(file)).catch(() => dirname(file))
  const place = await stat(folder).catch(() => null)
  if (!place?.isDirectory()) throw archiveFolder(file, `there is no folder ${dirname(file)}`)
  if (await isOnCard(folder, place.dev, source, drive)) throw archiveOnCard(file)
}

async function isOnCard(folder: string, device: number, source: InspectTarget['source'], drive: Drive | null): Promise<boolean> {
  if (source.kind === 'folder') {
    const top = await realpath(source.path)
    if (folder === top || folder.startsWith(top.endsWith(sep) ? top : top + sep)) return true
  }
  const places = await Promise.all((await mountsOfCard(source, drive)).map((path) => stat(path).catch(() => null)))
  return places.some((facts) => facts?.dev === device)
}

/** Where the card is mounted on this computer. */
async function mountsOfCard(source: InspectTarget['source'], drive: Drive | null): Promise<string[]> {
  // The folder that was named, or the one that it is in, as LiveOS is; else it lies on a disk of this computer.
  if (source.kind === 'folder') {
    const candidates = [source.path, dirname(source.path)]
    const isMount = await Promise.all(candidates.map(isMountPoint))
    return candidates.filter((_, index) => isMount[index])
  }
  if (drive) return mountsOf(drive)
  const facts = await stat(source.path, { bigint: true }).catch(() => null)
  const disk = facts && (await diskMadeOf(facts))
  const made = disk === null ? null : await findDrive(join('/dev', disk)).catch(() => null)
  return made ? mountsOf(made) : []
}

async function isMountPoint(path: string): Promise<boolean> {
  const [own, above] = await Promise.all([stat(path).catch(() => null), stat(join(path, '..')).catch(() => null)])
  return own !== null && above !== null && own.dev !== above.dev
}

function mountsOf({ whole, partitions }: Drive): string[] {
  return [...whole.mounts, ...partitions.flatMap(({ mounts }) => mounts)]
}
