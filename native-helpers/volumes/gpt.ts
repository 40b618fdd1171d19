import { crc32 } from 'node:zlib'
import type { BlockDevice } from '../block/device.ts'
import { isPowerOfTwo, readFields, u32, u64 } from './fields.ts'
import { type Parsed, type Problem, parsed, unusable } from './problem.ts'
import { type Reading, readFrom } from './reading.ts'

/** UEFI specification, 5.3.2 "GPT Header". */
const headerFields = {
  headerBytes: u32(12),
  headerCrc: u32(16),
  myLba: u64(24),
  alternateLba: u64(32),
  firstUsableLba: u64(40),
  lastUsableLba: u64(48),
  entriesLba: u64(72),
  entryCount: u32(80),
  entryBytes: u32(84),
  entriesCrc: u32(88),
}
const signature = Buffer.from('EFI PART', 'latin1')
const headerCrcOffset = 16
const diskGuidOffset = 56
const minHeaderBytes = 92

/** UEFI specification, 5.3.3 "GPT Partition Entry Array". */
const entryFields = { firstLba: u64(32), lastLba: u64(40) }
const typeGuidOffset = 0
const uniqueGuidOffset = 16
const attributesOffset = 48
const nameOffset = 56
const nameBytes = 72
const minEntryBytes = 128
/** Eight times what the specification asks a table to have at least. */
const maxEntries = 1024
const maxEntryBytes = 4096
export const maxEntriesBytes = 1024 * 1024
export const gptSectorSizes = [512, 4096] as const

const unusedGuid = '00000000-0000-0000-0000-000000000000'

export interface GptHeader {
  myLba: number
  alternateLba: number
  firstUsableLba: number
  lastUsableLba: number
  diskGuid: string
  entriesLba: number
  entryCount: number
  entryBytes: number
  entriesCrc: number
}

export interface GptPartition {
  /** Place in the table, from 1, as Linux counts. */
  number: number
  typeGuid: string
  uniqueGuid: string
  firstLba: number
  /** Inclusive. */
  lastLba: number
  attributes: bigint
  name: string
}

export interface GptTable {
  sectorSize: number
  header: GptHeader
  partitions: GptPartition[]
  /** Which of the two copies this was read from. */
  copy: 'primary' | 'backup'
  problems: Problem[]
}

/** Checks a header and its checksum; `lba` is where it was read. */
export function parseGptHeader(sector: Uint8Array, lba: number): Parsed<GptHeader> {
  if (sector.length < 512 || !signature.equals(sector.subarray(0, signature.length)))
    return unusable('gpt-none', 'there is no GPT header')
  const fields = readFields(headerFields, sector)
  if (fields.headerBytes < minHeaderBytes || fields.headerBytes > sector.length) {
    return unusable('gpt-header-length', 'the GPT header has an impossible length')
  }
  const header = Uint8Array.from(sector.subarray(0, fields.headerBytes))
  header.fill(0, headerCrcOffset, headerCrcOffset + 4)
  if (crc32(header) !== fields.headerCrc) return unusable('gpt-header-crc', 'the checksum of the GPT header is wrong')
  if (fields.myLba !== lba) return unusable('gpt-header-place', 'the GPT header belongs to another place')
  const { entryCount, entryBytes } = fields
  if (entryBytes < minEntryBytes || entryBytes > maxEntryBytes || !isPowerOfTwo(entryBytes)) {
    return unusable('gpt-entry-size', 'the GPT has entries of an impossible size')
  }
  if (entryCount === 0 || entryCount > maxEntries || entryCount * entryBytes > maxEntriesBytes) {
    return unusable('gpt-entry-count', 'the GPT has an impossible number of entries')
  }
  if (![fields.alternateLba, fields.entriesLba, fields.lastUsableLba].every(Number.isSafeInteger)) {
    return unusable('gpt-header-range', 'the GPT header names places beyond any drive')
  }
  return parsed({ ...fields, diskGuid: guidText(sector, diskGuidOffset) })
}

/** Checks the checksum of the entries and gives those in use. */
export function parseGptEntries(bytes: Uint8Array, header: GptHeader): Parsed<GptPartition[]> {
  const length = header.entryCount * header.entryBytes
  if (bytes.length < length) return unusable('gpt-entries-short', 'the GPT entries are not whole')
  if (crc32(bytes.subarray(0, length)) !== header.entriesCrc) {
    return unusable('gpt-entries-crc', 'the checksum of the GPT entries is wrong')
  }
  const partitions: GptPartition[] = []
  for (let index = 0; index < header.entryCount; index += 1) {
    const entry = bytes.subarray(index * header.entryBytes, (index + 1) * header.entryBytes)
    const typeGuid = guidText(entry, typeGuidOffset)
    if (typeGuid === unusedGuid) continue
    const { firstLba, lastLba } = readFields(entryFields, entry)
    partitions.push({
      number: index + 1,
      typeGuid,
      uniqueGuid: guidText(entry, uniqueGuidOffset),
      firstLba,
      lastLba,
      attributes: new DataView(entry.buffer, entry.byteOffset, entry.byteLength).getBigUint64(attributesOffset, true),
      name: entryName(entry),
    })
  }
  return parsed(partitions)
}

