/** The drives that are plugged in, as the helper reports them. What can be chosen is derived from it. */
import { create } from 'zustand'
import type { Drive } from '../../native-helpers/contract.ts'

interface DrivesState {
  drives: Drive[]
  /** By path: since when this drive has been here without a break. Another card in the same reader begins anew. */
  since: Record<string, number>
  received(drives: Drive[], now: number): void
}

export const useDrives = create<DrivesState>()((set) => ({
  drives: [],
  since: {},
  received: (drives, now) =>
    set((before) => ({
      drives,
      since: Object.fromEntries(
        drives.map((drive) => {
          const stayed = before.drives.some((one) => sameIdentity(one, drive))
          return [drive.identity.path, (stayed ? before.since[drive.identity.path] : null) ?? now]
        }),
      ),
    })),
}))

function sameIdentity({ identity: one }: Drive, { identity: other }: Drive): boolean {
  return one.path === other.path && one.serial === other.serial && one.sizeBytes === other.sizeBytes
}

/**
 * What makes a drive the one that the user chose: its identity and what is on it. A reader without a serial number keeps its path when the card in it
 * is changed; the partitions tell the two cards apart.
 */
export function driveKey(drive: Drive): string {
  const parts = drive.partitions.map((part) => [part.path, part.sizeBytes, part.label])
  return JSON.stringify([drive.identity.path, drive.identity.serial, drive.identity.sizeBytes, parts, drive.whole.label])
}

/** The reasons that remain: being virtual is none for a user who asked to see virtual drives. */
export function refusalsOf(drive: Drive, showVirtual: boolean): Drive['refusals'] {
  return showVirtual ? drive.refusals.filter((refusal) => refusal.code !== 'virtual') : drive.refusals
}

export interface SortedDrives {
  /** May be written. */
  offered: Drive[]
  /** May not, but a person would call them card or stick and look for them. */
  refusedCards: Drive[]
  /** The system's disks and the like. */
  others: Drive[]
}

/** Virtual drives are not there at all unless the user asked for them. */
export function sortDrives(drives: readonly Drive[], showVirtual: boolean): SortedDrives {
  const sorted: SortedDrives = { offered: [], refusedCards: [], others: [] }
  for (const drive of drives) {
    if (drive.virtual && !showVirtual) continue
    if (refusalsOf(drive, showVirtual).length === 0) sorted.offered.push(drive)
    else if (drive.removable && !drive.virtual && !drive.refusals.some((refusal) => refusal.code === 'system'))
      sorted.refusedCards.push(drive)
    else sorted.others.push(drive)
  }
  return sorted
}

/** Labels of what is on a drive, in the order of the partitions. */
export function labelsOf(drive: Drive): string[] {
  const labels = [drive.whole.label, ...drive.partitions.map((part) => part.label)]
  return labels.filter((label): label is string => label !== null && label !== '')
}

/** Whether there is a file system on the drive itself, without partitions; a mounted one is there also where nobody could read its kind. */
export function isOneVolume({ whole }: Drive): boolean {
  return whole.fs !== null || whole.label !== null || whole.mounts.length > 0
}

export function driveAt(path: string): Drive | null {
  return useDrives.getState().drives.find((drive) => drive.identity.path === path) ?? null
}

/** A drive's name begins so on Linux, macOS and Windows; a card file's does not. */
export function isDevice(path: string): boolean {
  return path.startsWith('/dev/') || path.startsWith('\\\\.\\')
}
