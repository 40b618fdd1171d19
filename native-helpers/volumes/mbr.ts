import type { BlockDevice } from '../block/device.ts'
import { readFields, u8, u16, u32 } from './fields.ts'
import { type Parsed, type Problem, parsed, unusable } from './problem.ts'
import { type Reading, readFrom } from './reading.ts'

/** The master boot record and the extended boot records, which have the same form. */
const recordFields = { diskSignature: u32(440), bootSignature: u16(510) }
const entriesOffset = 446
const entryBytes = 16
const entryFields = { status: u8(0), type: u8(4), startSector: u32(8), sectors: u32(12) }
const bootSignature = 0xaa55
export const mbrBytes = 512

/** CHS, LBA and Linux; all three mean the same chain. */
const extendedTypes = new Set([0x05, 0x0f, 0x85])
export const protectiveType = 0xee

/** More than any system can name (Linux stops at 256 minors). */
const maxLogicalPartitions = 256

export interface MbrEntry {
  active: boolean
  type: number
  /** As stored: for an extended boot record relative to it or to the extended partition. */
  startSector: number
  sectors: number
}

export interface Mbr {
  diskSignature: number
  /** All four, also those that are empty (no sectors). */
  entries: MbrEntry[]
}

export interface MbrPartition extends MbrEntry {
  /** 1–4 for the entries of the record itself, from 5 for logical ones, as Linux counts. */
  number: number
}

export interface MbrTable {
  diskSignature: number
  partitions: MbrPartition[]
  problems: Problem[]
}

/** A boot sector of a filesystem ends in the same signature: what does not look like four entries is not a table. */
export function parseMbr(sector: Uint8Array): Parsed<Mbr> {
  if (sector.length < mbrBytes) return unusable('mbr-short', 'the first sector is not whole')
  const record = readFields(recordFields, sector)
  if (record.bootSignature !== bootSignature) return unusable('mbr-none', 'there is no boot signature in the first sector')
  const entries: MbrEntry[] = []
  for (let slot = 0; slot < 4; slot += 1) {
    const offset = entriesOffset + slot * entryBytes
    const { status, type, startSector, sectors } = readFields(entryFields, sector.subarray(offset, offset + entryBytes))
    if (status !== 0 && status !== 0x80) return unusable('mbr-none', 'the first sector is a boot sector without a partition table')
    entries.push({ active: status === 0x80, type, startSector, sectors })
  }
  return parsed({ diskSignature: record.diskSignature, entries })
}

export function isExtended(entry: MbrEntry): boolean {
  return extendedTypes.has(entry.type) && entry.sectors > 0
}

/**
 * The logical partitions of an extended one, told as they are found: a chain of records, each with one partition (counted from the record)
 * and the place of the next record (counted from the extended partition). Returns what is wrong with the chain.
 */
export function* walkLogicalPartitions(
  extended: MbrEntry,
  sectorSize: number,
  found: (partition: MbrPartition) => void,
): Reading<Problem[]> {
  const extendedEnd = extended.startSector + extended.sectors
  const visited = new Set<number>()
  let recordSector = extended.startSector
  let number = 5
  for (;;) {
    if (visited.has(recordSector)) return [{ code: 'mbr-chain-loop', detail: 'the chain of logical partitions runs in a circle' }]
    if (visited.size >= maxLogicalPartitions) return [{ code: 'mbr-chain-long', detail: 'there are too many logical partitions' }]
    visited.add(recordSector)
    const sector = yield { start: recordSector * sectorSize, length: mbrBytes }
    if (!sector) return [{ code: 'mbr-chain-unread', detail: `the record of logical partition ${number} cannot be read` }]
    const { value: record } = parseMbr(sector)
    if (!record) return [{ code: 'mbr-chain-broken', detail: `the record of logical partition ${number} is not one` }]

    const [own, ...others] = record.entries
    const used = others.filter((entry) => entry.sectors > 0)
    const link = used[0]
    if (used.length > 1 || (link && !isExtended(link))) {
      return [
        {
          code: 'mbr-chain-broken',
          detail: `the record of logical partition ${number} has more than one partition and one successor`,
        },
      ]
    }
    const nextRecord = link ? extended.startSector + link.startSector : null
    if (own && own.sectors > 0 && !isExtended(own)) {
      const startSector = recordSector + own.startSector
      const end = startSector + own.sectors
      const swallowsNext = nextRecord !== null && nextRecord >= startSector && nextRecord < end
      if (own.startSector === 0 || end > extendedEnd || swallowsNext) {
        return [{ code: 'mbr-chain-broken', detail: `logical partition ${number} leaves its place` }]
      }
      found({ ...own, startSector, number })
    }
    if (nextRecord === null) return []
    if (nextRecord >= extendedEnd)
      return [{ code: 'mbr-chain-broken', detail: 'the chain of logical partitions leaves its container' }]
    recordSector = nextRecord
    number += 1
  }
}

/** The table of a device with its logical partitions. */
export function readMbr(device: BlockDevice): Parsed<MbrTable> {
  return readFrom(device, readTable(device.sectorSize, Math.floor(device.size / device.sectorSize)))
}

function* readTable(sectorSize: number, deviceSectors: number): Reading<Parsed<MbrTable>> {
  const first = yield { start: 0, length: mbrBytes }
  const { value: mbr, problem } = parseMbr(first ?? new Uint8Array())
  if (!mbr) return { value: null, problem }
  const problems: Problem[] = []
  const partitions: MbrPartition[] = []
  for (const [index, entry] of mbr.entries.entries()) {
    if (entry.sectors > 0) partitions.push({ ...entry, number: index + 1 })
  }
  problems.push(...placementProblems(partitions, deviceSectors))
  const [extended, ...more] = partitions.filter(isExtended)
  if (more.length > 0) problems.push({ code: 'mbr-two-extended', detail: 'there is more than one extended partition' })
  if (extended) problems.push(...(yield* walkLogicalPartitions(extended, sectorSize, (partition) => partitions.push(partition))))
  return parsed({ diskSignature: mbr.diskSignature, partitions, problems })
}

/** What is wrong with where partitions lie: on the table itself, on each other, beyond the end. */
export function placementProblems(partitions: readonly MbrPartition[], deviceSectors: number): Problem[] {
  const problems: Problem[] = []
  let reaching: { number: number; end: number } | null = null
  for (const { number, startSector, sectors } of [...partitions].sort((a, b) => a.startSector - b.startSector)) {
    const end = startSector + sectors
    if (startSector === 0) problems.push({ code: 'mbr-covers-table', detail: `partition ${number} covers the table` })
    if (end > deviceSectors) problems.push({ code: 'mbr-beyond-end', detail: `partition ${number} goes beyond the end` })
    if (reaching && startSector < reaching.end) {
      problems.push({ code: 'mbr-overlap', detail: `partitions ${reaching.number} and ${number} overlap` })
    }
    if (!reaching || end > reaching.end) reaching = { number, end }
  }
  return problems
}
