import type { BlockDevice } from '../../block/device.ts'
import type { ArchiveMember } from '../archive/contents.ts'
import type { ArchivePart, PartForm } from '../archive/manifest.ts'
import type { ChangeDraft } from '../change.ts'
import type { TreeSize } from './room.ts'

/** A part of a card that something can be put back into: a folder of an ext volume, or a file as a whole. */
export interface RestoreSpot {
  /** As in the archive, and as `--what` names it: "rw". */
  what: string
  /** For people, within a sentence: "your changes (the folder "rw" of partition 4)". */
  title: string
  /** What of an archive goes there. */
  forms: readonly PartForm[]
  /** A path in the volume; "" for all of it. */
  folder: string
  /** Folders of the volume that are made anew, empty: what overlayfs keeps there belongs to the files that go. */
  cleared: readonly string[]
  /** Names in the folder that stay where the archive has none of them. */
  kept: readonly string[]
  /** A device 0:0 is no file there, but takes away what stands in its place. */
  appliesMarks: boolean
  /** Why nothing can be put there, a clause; null where something can. */
  problem: string | null
  /** Another spot in the same place: one of the two alone can be put back. */
  insteadOf?: string
  /** `merges`: what is there stays, but for what is put over it. Throws where the part does not fit. */
  open(draft: ChangeDraft, how: { seconds: number; merges: boolean; part: ArchivePart | null }): OpenedSpot | OpenedFile
}

/** An ext volume on the view of a draft, without waiting journal or known faults. */
export interface OpenedSpot {
  device: BlockDevice
  /** By which another use of it is noticed: a sum over what changes with every use. */
  state: string
  /** What is in the folder is no part of what was changed, and stays: the system that changes lie over. */
  isAsDelivered: boolean
  /** For a plan. Throws where that much does not fit, for reasons of its own; may tell in the draft what makes it fit. */
  checkRoom(need: TreeSize): void
  /** Before anything is written to the device. */
  begin(): void
  /** When all is written, and the device closed: brings it into groups. */
  end(): void
}

/** A file that becomes as a whole what the archive has. */
export interface OpenedFile {
  /** As of an `OpenedSpot`. */
  state: string
  /** Each member of the part, its path from the part's folder on. Throws for what does not belong there. */
  take(member: ArchiveMember): void
  /** When all members were taken: tells of it in the draft, and unless it is only planned brings it into groups. Answers how much is written. */
  end(): number
}
