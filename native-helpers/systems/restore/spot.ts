import type { BlockDevice } from '../../block/device.ts'
import type { Extent } from '../../block/extents.ts'
import type { PartForm } from '../archive/manifest.ts'

/** A part of a card that files can be put back into: a folder of an ext volume. */
export interface RestoreSpot {
  /** As in the archive, and as `--what` names it: "rw". */
  what: string
  /** For people, within a sentence: "the changes (rw on partition 4)". */
  title: string
  /** What of an archive goes there. */
  forms: readonly PartForm[]
  /** Where the volume lies on the card. */
  extents: readonly Extent[]
  /** A path in the volume; "" for all of it. */
  folder: string
  /** Folders of the volume that are made anew, empty: what overlayfs keeps there belongs to the files that go. */
  cleared: readonly string[]
  /** Names in the folder that stay where the archive has none of them. */
  kept: readonly string[]
  /** Why nothing can be put there, a clause; null where something can. */
  problem: string | null
}

/** An ext volume on the view of a draft, and what is to be done when it is filled. */
export interface OpenedSpot {
  device: BlockDevice
  finish(): void
}
