import type { FileSpec } from '../block/spec.ts'
import type { UndoHead } from '../block/undo-file.ts'
import type { ErrorValue } from '../contract.ts'
import type { ChangeJobName, Growing } from '../contract-change.ts'
import type { Report } from '../contract-report.ts'
import type { ChangeContext, ChangeWords } from '../systems/change.ts'

/** What the thread that changes cards gets. */
export type ChangeTask =
  | { do: 'growing'; source: ChangeSource }
  | { do: 'plan'; source: ChangeSource; job: ChangeJobName; context: ChangeContext; scratchFolder: string | undefined }
  | {
      do: 'apply'
      source: ChangeSource
      job: ChangeJobName
      context: ChangeContext
      /** For what is tried out and does not fit into memory; the system's folder for such things without. */
      scratchFolder: string | undefined
      /** Of the plan that was agreed to. */
      digest: string
      undoPath: string
      head: UndoHead
    }
  | { do: 'take-back'; device: FileSpec; path: string; undoPath: string }

export interface ChangeSource {
  kind: 'drive' | 'file'
  path: string
  device: FileSpec
  base: FileSpec | null
}

export interface ThreadPlan extends ChangeWords {
  writeBytes: number
  digest: string
}

export interface AppliedChange {
  writtenBytes: number
  /** Of the card as it is afterwards. */
  report: Report
}

export interface TakenBackChange {
  state: 'nothing' | 'already' | 'done'
  writtenBytes: number
}

export type ChangeMessage =
  | { growing: Growing[] }
  | { planned: ThreadPlan }
  | { progress: { doneBytes: number; totalBytes: number } }
  | { applied: AppliedChange }
  | { takenBack: TakenBackChange }
  | { failed: ErrorValue }
