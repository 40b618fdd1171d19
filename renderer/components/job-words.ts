/** How a job and its drives are called in a heading, a list and the left part. */
import type { Drive, Job } from '../../native-helpers/contract.ts'
import { format, t } from '../i18n/index.ts'
import { cardLine } from '../screens/card/card-words.ts'
import type { SeenCard } from '../state/cards.ts'
import { isOneVolume, labelsOf } from '../state/drives.ts'
import { imageTitle } from '../state/image.ts'
import type { MarkKind } from './mark.tsx'

export function whereOf(labels: readonly string[]): string {
  return labels.length === 1 ? (labels[0] ?? '') : t.job.manyDrives(labels.length)
}

export function jobWhere(job: Pick<Job, 'targets'>): string {
  return whereOf(job.targets.map((target) => target.label))
}

export function jobHeading(job: Pick<Job, 'kind' | 'imageName' | 'targets'>): string {
  const image = imageTitle(job.imageName)
  return job.kind === 'flash' ? t.job.writing(image, jobWhere(job)) : t.job.comparing(image, jobWhere(job))
}

export function runningWord(job: Job, connected: boolean): string {
  if (!connected) return t.states.notKnown
  const { fraction } = job.progress
  const percent = fraction === null ? t.states.working : format.percent(fraction)
  return job.kind === 'flash' ? t.states.writing(percent) : t.states.comparing(percent)
}

export function wasVerified(job: Job): boolean {
  return job.checks.some((check) => check.id.startsWith('read-back') && check.state === 'ok')
}

/** A drive's second line and shape in the left part: what a job did to it, else what was seen in it, else what the drive list says is on it. */
export function driveState(
  drive: Drive,
  job: Job | null,
  seen: SeenCard | null,
  refused: boolean,
  connected: boolean,
): { word: string; mark: MarkKind | null } {
  const target = job?.targets.find((one) => one.path === drive.identity.path)
  if (job && target) {
    if (job.state === 'running' && (target.state === 'running' || target.state === 'waiting'))
      return { word: runningWord(job, connected), mark: connected ? 'busy' : 'warn' }
    if (target.state === 'failed') return { word: t.states.failed, mark: 'bad' }
    if (target.state === 'cancelled') return { word: t.states.stopped, mark: 'warn' }
    if (target.state === 'done' && job.kind === 'verify') return { word: t.states.same, mark: 'good' }
    if (target.state === 'done') {
      return wasVerified(job) ? { word: t.states.written, mark: 'good' } : { word: t.states.writtenUnchecked, mark: 'good' }
    }
  }
  if (seen?.state === 'looking') return { word: t.card.looking, mark: 'busy' }
  if (seen?.report) return cardLine(seen.report)
  const onIt = contentWords(drive)
  return refused ? { word: `${t.frame.notOffered} · ${onIt}`, mark: 'locked' } : { word: onIt, mark: null }
}

export function contentWords(drive: Drive): string {
  const labels = labelsOf(drive)
  if (labels.length > 0) return labels.join(' · ')
  const unnamed = drive.partitions.length || (isOneVolume(drive) ? 1 : 0)
  return unnamed > 0 ? t.states.unnamed(unnamed) : t.states.empty
}
