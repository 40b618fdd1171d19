/** How changes are called in a heading and in the left part, and which screen a card has. */
import type { BackupJob, Change } from '../../../native-helpers/contract.ts'
import type { MarkKind } from '../../components/mark.tsx'
import { format, t } from '../../i18n/index.ts'
import { backupFraction, runningBackups } from '../../state/backup.ts'
import type { SeenCard } from '../../state/cards.ts'
import { changeFraction } from '../../state/changes.ts'
import { isDevice, useDrives } from '../../state/drives.ts'
import { fileName } from '../../state/image.ts'
import type { Route } from '../../state/route.ts'

/** How a change is called while it runs and after it. */
export function wordsOf(job: Change['job']) {
  return job === 'undo' ? t.change.undo : t.change.jobs[job]
}

export function runningHeading({ job, label }: Pick<Change, 'job' | 'label'>): string {
  return wordsOf(job).running(label)
}

export function runningChangeWord(change: Change, connected: boolean): string {
  if (!connected) return t.states.notKnown
  const fraction = changeFraction(change)
  const percent = fraction === null ? null : format.percent(fraction)
  const { doing } = wordsOf(change.job)
  return percent === null ? `${doing}…` : `${doing} · ${percent}`
}

/** A card's line in the left part while it is changed, and after that failed until the card is looked at anew; else null. */
export function changeLine(
  change: Change | null,
  seen: SeenCard | null,
  connected: boolean,
): { word: string; mark: MarkKind; to: Route; isRunning: boolean } | null {
  if (change === null) return null
  const to: Route = { screen: 'change', id: change.id }
  if (change.state === 'running')
    return { word: runningChangeWord(change, connected), mark: connected ? 'busy' : 'warn', to, isRunning: true }
  const wasSeenSince = seen !== null && seen.report !== null && seen.seenAt >= (change.endedAt ?? 0)
  if (change.state !== 'failed' || wasSeenSince || seen?.state === 'looking') return null
  return { word: wordsOf(change.job).failed, mark: 'bad', to, isRunning: false }
}

/** A card's line while it is saved; else null. */
export function backupLine(
  jobs: Record<string, BackupJob>,
  path: string,
  connected: boolean,
): { word: string; mark: MarkKind; to: Route } | null {
  const job = runningBackups(jobs).find((one) => one.path === path)
  if (!job) return null
  return { word: backupWord(job, connected), mark: connected ? 'busy' : 'warn', to: { screen: 'backup-job', id: job.id } }
}

export function backupWord(job: BackupJob, connected: boolean): string {
  const fraction = backupFraction(job)
  return connected ? t.backup.savingWord(fraction === null ? null : format.percent(fraction)) : t.states.notKnown
}

/** A drive's by what it says of itself, a file's by its path. */
export function useCardName(path: string): string {
  return useDrives(({ drives }) => drives.find((drive) => drive.identity.path === path)?.name) ?? fileName(path)
}

export function cardRoute(path: string): Route {
  const isDrive = isDevice(path) || useDrives.getState().drives.some((drive) => drive.identity.path === path)
  return { screen: isDrive ? 'drive' : 'card', path }
}
