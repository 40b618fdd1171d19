import { parentPort, workerData } from 'node:worker_threads'
import * as zlib from 'node:zlib'
import { openFileDevice } from '../block/file-device.ts'
import { LivecardError, toErrorValue } from '../errors.ts'
import type { Backup, Backups } from '../systems/backup.ts'
import { type OpenedCard, openCard } from '../systems/card.ts'
import { firstDetection } from '../systems/first-detection.ts'
import type { Detection } from '../systems/system.ts'
import { type Chosen, chosenOf } from './backup/choice.ts'
import {
  backupStopped,
  badArchiveName,
  noKernel,
  nothingToSave,
  partUnreadable,
  unknownPart,
  zstdMissing,
} from './backup/errors.ts'
import { type BackupItem, entriesIn, itemsOf, kindOf, type PartItems } from './backup/items.ts'
import { kernelItems } from './backup/kernel-items.ts'
import { type EarlierBackup, readEarlier } from './backup/since.ts'
import { packingOf } from './backup/stored.ts'
import { totalsOf, writeArchive } from './backup/write.ts'
import type { BackupAnswer, BackupAsk, BackupMessage, BackupTask, WholeChoice } from './backup-task.ts'

const port = parentPort
const { source, stop } = workerData as BackupTask
const stopFlag = new Int32Array(stop)
/** Not more often than people can see. */
const progressMs = 100
const mostEntries = 5000
const leftTold = 100

interface Look {
  card: OpenedCard
  detection: Detection
  backups: Backups
}

let opened: Promise<Look> | null = null
const listed = new Map<string, PartItems>()

function look(): Promise<Look> {
  opened ??= openLook()
  return opened
}

async function openLook(): Promise<Look> {
  const card = await openCard(
    source.kind === 'folder'
      ? source
      : { ...source, device: openFileDevice(source.device), base: source.base && openFileDevice(source.base) },
  )
  const detection = await firstDetection(card)
  const backups = await detection?.backups?.()
  if (!detection || !backups || backups.parts.length === 0) throw nothingToSave(detection?.name ?? null)
  return { card, detection, backups }
}

async function answer(ask: BackupAsk): Promise<BackupAnswer> {
  const { card, detection, backups } = await look()
  switch (ask.do) {
    case 'look':
      return {
        look: {
          system: { id: detection.id, name: detection.name },
          parts: backups.parts.map(({ what, title, note, form, isDefault, problem }) => ({
            ...{ what, title, note, isDefault: isDefault && problem === null },
            canChoose: form !== 'store' && form !== 'container',
            problem: problem === null ? null : `${problem.charAt(0).toUpperCase()}${problem.slice(1)}.`,
          })),
          hasKernel: backups.kernel !== null,
        },
      }
    case 'folder': {
      const [what = ''] = ask.folder.split('/')
      const entries = entriesIn(partItems(partOf(backups, what)), ask.folder)
      return { folder: { entries: entries.slice(0, mostEntries), truncated: entries.length > mostEntries } }
    }
    case 'estimate': {
      const { chosen } = choose(backups, ask.choice)
      const left = chosen.gaps.slice(0, leftTold).map(({ path, why }) => ({ path, why }))
      return { estimate: { ...totalsOf(chosen, besideOf(backups, ask.choice)), removed: chosen.removed.length, left } }
    }
    case 'list': {
      const { chosen } = choose(backups, ask.choice)
      const items = [...chosen.parts.map((part) => part.items), besideOf(backups, ask.choice)]
        .flat()
        .filter(({ unchanged }) => unchanged === null)
      return { list: items.map((item) => ({ path: item.path, kind: kindOf(item), sizeBytes: item.sizeBytes })) }
    }
    case 'write': {
      const packing = packingOf(ask.path)
      if (packing === null) throw badArchiveName(ask.path)
      if (packing === 'zstd' && !('zstdCompress' in zlib)) throw zstdMissing()
      const { chosen, since } = choose(backups, ask.choice)
      const kernel = ask.choice.withKernel ? backups.kernel : null
      const { path, madeAt } = ask
      const written = await writeArchive({
        ...{ card, detection, chosen, only: ask.choice.only, kernel, since, path, packing, madeAt },
        tick: teller(),
      })
      return { written }
    }
  }
}

function besideOf({ kernel }: Backups, { withKernel }: WholeChoice): BackupItem[] {
  return withKernel && kernel ? kernelItems(kernel, 0) : []
}

function choose(backups: Backups, choice: WholeChoice): { chosen: Chosen; since: EarlierBackup | null } {
  if (choice.withKernel && !backups.kernel) throw noKernel()
  const since = choice.since === null ? null : readEarlier(choice.since)
  const parts = chosenParts(backups, choice.what)
  for (const { what, problem } of parts) if (problem !== null) throw partUnreadable(what, problem)
  return { chosen: chosenOf(parts.map(partItems), choice.only, since?.manifest ?? null), since }
}

function chosenParts(backups: Backups, what: readonly string[]): Backup[] {
  if (what.length > 0) return [...new Set(what)].map((one) => partOf(backups, one))
  const usual = backups.parts.filter(({ isDefault, problem }) => isDefault && problem === null)
  // Where nothing of the usual can be saved, its problem is told.
  return usual.length > 0 ? usual : backups.parts.slice(0, 1)
}

function partOf({ parts }: Backups, what: string): Backup {
  const part = parts.find((one) => one.what === what)
  if (!part)
    throw unknownPart(
      what,
      parts.map((one) => one.what),
    )
  return part
}

/** Walked through once. */
function partItems(part: Backup): PartItems {
  const known = listed.get(part.what)
  if (known) return known
  const items = itemsOf(part, heedStop)
  listed.set(part.what, items)
  return items
}

function heedStop(): void {
  if (Atomics.load(stopFlag, 0) !== 0) throw backupStopped()
}

function teller(): Parameters<typeof writeArchive>[0]['tick'] {
  let toldAt = 0
  return ({ doneBytes, doneFiles }, { bytes, files }) => {
    heedStop()
    const now = performance.now()
    if (now - toldAt < progressMs) return
    toldAt = now
    // What tells an image from others is read besides.
    tell({ progress: { doneBytes: Math.min(doneBytes, bytes), totalBytes: bytes, doneFiles, totalFiles: files } })
  }
}

function tell(message: BackupMessage): void {
  port?.postMessage(message)
}

let turn: Promise<void> = Promise.resolve()
port?.on('message', (ask: BackupAsk) => {
  turn = turn.then(async () => {
    try {
      tell({ answer: await answer(ask) })
    } catch (thrown) {
      tell({ failed: toErrorValue(thrown instanceof LivecardError ? thrown : outOfRange(thrown)) })
    }
  })
})

/** A parser that is led out of its volume by a damaged card says so with a RangeError. */
function outOfRange(thrown: unknown): unknown {
  return thrown instanceof RangeError ? partUnreadable('it', thrown.message) : thrown
}
