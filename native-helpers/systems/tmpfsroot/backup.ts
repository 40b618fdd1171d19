import type { Backup, Backups } from '../backup.ts'
import { wholeVolume } from '../backup-volume.ts'
import { only, type TmpfsLayout } from './layout.ts'

/** What is kept of a running system: the rest of it lives in memory. The btrfs volumes for containers and caches are not read here. */
export function backupsOfTmpfsroot({ persist, log }: TmpfsLayout): Backups {
  const parts: Backup[] = []
  const settings = only(persist)
  const note = 'Host keys and what was set up at the first start.'
  if (settings) parts.push(wholeVolume(settings, { what: 'settings', title: 'Kept settings', note, isDefault: true }))
  const kept = only(log)
  if (kept) parts.push(wholeVolume(kept, { what: 'log', title: 'Log', note: null, isDefault: false }))
  return { parts, kernel: null }
}