/** What is wrong with where partitions lie: outside of the usable area, backwards, on each other. */
export function gptPlacementProblems(header: GptHeader, partitions: readonly GptPartition[]): Problem[] {
  const problems: Problem[] = []
  let reaching: GptPartition | null = null
  for (const partition of [...partitions].sort((a, b) => a.firstLba - b.firstLba)) {
    const { number, firstLba, lastLba } = partition
    if (firstLba < 2 || (header.entriesLba >= firstLba && header.entriesLba <= lastLba)) {
      problems.push({ code: 'gpt-covers-table', detail: `partition ${number} covers the table` })
    }
    if (lastLba < firstLba) problems.push({ code: 'gpt-backwards', detail: `partition ${number} ends before it begins` })
    if (firstLba < header.firstUsableLba || lastLba > header.lastUsableLba) {
      problems.push({ code: 'gpt-outside', detail: `partition ${number} leaves the area for partitions` })
    }
    if (reaching && firstLba <= reaching.lastLba) {
      problems.push({ code: 'gpt-overlap', detail: `partitions ${reaching.number} and ${number} overlap` })
    }
    if (!reaching || lastLba > reaching.lastLba) reaching = partition
  }
  return problems
}

/**
 * The table of a device: the first copy, or the one at the end where the first is damaged. Tries the device's sector size and then the
 * other one, because the image of a 4096-byte drive may lie in a file or on a drive with 512. Problems tell what is wrong with either copy,
 * also that the backup does not lie at the end, as after writing a small image to a large card.
 */
export function readGpt(device: BlockDevice): Parsed<GptTable> {
  const sizes = [device.sectorSize, ...gptSectorSizes.filter((size) => size !== device.sectorSize)]
  const tables = sizes.map((sectorSize) => readFrom(device, readTable(sectorSize, Math.floor(device.size / sectorSize))))
  return tables.find((table) => table.value !== null) ?? tables[0] ?? unusable('gpt-none', 'there is no GPT header')
}

/** One copy of the table, header and entries. */
export function* readGptCopy(sectorSize: number, lba: number): Reading<Parsed<{ header: GptHeader; partitions: GptPartition[] }>> {
  const sector = yield { start: lba * sectorSize, length: sectorSize }
  if (!sector) return unusable('gpt-unread', 'the GPT header cannot be read')
  const { value: header, problem } = parseGptHeader(sector, lba)
  if (!header) return { value: null, problem }
  const bytes = yield { start: header.entriesLba * sectorSize, length: header.entryCount * header.entryBytes }
  if (!bytes) return unusable('gpt-unread', 'the GPT entries cannot be read')
  const entries = parseGptEntries(bytes, header)
  return entries.value ? parsed({ header, partitions: entries.value }) : entries
}

function* readTable(sectorSize: number, deviceSectors: number): Reading<Parsed<GptTable>> {
  const lastLba = deviceSectors - 1
  const primary = yield* readGptCopy(sectorSize, 1)
  const backupLba = primary.value?.header.alternateLba ?? lastLba
  const backup = yield* readGptCopy(sectorSize, backupLba)
  const used = primary.value ?? backup.value
  if (!used) return primary.problem ? { value: null, problem: primary.problem } : unusable('gpt-none', 'there is no GPT header')
  const problems: Problem[] = []
  if (primary.problem) problems.push({ code: 'gpt-primary-damaged', detail: primary.problem.detail })
  if (backup.problem) problems.push({ code: 'gpt-backup-damaged', detail: `of the copy at the end: ${backup.problem.detail}` })
  if (backup.value && primary.value && backup.value.header.entriesCrc !== primary.value.header.entriesCrc) {
    problems.push({ code: 'gpt-copies-differ', detail: 'the two copies of the table differ' })
  }
  if (backupLba !== lastLba)
    problems.push({ code: 'gpt-backup-not-at-end', detail: 'the second copy of the table is not at the end' })
  problems.push(...gptPlacementProblems(used.header, used.partitions))
  return parsed({ sectorSize, ...used, copy: primary.value ? 'primary' : 'backup', problems })
}

/** The first three parts are little-endian numbers, the rest plain bytes (UEFI specification, appendix A). */
function guidText(bytes: Uint8Array, offset: number): string {
  const hex = (...order: number[]) => order.map((at) => (bytes[offset + at] ?? 0).toString(16).padStart(2, '0')).join('')
  return `${hex(3, 2, 1, 0)}-${hex(5, 4)}-${hex(7, 6)}-${hex(8, 9)}-${hex(10, 11, 12, 13, 14, 15)}`
}

function entryName(entry: Uint8Array): string {
  const text = Buffer.from(entry.subarray(nameOffset, nameOffset + nameBytes)).toString('utf16le')
  const end = text.indexOf('\0')
  return end < 0 ? text : text.slice(0, end)
}
