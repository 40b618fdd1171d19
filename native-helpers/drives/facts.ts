/** What is known of a drive before anybody judges it. Gathered per platform, judged by `rules.ts`, shown by `list.ts`. */

export interface VolumeFacts {
  path: string
  sizeBytes: number
  label: string | null
  fs: string | null
  /** Where this very volume is mounted, innermost last. */
  mounts: string[]
}

/** One way in which this computer uses a drive, or something that lies on it. */
export type Use =
  /** `through` names what lies between the drive and the mount: a volume of LVM, a loop device …; null: a volume of the drive itself. */
  | { kind: 'mount'; at: string; through: string | null }
  /** `at` is the swap partition or file. */
  | { kind: 'swap'; at: string }
  /** Something that keeps the drive or a volume of it open: LVM, RAID, encryption, a file of it in use as a disk. */
  | { kind: 'holder'; name: string; what: string }

export type DriveKind =
  | 'disk'
  /** Loop, zram, ram, nbd and the like: no drive that one can hold in a hand. */
  | 'virtual'
  /** Made of other drives: device mapper, RAID. */
  | 'composed'
  | 'optical'
  /** The hidden boot areas of a soldered memory chip. */
  | 'boot-area'

export interface DriveFacts {
  path: string
  kind: DriveKind
  /** "major:minor" where the platform has such numbers; what decides whether two names are the same drive. */
  deviceNumber: string | null
  /** Changes whenever another medium or another drive takes the place; null where the platform does not tell. */
  attachment: string | null
  serial: string | null
  sizeBytes: number
  vendor: string | null
  model: string | null
  bus: string
  removable: boolean
  readOnly: boolean
  sectorSize: number
  /** A card, as far as bus and names tell. */
  isCard: boolean
  /** The platform itself says that the system runs from it. */
  isSystem: boolean
  volumes: VolumeFacts[]
  whole: { label: string | null; fs: string | null; mounts: string[] }
  uses: Use[]
}
