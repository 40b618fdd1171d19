import type { BlockDevice } from '../block/device.ts'
import type { Growing } from '../contract-change.ts'
import type { Finding, ReportKernel, ReportOverlay, ReportRoom, ReportSlot, SystemId } from '../contract-report.ts'
import type { Identity } from '../volumes/identity.ts'
import type { Parsed, Problem } from '../volumes/problem.ts'
import type { VolumeTree } from '../volumes/tree.ts'
import type { Usage } from '../volumes/usage.ts'
import type { Backups } from './backup.ts'
import type { ChangeContext, ChangeDraft } from './change.ts'

/** A partition, or the whole target as number 0. */
export interface CardVolume {
  readonly number: number
  readonly startBytes: number
  /** As the table says. */
  readonly sizeBytes: number
  /** Shorter than that where the card ends before, as in an image that was cut off. */
  readonly device: BlockDevice
  /** GPT: the type GUID in capitals; MBR: two hexadecimal digits in capitals; null for number 0. */
  readonly type: string | null
  readonly partlabel: string | null
  readonly partuuid: string | null
  /** GPT attribute bits. */
  readonly attributes: bigint | null
  /** MBR boot flag. */
  readonly active: boolean | null
  readonly identity: Identity | null
  /** Why it has no identity, where something stood in the way; an extended partition has none either. */
  readonly problem: Problem | null
  /** By its own counters, read when it is first asked for. */
  readonly usage: Usage | null
  /** The tree of its files, opened once; a problem where it has none that can be read here. */
  tree(): Promise<Parsed<VolumeTree>>
}

/** What the families look at: a target that was opened for reading, with its table parsed and its volumes named. */
export interface Card {
  readonly kind: 'drive' | 'image' | 'folder' | 'overlay'
  readonly path: string
  /** The whole target; null for a folder. */
  readonly device: BlockDevice | null
  readonly table: { type: 'gpt' | 'mbr' | 'none'; id: string | null; problems: Problem[]; unusedTail: number }
  /** As the table counts: 4096 for the image of a drive with such sectors. */
  readonly sectorSize: number
  /** In the order of their numbers; number 0 alone where there is no table. A hybrid ISO has number 0 too, beside its partitions. */
  readonly volumes: readonly CardVolume[]
  /** The files of a mounted folder. */
  readonly folder: VolumeTree | null
  /** How full the filesystem is that the folder lies in; null for everything else. */
  readonly folderUsage: Usage | null
  /** `--base`: the squashfs or ext image that belongs to an overlay given alone. */
  readonly base: BlockDevice | null
}

export interface Detection {
  id: SystemId
  /** For people: "Lampone Pi", "Fedora LiveOS stick". */
  name: string
  /** Which layout or age of it; null where there is one only. */
  generation: string | null
  /** What was seen, a clause each, the strongest first. */
  evidence: string[]
  /** Partition number → what the system uses it for, in the user's words. */
  roles: ReadonlyMap<number, string>
  describe(): Promise<Description>
  /** What of it can be saved as an archive; nothing is read of that yet. */
  backups?(): Promise<Backups>
  /** Mends what only this family knows of, in a draft where what holds for any card was mended already. */
  repair?(draft: ChangeDraft, context: ChangeContext): Promise<void>
  /** Where what grows is not simply the last partition. */
  enlarge?(draft: ChangeDraft, context: ChangeContext): Promise<void>
  /** What `enlarge` can make larger, and how far. Reads only. */
  growing?(draft: ChangeDraft): Promise<Growing[]>
  /** Back to the stock system, without what `keep` names. */
  reset?(draft: ChangeDraft, context: ChangeContext): Promise<void>
  /** Puts back what a backup holds. */
  restore?(draft: ChangeDraft, context: ChangeContext): Promise<void>
  /** Folds what was changed into the system's image, and leaves an empty overlay. */
  merge?(draft: ChangeDraft, context: ChangeContext): Promise<void>
  /** Changes the form in which changes are kept. */
  convert?(draft: ChangeDraft, context: ChangeContext): Promise<void>
  /** Settings, as the running system would have written them. */
  customise?(draft: ChangeDraft, context: ChangeContext): Promise<void>
}

export interface Description {
  kernels: ReportKernel[]
  overlays: ReportOverlay[]
  rooms: ReportRoom[]
  slots: ReportSlot[]
  findings: Finding[]
  facts: { label: string; value: string }[]
  /** What is told of any card (card-findings.ts) and is told better here: these are left out. */
  replaces?: readonly { id: string; partition: number | null }[]
}

/** One of the families. A new one is a folder beside this file, and a line in `index.ts`. */
export interface System {
  /** Null where the evidence is not enough; never by one label alone. */
  detect(card: Card): Promise<Detection | null>
}
