/** What the buttons beside findings do, and why some cannot be pressed. */
import type { CardJob, Remedy, Report } from '../../../native-helpers/contract.ts'
import { t } from '../../i18n/index.ts'
import { useFlash } from '../../state/flash.ts'
import { firstRoute, go, type Route } from '../../state/route.ts'
import type { RemedyWay } from './findings.tsx'

/** `why`: what keeps the drive from being written, where something does. */
export function waysOfDrive(path: string, jobs: readonly CardJob[], isWritable: boolean, why: string): RemedyWay {
  return (remedy) => {
    if (!isWritable && remedy !== 'backup') return why
    if (remedy === 'flash') return () => go({ screen: 'flash', mode: 'write' })
    return wayOfJob(path, jobs, remedy)
  }
}

/** A card image can be written like a card; a folder is only a part of one, and an overlay file a part of a system. */
export function waysOfFile({ target, jobs }: Pick<Report, 'target' | 'jobs'>, path: string): RemedyWay {
  return (remedy) => {
    if (remedy === 'flash') return target.kind === 'image' ? () => writeInto(path) : t.card.whyNot.folder
    if (target.kind === 'folder' && remedy !== 'backup') return t.card.whyNot.onFolder
    return wayOfJob(path, jobs, remedy)
  }
}

function wayOfJob(path: string, jobs: readonly CardJob[], remedy: Exclude<Remedy, 'flash'>): (() => void) | string {
  if (remedy === 'switch' || remedy === 'modules') return t.card.whyNot[remedy]
  return jobs.includes(remedy) ? () => go(jobRoute(remedy, path)) : t.card.whyNot.onThis
}

/** The screen that a job on a card begins with. */
export function jobRoute(job: CardJob, path: string): Route {
  return job === 'backup' ? { screen: 'backup', path } : firstRoute(job, path)
}

export function writeInto(path: string): void {
  useFlash.getState().setCardFile({ wanted: true, path })
  go({ screen: 'flash', mode: 'write' })
}
