import { fsyncSync, ftruncateSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import type { BlockDevice } from '../block/device.ts'
import { openFileDevice } from '../block/file-device.ts'
import { applyJournalled } from '../block/journalled.ts'
import type { FileSpec } from '../block/spec.ts'
import { takeBack } from '../block/take-back.ts'
import { createUndoFile, openUndoFile } from '../block/undo-file.ts'
import { toErrorValue } from '../errors.ts'
import { type OpenedCard, openCard } from '../systems/card.ts'
import { growingOn } from '../systems/growing.ts'
import { planChange } from '../systems/plan-change.ts'
import { readCard } from '../systems/read-card.ts'
import { changedSincePlan } from './change-errors.ts'
import type { ChangeMessage, ChangeSource, ChangeTask } from './change-task.ts'

const port = parentPort

/** Not more often than people can see. */
const progressMs = 100

async function work(task: ChangeTask): Promise<ChangeMessage> {
  switch (task.do) {
    case 'growing':
      return { growing: await growingOn(await opened(task.source, openFileDevice(task.source.device))) }
    case 'plan': {
      const { draft, writeBytes, digest } = await planned(task.source, openFileDevice(task.source.device), task)
      try {
        const { steps, keeps, loses } = draft
        const notes = [...draft.notes, ...(task.job === 'repair' ? await leftOver(task.source, draft.view) : [])]
        return { planned: { steps, keeps, loses, notes, writeBytes, digest } }
      } finally {
        draft.close()
      }
    }
    case 'apply':
      return { applied: await apply(task) }
    case 'take-back': {
      const undo = openUndoFile(task.undoPath)
      try {
        const shrink = (sizeBytes: number) => {
          if (task.device.fd !== undefined) ftruncateSync(task.device.fd, sizeBytes)
        }
        return { takenBack: takeBack(openFileDevice(task.device), undo, { shrink, progress: teller() }) }
      } finally {
        undo.close()
      }
    }
  }
}

async function planned(source: ChangeSource, device: BlockDevice, task: Extract<ChangeTask, { job: unknown }>) {
  const { job, context, scratchFolder, do: purpose } = task
  return planChange(await opened(source, device), job, context, { purpose, scratchFolder })
}

function opened(source: ChangeSource, device: BlockDevice): Promise<OpenedCard> {
  return openCard({ ...source, device: readOnly(device), base: source.base && openFileDevice(source.base) })
}

/** What a repair is asked for and does not mend, by a look at the card as it would be. */
async function leftOver(source: ChangeSource, view: BlockDevice): Promise<string[]> {
  const { findings } = await reportOn(source, view)
  return findings.filter(({ remedy }) => remedy === 'repair').map(({ title, detail }) => `Not mended by this: ${title} ${detail}`)
}

/** Made up again from the card as it is now, which must come to the same; then written. */
async function apply(task: Extract<ChangeTask, { do: 'apply' }>) {
  const device = openFileDevice(task.source.device)
  const { draft, groups, digest } = await planned(task.source, device, task)
  try {
    if (digest !== task.digest) throw changedSincePlan(task.source.path)
    const undo = createUndoFile(task.undoPath, task.head)
    let grown = device
    const grow = () => {
      grown = grownFile(task.source.device, draft.grownTo ?? device.size)
      return grown
    }
    const { writtenBytes } = applyJournalled(
      {
        card: device,
        view: draft.view,
        groups,
        witnesses: draft.witnesses,
        progress: teller(),
        ...(draft.grownTo !== null && { grow }),
      },
      undo,
    )
    return { writtenBytes, report: await reportOn(task.source, grown) }
  } finally {
    draft.close()
  }
}

function grownFile(spec: FileSpec, sizeBytes: number) {
  if (spec.fd === undefined) throw new TypeError('a file that grows is open')
  ftruncateSync(spec.fd, sizeBytes)
  fsyncSync(spec.fd)
  return openFileDevice({ ...spec, sizeBytes })
}

async function reportOn(source: ChangeSource, device: BlockDevice) {
  const card = await opened(source, device)
  try {
    return await readCard(card)
  } finally {
    card.close()
  }
}

function readOnly({ size, sectorSize, readSync }: BlockDevice): BlockDevice {
  return { size, sectorSize, readSync }
}

function teller(): (doneBytes: number, totalBytes: number) => void {
  let toldAt = 0
  return (doneBytes, totalBytes) => {
    const now = performance.now()
    if (now - toldAt < progressMs && doneBytes < totalBytes) return
    toldAt = now
    port?.postMessage({ progress: { doneBytes, totalBytes } } satisfies ChangeMessage)
  }
}

if (port !== null) {
  work(workerData as ChangeTask)
    .catch((thrown): ChangeMessage => ({ failed: toErrorValue(thrown) }))
    .then((message) => port.postMessage(message))
}
