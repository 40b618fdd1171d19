import type { ErrorValue } from '../contract.ts'
import type { ArchiveLook } from '../contract-archive.ts'
import type { BackupEntry } from '../contract-backup.ts'

/** What the thread that looks into an archive begins with; it answers with `look`, and to each folder that it is sent with `folder`. */
export interface ArchiveTask {
  file: string
}

export type ArchiveFacts = Pick<ArchiveLook, 'saved' | 'roots'>

export type ArchiveMessage =
  | { look: ArchiveFacts }
  | { folder: { entries: BackupEntry[]; truncated: boolean } }
  | { failed: ErrorValue }
