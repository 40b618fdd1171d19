import { mkdir, stat, unlink } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { Worker } from 'node:worker_threads'
import { createCardFile } from '../../drives/card-file.ts'
import { isKernelsPlace } from '../../drives/file-users.ts'
import { fromValue, LivecardError, systemCode } from '../../errors.ts'
import { hasModules, modulesMissing } from '../../wasm/modules.ts'
import type { DemoMessage, DemoTask } from './demo-task.ts'
import { practiceCards } from './index.ts'
import type { PracticeCard } from './practice-card.ts'

export type ListedCard = Pick<PracticeCard, 'id' | 'system' | 'title' | 'ailment' | 'sizeBytes'> & {
  findings: string[]
  /** Why it cannot be made here; null where it can. */
  problem: string | null
}

export interface MadeCard {
  id: string
  path: string
  sizeBytes: number
  /** What it takes on the disk. */
  allocatedBytes: number
  /** It was there already and is left as it is. */
  wasThere: boolean
}

export interface MakeOptions {
  /** Where a file of its name is there: leave that, or make one with a number in its name. */
  ifThere: 'leave' | 'number'
  signal?: AbortSignal
}

const heapLimitMiB = 256
const mostNames = 100

export function listPracticeCards(): ListedCard[] {
  return practiceCards.map((card) => {
    const { id, system, title, ailment, sizeBytes, findings } = card
    return { id, system, title, ailment, sizeBytes, findings: [...findings], problem: problemOf(card)?.message ?? null }
  })
}

/** Makes a card in a folder, which is made too where there is none. A card that does not come to its end leaves no file. */
export async function makePracticeCard(id: string, folder: string, { ifThere, signal }: MakeOptions): Promise<MadeCard> {
  const card = practiceCards.find((one) => one.id === id)
  if (!card) throw unknownCard(id)
  const problem = problemOf(card)
  if (problem) throw problem
  if (signal?.aborted) throw stopped()
  const place = resolve(folder)
  await makeFolder(place)
  const { path, wasThere } = await claimFile(card, place, ifThere)
  if (!wasThere) {
    try {
      await makeInThread({ id, path }, signal)
    } catch (thrown) {
      await unlink(path).catch(() => {})
      throw thrown
    }
  }
  const { size, blocks } = await stat(path)
  return { id, path, sizeBytes: size, allocatedBytes: blocks * 512, wasThere }
}

function problemOf(card: PracticeCard): LivecardError | null {
  return card.needsTools && !hasModules() ? modulesMissing('mke2fs') : null
}

async function claimFile(card: PracticeCard, place: string, ifThere: MakeOptions['ifThere']) {
  for (let number = 1; number <= mostNames; number += 1) {
    const path = join(place, number === 1 ? `${card.id}.img` : `${card.id}-${number}.img`)
    try {
      await createCardFile(path, card.sizeBytes)
      return { path, wasThere: false }
    } catch (thrown) {
      if (!(thrown instanceof LivecardError && thrown.code === 'file-exists')) throw thrown
      if (ifThere === 'leave') return { path, wasThere: true }
    }
  }
  throw cannotMake(
    'usage',
    'demo-full',
    `there are ${mostNames} cards of this kind in ${place} already`,
    'Delete some, or choose another folder.',
  )
}

async function makeFolder(place: string): Promise<void> {
  if (isKernelsPlace(place))
    throw cannotMake('usage', 'demo-place', `${place} is no place for files`, 'Choose a folder of your own.')
  try {
    await mkdir(place, { recursive: true })
  } catch (thrown) {
    const code = systemCode(thrown)
    const kind = code === 'EACCES' || code === 'EPERM' || code === 'EROFS' ? 'privilege' : 'usage'
    throw cannotMake(
      kind,
      'demo-place',
      `${place} is no folder and cannot be made one (${code})`,
      'Choose a folder of your own.',
      thrown,
    )
  }
}

async function makeInThread(task: DemoTask, signal: AbortSignal | undefined): Promise<void> {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const worker = new Worker(new URL(`./demo-worker.${extension}`, import.meta.url), {
    workerData: task,
    name: 'livecard demo-worker',
    resourceLimits: { maxOldGenerationSizeMb: heapLimitMiB },
  })
  const ended = Promise.withResolvers<void>()
  const stop = () => ended.reject(stopped())
  signal?.addEventListener('abort', stop, { once: true })
  worker.on('message', (message: DemoMessage) => ('made' in message ? ended.resolve() : ended.reject(fromValue(message.failed))))
  worker.on('error', ended.reject)
  worker.on('exit', (code) => ended.reject(new Error(`the thread that makes ${task.id} ended with ${code}`)))
  try {
    await ended.promise
  } finally {
    signal?.removeEventListener('abort', stop)
    await worker.terminate()
  }
}

function unknownCard(id: string): LivecardError {
  return cannotMake('usage', 'demo-unknown', `there is no practice card "${id}"`, '"livecard demo" lists them.')
}

function stopped(): LivecardError {
  return new LivecardError('cancelled', 'cancelled', {
    message: 'Stopped.',
    meaning: 'The card that was being made is deleted again; those made before are complete.',
    next: 'Start again when you like.',
  })
}

function cannotMake(kind: 'usage' | 'privilege', code: string, why: string, next: string, cause?: unknown): LivecardError {
  return new LivecardError(
    kind,
    code,
    { message: `No practice card is made: ${why}.`, meaning: 'Nothing was changed.', next },
    cause,
  )
}
