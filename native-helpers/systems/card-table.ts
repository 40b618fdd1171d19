import type { BlockDevice } from '../block/device.ts'
import { decimalSize } from '../decimal-size.ts'
import { type GptTable, readGpt } from '../volumes/gpt.ts'
import { identifyExfat, identifyFat, identifyNtfs } from '../volumes/identify-microsoft.ts'
import { isExtended, type MbrTable, protectiveType, readMbr } from '../volumes/mbr.ts'
import type { Problem } from '../volumes/problem.ts'

/** A partition as its table names it. */
export interface TablePartition {
  number: number
  startBytes: number
  sizeBytes: number
  type: string
  partlabel: string | null
  partuuid: string | null
  attributes: bigint | null
  active: boolean | null
  /** Holds other partitions, and no filesystem. */
  extended: boolean
}

export interface CardTable {
  type: 'gpt' | 'mbr' | 'none'
  /** The disk's GUID, or the signature of an MBR: what blkid(8) prints as PTUUID. */
  id: string | null
  sectorSize: number
  partitions: TablePartition[]
  problems: Problem[]
  /** Bytes behind the last partition that a partition could still take. */
  unusedTail: number
}

/** An MBR counts sectors with 32 bits. */
const maxMbrSectors = 0x1_0000_0000
/** Behind the last partition of a GPT lie its second copy's entries (16 KiB at least) and header. */
const backupEntriesBytes = 16 * 1024

/**
 * The partition table of a card. As Linux does (block/partitions/efi.c), a GPT counts only where the MBR announces one; where there is no MBR at all, a GPT
 * whose checksums are right is taken all the same, and named as incomplete.
 */
export function readCardTable(device: BlockDevice): CardTable {
  const { value: mbr } = isBootSector(device) ? { value: null } : readMbr(device)
  const used = mbr && mbr.partitions.length > 0 ? mbr : null
  const announced = used?.partitions.some(({ type }) => type === protectiveType) ?? false
  const { value: gpt, problem } = used === null || announced ? readGpt(device) : { value: null, problem: null }
  if (gpt) return ofGpt(device, gpt, announced)
  if (problem && used?.partitions.every(({ type }) => type === protectiveType)) {
    const damaged = { code: 'gpt-damaged', detail: `neither copy of the table can be used: ${problem.detail}` }
    return { type: 'gpt', id: null, sectorSize: device.sectorSize, partitions: [], problems: [damaged], unusedTail: 0 }
  }
  if (used) return ofMbr(device, used)
  return { type: 'none', id: null, sectorSize: device.sectorSize, partitions: [], problems: [], unusedTail: 0 }
}

/** As libblkid does (libblkid/src/partitions/dos.c): where a filesystem of Microsoft's begins, its code is not taken for a table. */
function isBootSector(device: BlockDevice): boolean {
  return identifyFat(device) !== null || identifyExfat(device) !== null || identifyNtfs(device) !== null
}

function ofGpt(device: BlockDevice, table: GptTable, announced: boolean): CardTable {
  const { sectorSize, header } = table
  const partitions = table.partitions
    .map(
      (partition): TablePartition => ({
        number: partition.number,
        startBytes: partition.firstLba * sectorSize,
        sizeBytes: Math.max(0, partition.lastLba + 1 - partition.firstLba) * sectorSize,
        type: partition.typeGuid.toUpperCase(),
        partlabel: partition.name === '' ? null : partition.name,
        partuuid: partition.uniqueGuid.toLowerCase(),
        attributes: partition.attributes,
        active: null,
        extended: false,
      }),
    )
    .filter(isWithinNumbers)
  const problems = table.problems.map((problem) => (problem.code === 'gpt-backup-not-at-end' ? misplaced(table, device) : problem))
  if (!announced)
    problems.push({ code: 'gpt-not-announced', detail: 'the first sector does not announce the GPT, so that systems overlook it' })
  const behind = partitions.find((partition) => endOf(partition) > device.size)
  if (behind) problems.push({ code: 'gpt-beyond-end', detail: `partition ${behind.number} goes beyond the end` })
  const usableEnd = device.size - sectorSize - Math.max(backupEntriesBytes, header.entryCount * header.entryBytes)
  return {
    type: 'gpt',
    id: header.diskGuid.toLowerCase(),
    sectorSize,
    partitions,
    problems,
    unusedTail: tail(partitions, usableEnd),
  }
}

/** `alternateLba` of the first copy is where the second one lies, and where the card was thought to end. */
function misplaced({ copy, header, sectorSize }: GptTable, device: BlockDevice): Problem {
  const lba = copy === 'primary' ? header.alternateLba : header.myLba
  const sizes = `for a card of ${decimalSize((lba + 1) * sectorSize)}, and this one has ${decimalSize(device.size)}`
  return { code: 'gpt-backup-not-at-end', detail: `the table was made ${sizes}` }
}

function ofMbr(device: BlockDevice, table: MbrTable): CardTable {
  const { sectorSize } = device
  const id = table.diskSignature === 0 ? null : table.diskSignature.toString(16).padStart(8, '0')
  const partitions = table.partitions.map(
    (partition): TablePartition => ({
      number: partition.number,
      startBytes: partition.startSector * sectorSize,
      sizeBytes: partition.sectors * sectorSize,
      type: partition.type.toString(16).padStart(2, '0').toUpperCase(),
      partlabel: null,
      partuuid: id === null ? null : `${id}-${partition.number.toString(16).padStart(2, '0')}`,
      attributes: null,
      active: partition.active,
      extended: isExtended(partition),
    }),
  )
  const usableEnd = Math.min(device.size, maxMbrSectors * sectorSize)
  return { type: 'mbr', id, sectorSize, partitions, problems: table.problems, unusedTail: tail(partitions, usableEnd) }
}

/** Places beyond 2^53 were named as problems where the table was read. */
function isWithinNumbers({ startBytes, sizeBytes }: TablePartition): boolean {
  return Number.isSafeInteger(startBytes) && Number.isSafeInteger(sizeBytes) && Number.isSafeInteger(startBytes + sizeBytes)
}

function endOf({ startBytes, sizeBytes }: TablePartition): number {
  return startBytes + sizeBytes
}

function tail(partitions: readonly TablePartition[], usableEnd: number): number {
  return partitions.length === 0 ? 0 : Math.max(0, usableEnd - Math.max(...partitions.map(endOf)))
}
