import type { CardJob } from '../contract-report.ts'
import type { Card, Detection } from './system.ts'

const hooks = ['restore', 'reset', 'merge', 'convert', 'customise'] as const

/** What can be done with a card, in the order in which a person asks for it. Whether it is needed, or there is room for it, is told when it is asked for. */
export function jobsOn({ device, table }: Pick<Card, 'device' | 'table'>, detection: Detection | null): CardJob[] {
  const jobs: CardJob[] = []
  if (device) jobs.push('repair')
  if (device && (detection?.enlarge || table.type !== 'none')) jobs.push('enlarge')
  if (detection?.backups) jobs.push('backup')
  if (device) jobs.push(...hooks.filter((job) => detection?.[job] !== undefined))
  return jobs
}
