import type { ErrorValue } from '../contract.ts'
import type { BackupChoice, BackupEntry, BackupEstimate, BackupPart, BackupResult } from '../contract-backup.ts'
import type { InspectSource } from './inspect-target.ts'

/** What the thread that looks at a card and saves it begins with. */
export interface BackupTask {
  source: InspectSource
  /** Becomes 1 where what runs shall end. */
  stop: SharedArrayBuffer
}

export type WholeChoice = Required<BackupChoice>

/** What is asked of it then, one after the other. */
export type BackupAsk =
  | { do: 'look' }
  | { do: 'folder'; folder: string }
  | { do: 'estimate'; choice: WholeChoice }
  | { do: 'list'; choice: WholeChoice }
  | { do: 'write'; choice: WholeChoice; path: string; madeAt: number }

export interface LookFacts {
  system: { id: string; name: string }
  parts: BackupPart[]
  hasKernel: boolean
}

export interface ListedFile {
  path: string
  kind: BackupEntry['kind']
  sizeBytes: number
}

export type BackupAnswer =
  | { look: LookFacts }
  | { folder: { entries: BackupEntry[]; truncated: boolean } }
  | { estimate: BackupEstimate }
  | { list: ListedFile[] }
  | { written: BackupResult }

export interface BackupProgress {
  doneBytes: number
  totalBytes: number
  doneFiles: number
  totalFiles: number
}

export type BackupMessage = { answer: BackupAnswer } | { progress: BackupProgress } | { failed: ErrorValue }
