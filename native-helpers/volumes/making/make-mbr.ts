import { mbrBytes } from '../mbr.ts'
import { cannotMake } from './errors.ts'
import type { WritableDevice } from './new-entry.ts'

/** As in mbr.ts. */
const codeBytes = 440
const signatureOffset = 440
const entriesOffset = 446
const entryBytes = 16
const bootSignatureOffset = 510
const extendedType = 0x0f
const maxSectors = 0xffff_ffff

export interface NewMbrPartition {
  type: number
  startSector: number
  sectors: number
  active?: boolean
}

export interface NewMbr {
  /** 32 bits, by which Linux makes PARTUUIDs. */
  diskSignature: number
  /** At most four, the extended one included. One with no sectors leaves its place empty. */
  partitions: readonly NewMbrPartition[]
  /** Within the one of type 0x0f, in ascending order; each needs a sector for its record before it. */
  logical?: readonly NewMbrPartition[]
  /** At most 440 bytes that the firmware of a PC starts. */
  bootCode?: Uint8Array
}

/** Writes a master boot record, and the records of logical partitions. */
export function makeMbr(device: WritableDevice, { diskSignature, partitions, logical = [], bootCode }: NewMbr): void {
  if (partitions.length > 4)
    throw cannotMake('mbr-make-count', `A master boot record has room for four partitions, not for ${partitions.length}.`)
  if (bootCode && bootCode.length > codeBytes)
    throw cannotMake('mbr-make-code', `Boot code of ${bootCode.length} bytes does not fit into a master boot record.`)
  checkPlaces(partitions, 1, Math.floor(device.size / device.sectorSize))
  const record = bootRecord(partitions)
  if (bootCode) record.set(bootCode)
  new DataView(record.buffer).setUint32(signatureOffset, diskSignature, true)
  const chain = logicalRecords(partitions, logical)
  device.writeSync(record, 0)
  for (const { sector, bytes } of chain) device.writeSync(bytes, sector * device.sectorSize)
  device.flushSync()
}

/** A sector with up to four entries, as the master and the extended records have it. */
export function bootRecord(partitions: readonly NewMbrPartition[]): Uint8Array {
  const record = new Uint8Array(mbrBytes)
  const view = new DataView(record.buffer)
  for (const [index, { type, startSector, sectors, active }] of partitions.entries()) {
    if (sectors === 0) continue
    const at = entriesOffset + index * entryBytes
    view.setUint8(at, active ? 0x80 : 0)
    record.set(chs(startSector), at + 1)
    view.setUint8(at + 4, type)
    record.set(chs(startSector + sectors - 1), at + 5)
    view.setUint32(at + 8, startSector, true)
    view.setUint32(at + 12, sectors, true)
  }
  view.setUint16(bootSignatureOffset, 0xaa55, true)
  return record
}

/** Cylinder, head and sector for the usual 255 heads of 63 sectors; the last place that can be named stands for everything behind it. */
function chs(sector: number): [number, number, number] {
  const cylinder = Math.floor(sector / (255 * 63))
  if (cylinder > 1023) return [0xfe, 0xff, 0xff]
  const head = Math.floor(sector / 63) % 255
  return [head, ((cylinder >> 2) & 0xc0) | ((sector % 63) + 1), cylinder & 0xff]
}

function checkPlaces(partitions: readonly NewMbrPartition[], first: number, end: number): void {
  let reached = first
  for (const { startSector, sectors } of [...partitions]
    .filter((one) => one.sectors > 0)
    .sort((a, b) => a.startSector - b.startSector)) {
    const last = startSector + sectors - 1
    if (!Number.isSafeInteger(last) || startSector < reached || last >= end || last > maxSectors)
      throw cannotMake(
        'mbr-make-place',
        `A partition from sector ${startSector} to ${last} does not lie within sectors ${reached} to ${end - 1}.`,
      )
    reached = last + 1
  }
}

/** Each record names its own partition, counted from itself, and the next record, counted from the extended partition. */
function logicalRecords(
  partitions: readonly NewMbrPartition[],
  logical: readonly NewMbrPartition[],
): { sector: number; bytes: Uint8Array }[] {
  const extended = partitions.find(({ type }) => type === extendedType)
  if (!extended) {
    if (logical.length > 0) throw cannotMake('mbr-make-extended', 'Logical partitions need an extended partition.')
    return []
  }
  const end = extended.startSector + extended.sectors
  checkPlaces(logical, extended.startSector + 1, end)
  const places = logical.map((_, index) => {
    const before = logical[index - 1]
    return before ? before.startSector + before.sectors : extended.startSector
  })
  const records = logical.map((partition, index) => {
    const sector = places[index] ?? 0
    if (partition.startSector <= sector)
      throw cannotMake('mbr-make-place', `There is no room for the record before the partition at sector ${partition.startSector}.`)
    const own = { ...partition, startSector: partition.startSector - sector }
    const next = places[index + 1]
    const following = logical[index + 1]
    const link =
      next !== undefined && following
        ? [{ type: 0x05, startSector: next - extended.startSector, sectors: following.startSector + following.sectors - next }]
        : []
    return { sector, bytes: bootRecord([own, ...link]) }
  })
  return records.length > 0 ? records : [{ sector: extended.startSector, bytes: bootRecord([]) }]
}
