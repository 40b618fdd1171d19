import type { Backups } from '../backup.ts'
import { wholeVolume } from '../backup-volume.ts'
import { type AbLayout, dataIsEncrypted } from './layout.ts'

/** The partition that outlives updates. In the encrypted maps only the board itself can open it, and a copy of it is good for the same card alone. */
export function backupsOfAb(layout: AbLayout): Backups {
  const { persistent, encrypted } = layout
  if (persistent) {
    const note = 'Home, settings and logs, and the /var of both slots.'
    return {
      parts: [wholeVolume(persistent, { what: 'data', title: 'Your files and settings', note, isDefault: true })],
      kernel: null,
    }
  }
  if (!encrypted || !dataIsEncrypted(layout)) return { parts: [], kernel: null }
  const note = 'Only the board that the card belongs to can open it, and only on this card: it is saved as it is.'
  return {
    parts: [wholeVolume(encrypted.volume, { what: 'data', title: 'The encrypted partition', note, isDefault: true })],
    kernel: null,
  }
}
