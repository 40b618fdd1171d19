import { crc32 } from 'node:zlib'
import type { BlockDevice } from '../block/device.ts'
import type { GptPartition, GptTable } from './gpt.ts'
import { pieceOf } from './piece.ts'
import { type Parsed, parsed, unusable } from './problem.ts'

export interface GptWrite {
  offset: number
  bytes: Uint8Array
}

export interface GptMend {
  /** To be on the card before the first copy is touched. */
  backup: GptWrite[]
  primary: GptWrite[]
}

/** Of the header: UEFI specification, 5.3.2. */
const at = { headerBytes: 12, crc: 16, myLba: 24, alternateLba: 32, lastUsableLba: 48, entriesLba: 72, entriesCrc: 88 }
const primaryLba = 1
const primaryEntriesLba = 2
const mbrEntriesOffset = 446
const protectiveType = 0xee
/** Of an entry: UEFI specification, 5.3.3. */
const entryLastLba = 40

/**
 * Both copies of a GPT as they should be, made from the whole one: the first at the beginning, the second at the very end of the device, the area for
 * partitions up to it, and a first sector that announces them. Entries, GUIDs and the boot code stay as they are. A problem where the area behind the
 * last partition is too short for the second copy, or entries do not lie where every tool puts them. `moved` gives one partition another end.
 */
export function mendGpt(device: BlockDevice, table: GptTable, moved?: { number: number; lastLba: number }): Parsed<GptMend> {
  const { sectorSize, header } = table
  const partitions = table.partitions.map((one) => (one.number === moved?.number ? { ...one, lastLba: moved.lastLba } : one))
  const lastLba = Math.floor(device.size / sectorSize) - 1
  const entriesBytes = header.entryCount * header.entryBytes
  const entrySectors = Math.ceil(entriesBytes / sectorSize)
  const backupEntriesLba = lastLba - entrySectors
  const lastUsableLba = backupEntriesLba - 1
  const reaching = Math.max(0, ...partitions.map((partition) => partition.lastLba))
  if (reaching > lastUsableLba) return unusable('gpt-no-room', 'there is no room for the second copy behind the last partition')
  if (
    primaryEntriesLba + entrySectors > header.firstUsableLba ||
    partitions.some(({ firstLba }) => firstLba < primaryEntriesLba + entrySectors)
  )
    return unusable('gpt-no-room', 'there is no room for the first copy before the first partition')
  if (partitions.some((one) => one.number === moved?.number && partitions.some((other) => overlaps(one, other))))
    return unusable('gpt-no-room', 'another partition lies there')
  const source = pieceOf(device, header.myLba * sectorSize, sectorSize)
  const entries = pieceOf(device, header.entriesLba * sectorSize, entriesBytes)
  const first = pieceOf(device, 0, sectorSize)
  if (!source || !entries || !first) return unusable('gpt-unread', 'the table cannot be read')
  if (moved)
    Buffer.from(entries.buffer, entries.byteOffset).writeBigUInt64LE(
      BigInt(moved.lastLba),
      (moved.number - 1) * header.entryBytes + entryLastLba,
    )

  const copy = (myLba: number, alternateLba: number, entriesLba: number): Uint8Array => {
    const sector = Buffer.from(source)
    sector.writeBigUInt64LE(BigInt(myLba), at.myLba)
    sector.writeBigUInt64LE(BigInt(alternateLba), at.alternateLba)
    sector.writeBigUInt64LE(BigInt(lastUsableLba), at.lastUsableLba)
    sector.writeBigUInt64LE(BigInt(entriesLba), at.entriesLba)
    sector.writeUInt32LE(crc32(entries), at.entriesCrc)
    sector.writeUInt32LE(0, at.crc)
    sector.writeUInt32LE(crc32(sector.subarray(0, sector.readUInt32LE(at.headerBytes))), at.crc)
    return sector
  }
  return parsed({
    backup: [
      { offset: backupEntriesLba * sectorSize, bytes: entries },
      { offset: lastLba * sectorSize, bytes: copy(lastLba, primaryLba, backupEntriesLba) },
    ],
    primary: [
      { offset: primaryEntriesLba * sectorSize, bytes: entries },
      { offset: primaryLba * sectorSize, bytes: copy(primaryLba, lastLba, primaryEntriesLba) },
      { offset: 0, bytes: announcing(first, lastLba) },
    ],
  })
}

/** Where the second copy of a table of this form would begin, if it lay at the end of the device: what a partition may reach up to. */
export function gptUsableEnd(device: BlockDevice, { sectorSize, header }: GptTable): number {
  const entrySectors = Math.ceil((header.entryCount * header.entryBytes) / sectorSize)
  return (Math.floor(device.size / sectorSize) - 1 - entrySectors) * sectorSize
}

function overlaps(one: GptPartition, other: GptPartition): boolean {
  return one.number !== other.number && one.firstLba <= other.lastLba && other.firstLba <= one.lastLba
}

/** A protective MBR where none announces the table; one that does is kept, hybrid ones with all their entries, and its length set right. */
function announcing(first: Uint8Array, lastLba: number): Uint8Array {
  const sector = Buffer.from(first)
  const sectors = Math.min(lastLba, 0xffffffff)
  for (let slot = 0; slot < 4; slot += 1) {
    const entry = mbrEntriesOffset + slot * 16
    if (sector.readUInt16LE(510) !== 0xaa55 || sector[entry + 4] !== protectiveType || sector.readUInt32LE(entry + 8) !== 1)
      continue
    // A hybrid one protects only a part, on purpose.
    if (slot === 0 && isAlone(sector)) sector.writeUInt32LE(sectors, entry + 12)
    return sector
  }
  sector.fill(0, mbrEntriesOffset, 510)
  sector.set([0, 0, 2, 0, protectiveType, 0xff, 0xff, 0xff], mbrEntriesOffset)
  sector.writeUInt32LE(1, mbrEntriesOffset + 8)
  sector.writeUInt32LE(sectors, mbrEntriesOffset + 12)
  sector.writeUInt16LE(0xaa55, 510)
  return sector
}

function isAlone(sector: Buffer): boolean {
  return [1, 2, 3].every((slot) => sector[mbrEntriesOffset + slot * 16 + 4] === 0)
}
