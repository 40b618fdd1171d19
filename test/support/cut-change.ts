import { copyFileSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { applyJournalled } from '../../native-helpers/block/journalled.ts'
import { takeBack } from '../../native-helpers/block/take-back.ts'
import { createUndoFile, openUndoFile } from '../../native-helpers/block/undo-file.ts'
import type { PlannedChange } from '../../native-helpers/systems/plan-change.ts'
import { type CutState, type RecordingCard, recordingCard } from './power-cut.ts'

export interface AppliedChange {
  /** The card with the change, and how it was written. */
  card: RecordingCard
  /** What the undo file gives back on a card as a power cut left it, with as much of that file as there was then. */
  takenBack(state: CutState): Uint8Array
}

/** Carries a change out on a copy of a card, as a job does, with its undo file in `folder`. */
export function applied(before: Uint8Array, { draft, groups }: PlannedChange, folder: string): AppliedChange {
  const [whole, cut] = [join(folder, 'whole'), join(folder, 'cut')]
  const card = recordingCard(before, () => statSync(whole).size)
  const head = {
    ...{ format: 1 as const, title: 'Try', job: 'change', createdAt: 0 },
    card: { path: 'card', serial: null, sizeBytes: card.size, sectorSize: 512 },
  }
  applyJournalled({ card, view: draft.view, groups, witnesses: draft.witnesses }, createUndoFile(whole, head))
  return {
    card,
    takenBack(state) {
      copyFileSync(whole, cut)
      truncateSync(cut, state.note === 0 ? (card.events[0]?.note ?? 0) : state.note)
      const back = recordingCard(state.card)
      const undo = openUndoFile(cut)
      takeBack(back, undo)
      undo.close()
      return back.bytes
    },
  }
}
