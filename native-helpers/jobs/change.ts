import { mkdir, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import type { StreamDevice } from '../block/device.ts'
import type { FileSpec } from '../block/spec.ts'
import { openUndoFile, type UndoHead } from '../block/undo-file.ts'
import type { Drive } from '../contract.ts'
import type { ChangeJobName, Growing } from '../contract-change.ts'
import { openCardFile } from '../drives/card-file.ts'
import { findDrive, sightDrive } from '../drives/find.ts'
import type { Sighting } from '../drives/identity.ts'
import { openForWriting } from '../drives/open.ts'
import { fromValue, LivecardError } from '../errors.ts'
import type { ChangeContext, ChangeWords } from '../systems/change.ts'
import { changeDied, changedSincePlan, changeOfFolder, undoOnCard, undoOtherSerial, unmountedSincePlan } from './change-errors.ts'
import type { AppliedChange, ChangeMessage, ChangeSource, ChangeTask, TakenBackChange, ThreadPlan } from './change-task.ts'
import { targetNotFound } from './inspect-errors.ts'
import { type InspectTarget, openTarget } from './inspect-target.ts'
import { driveRefused } from './plan-errors.ts'
import { defaultStateFolder } from './state-folder.ts'
import { startWorker } from './workers.ts'

export interface ChangeRequest {
  job: ChangeJobName
  /** A drive, an image file, or one overlay file. */
  path: string
  base: string | null
  options: Readonly<Record<string, string>>
  allowVirtual: boolean
  /** Null: a dated file in the state folder. */
  undo: string | null
}

/** A change that was made up, for the user to say yes to. Nothing was changed so far. */
export interface ChangePlan extends ChangeWords {
  request: ChangeRequest
  target: { kind: 'drive' | 'file'; path: string; label: string; sizeBytes: number }
  /** Volumes that will be unmounted first. */
  unmounts: string[]
  writeBytes: number
  undoPath: string
  agreed: { digest: string; context: ChangeContext; drive: Drive | null; sighting: Sighting | null }
}

export type Progress = (doneBytes: number, totalBytes: number) => void

const heapLimitMiB = 512
const titles: Record<ChangeJobName, string> = {
  repair: 'Repair',
  enlarge: 'Enlarge',
  reset: 'Reset',
  merge: 'Merge',
  convert: 'Convert',
  restore: 'Restore to',
  customise: 'Settings of',
}

/** Makes up a change without writing anything. Throws a named error where the target cannot be read, must not be written, or cannot be helped. */
export async function planCardChange(request: ChangeRequest, signal?: AbortSignal): Promise<ChangePlan> {
  const seen = await sight(request)
  const target = await openTarget(request.path, request.base)
  const context: ChangeContext = { seconds: Math.floor(Date.now() / 1000), options: request.options }
  try {
    const source = sourceOf(target)
    const scratchFolder = await scratchPlace(request.undo)
    const task: ChangeTask = { do: 'plan', source, job: request.job, context, scratchFolder }
    const message = await inThread(task, source.path, { signal })
    if (!('planned' in message)) throw changeDied(source.path, 'no plan came of it')
    const { digest, ...plan }: ThreadPlan = message.planned
    const label = target.drive?.name ?? basename(source.path)
    return {
      ...plan,
      request,
      target: { kind: source.kind, path: source.path, label, sizeBytes: source.device.sizeBytes ?? 0 },
      unmounts: mountsOf(target.drive),
      undoPath: request.undo === null ? defaultUndoPath(request.job, label, context.seconds) : resolve(request.undo),
      agreed: { digest, context, drive: target.drive, sighting: seen },
    }
  } finally {
    await target.close()
  }
}

/** What on a card can be made larger, and how far. Only reads. */
export async function growingOnCard(path: string, base: string | null, signal?: AbortSignal): Promise<Growing[]> {
  const target = await openTarget(path, base)
  try {
    const source = sourceOf(target)
    const message = await inThread({ do: 'growing', source }, source.path, { signal })
    if (!('growing' in message)) throw changeDied(source.path, 'no answer came of it')
    return message.growing
  } finally {
    await target.close()
  }
}

/** What keeps a drive from being written is said before anybody agrees to anything. */
async function sight({ path, allowVirtual }: ChangeRequest): Promise<Sighting | null> {
  const facts = await stat(path).catch(() => null)
  // What is not there is told by whoever opens it; on Windows drives are no files.
  if (facts?.isFile() || facts?.isDirectory() || (!facts && process.platform !== 'win32')) return null
  const { drive, sighting } = await sightDrive(path)
  const refusals = drive.refusals.filter(({ code }) => !(code === 'virtual' && allowVirtual))
  if (refusals.length > 0) throw driveRefused(drive.identity.path, drive.name, refusals)
  return sighting
}

function sourceOf({ source }: InspectTarget): ChangeSource {
  if (source.kind === 'folder') throw changeOfFolder(source.path)
  return source
}

function mountsOf(drive: Drive | null): string[] {
  return drive ? [...new Set([...drive.whole.mounts, ...drive.partitions.flatMap(({ mounts }) => mounts)])] : []
}

/** Carries out a plan that was agreed to, on the card that it was made for, and looks at the card again. */
export async function applyCardChange(plan: ChangePlan, progress?: Progress): Promise<AppliedChange> {
  const { request, target, agreed, undoPath } = plan
  await prepareUndoPlace(plan)
  const base = request.base === null ? null : await openTarget(request.base, null)
  const device = await openForChange(plan)
  try {
    if (device.sizeBytes !== target.sizeBytes) throw changedSincePlan(target.path)
    const source: ChangeSource = {
      kind: target.kind,
      path: target.path,
      device: specOf(device),
      base: base && base.source.kind !== 'folder' ? base.source.device : null,
    }
    const head: UndoHead = {
      format: 1,
      title: `${titles[request.job]} ${target.label}`,
      job: request.job,
      createdAt: agreed.context.seconds * 1000,
      card: {
        path: target.path,
        serial: agreed.drive?.identity.serial ?? null,
        sizeBytes: target.sizeBytes,
        sectorSize: device.sectorSize,
      },
    }
    const task: ChangeTask = {
      do: 'apply',
      source,
      job: request.job,
      context: agreed.context,
      scratchFolder: dirname(undoPath),
      digest: agreed.digest,
      undoPath,
      head,
    }
    const message = await inThread(task, target.path, { progress }).catch((thrown) => {
      const isOther = thrown instanceof LivecardError && thrown.code === 'card-changed'
      throw isOther && plan.unmounts.length > 0 ? unmountedSincePlan(target.path, plan.unmounts) : thrown
    })
    if (!('applied' in message)) throw changeDied(target.path, 'no answer came of it')
    return message.applied
  } finally {
    await device.close()
    await base?.close()
  }
}

function openForChange({ request, target, agreed }: ChangePlan): Promise<StreamDevice> {
  if (!agreed.drive) return openCardFile(target.path, { write: true })
  return openForWriting(agreed.drive.identity, {
    allowVirtual: request.allowVirtual,
    ...(agreed.sighting && { sighting: agreed.sighting }),
  })
}

function specOf(device: StreamDevice): FileSpec {
  const { fd, sizeBytes, sectorSize, direct, label } = device
  if (fd === undefined) throw new TypeError('what was opened for writing has a descriptor')
  return { kind: 'file', fd, writable: true, sizeBytes, sectorSize, direct, label }
}

function defaultUndoPath(job: ChangeJobName, label: string, seconds: number): string {
  const when = new Date(seconds * 1000).toISOString().slice(0, 19).replace('T', '-').replaceAll(':', '')
  const name = label
    .replaceAll(/[^\p{L}\p{N}]+/gu, '-')
    .replaceAll(/^-|-$/g, '')
    .slice(0, 40)
  return join(undoFolder(), `${when}-${job}-${name}.undo`)
}

/** Where undo files lie unless the user says otherwise. */
export function undoFolder(): string {
  return join(defaultStateFolder(), 'undo')
}

/** Beside the undo file, where there must be room anyway; undefined where there is no such folder yet. */
async function scratchPlace(undo: string | null): Promise<string | undefined> {
  const folder = undo === null ? undoFolder() : dirname(resolve(undo))
  if (undo === null) await mkdir(folder, { recursive: true, mode: 0o700 }).catch(() => {})
  const place = await stat(folder).catch(() => null)
  return place?.isDirectory() ? folder : undefined
}

async function prepareUndoPlace({ undoPath, unmounts }: ChangePlan): Promise<void> {
  const folder = dirname(undoPath)
  if (folder === undoFolder()) await mkdir(folder, { recursive: true, mode: 0o700 })
  const place = await stat(folder).catch(() => null)
  const mounts = await Promise.all(unmounts.map((mount) => stat(mount).catch(() => null)))
  if (place && mounts.some((mount) => mount?.dev === place.dev)) throw undoOnCard(undoPath)
}

export interface UndoPlan {
  head: UndoHead
  path: string
  target: string
  /** The card was never touched by the job, or was taken back already. */
  state: 'nothing' | 'already' | 'ready'
  keptBytes: number
  allowVirtual: boolean
  drive: Drive | null
}

/** What an undo file would take back, and from which card: the named one, or the one at the path that it remembers. */
export async function planUndo(undoFile: string, target: string | null, allowVirtual: boolean): Promise<UndoPlan> {
  const path = resolve(undoFile)
  const undo = openUndoFile(path)
  undo.close()
  const { head, keptBytes } = undo
  const card = target ?? head.card.path
  const state = !undo.sealed ? 'nothing' : undo.undoEnded ? 'already' : 'ready'
  const plan = { head, path, target: card, state, keptBytes, allowVirtual, drive: null } satisfies UndoPlan
  if (state !== 'ready') return plan
  const facts = await stat(card).catch(() => null)
  if (facts?.isFile()) return { ...plan, target: resolve(card) }
  if (!facts && process.platform !== 'win32') throw targetNotFound(card)
  const drive = await findDrive(card)
  const refusals = drive.refusals.filter(({ code }) => !(code === 'virtual' && allowVirtual))
  if (refusals.length > 0) throw driveRefused(drive.identity.path, drive.name, refusals)
  if (drive.identity.serial !== head.card.serial) throw undoOtherSerial(head, drive.identity.serial)
  return { ...plan, target: drive.identity.path, drive }
}

export async function takeBackChange(plan: UndoPlan, progress?: Progress): Promise<TakenBackChange> {
  if (plan.state !== 'ready') return { state: plan.state, writtenBytes: 0 }
  const device = plan.drive
    ? await openForWriting(plan.drive.identity, { allowVirtual: plan.allowVirtual })
    : await openCardFile(plan.target, { write: true })
  try {
    const task: ChangeTask = { do: 'take-back', device: specOf(device), path: plan.target, undoPath: plan.path }
    const message = await inThread(task, plan.target, { progress })
    if (!('takenBack' in message)) throw changeDied(plan.target, 'no answer came of it')
    return message.takenBack
  } finally {
    await device.close()
  }
}

interface Following {
  progress?: Progress | undefined
  /** Heeded while planning only: a change that was begun is brought to its end. */
  signal?: AbortSignal | undefined
}

async function inThread(task: ChangeTask, path: string, { progress, signal }: Following): Promise<ChangeMessage> {
  signal?.throwIfAborted()
  const worker = startWorker('change-worker', task, heapLimitMiB)
  const ended = Promise.withResolvers<ChangeMessage>()
  const stop = () => ended.reject(signal?.reason)
  signal?.addEventListener('abort', stop, { once: true })
  worker.on('message', (message: ChangeMessage) => {
    if ('progress' in message) progress?.(message.progress.doneBytes, message.progress.totalBytes)
    else if ('failed' in message) ended.reject(fromValue(message.failed))
    else ended.resolve(message)
  })
  worker.on('error', (thrown) => ended.reject(changeDied(path, thrown)))
  worker.on('exit', (code) => ended.reject(changeDied(path, `its thread ended with ${code}`)))
  try {
    return await ended.promise
  } finally {
    signal?.removeEventListener('abort', stop)
    await worker.terminate()
  }
}
