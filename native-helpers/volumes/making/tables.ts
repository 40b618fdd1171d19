import { randomBytes, randomUUID } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { WritableDevice } from './new-entry.ts'
import { Structure } from './structure.ts'

export interface NewGptPartition {
  /** Place in the table, from 1; in the order given without. */
  number?: number
  typeGuid: string
  /** Random without. */
  uniqueGuid?: string
  startBytes: number
  sizeBytes: number
  name?: string
  attributes?: bigint
}

export interface NewGpt {
  partitions: readonly NewGptPartition[]
  diskGuid?: string
  sectorSize?: 512 | 4096
  /** As if the image had been made for a card of this size; the end of the device without. */
  endBytes?: number
}

/** UEFI specification, 5.3: a header of 92 bytes, 128 entries of 128 bytes. */
const headerBytes = 92
const entryCount = 128
const entryBytes = 128
const revision = 0x10000

export const gptTypes = {
  efi: 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B',
  linux: '0FC63DAF-8483-4772-8E79-3D69D8477DE4',
  basicData: 'EBD0A0A2-B9E5-4433-87C0-68B6B72699C7',
}

/** Writes both copies of a GPT and the MBR that announces it. */
export function makeGpt(device: WritableDevice, gpt: NewGpt): void {
  const { sectorSize = 512, endBytes = device.size, diskGuid = randomUUID() } = gpt
  const sectors = Math.floor(endBytes / sectorSize)
  const entriesSectors = (entryCount * entryBytes) / sectorSize
  const entries = new Structure(entryCount * entryBytes)
  for (const [index, partition] of gpt.partitions.entries()) {
    const at = ((partition.number ?? index + 1) - 1) * entryBytes
    const last = (partition.startBytes + partition.sizeBytes) / sectorSize - 1
    entries.put(at, guidBytes(partition.typeGuid)).put(at + 16, guidBytes(partition.uniqueGuid ?? randomUUID()))
    entries
      .u64(at + 32, partition.startBytes / sectorSize)
      .u64(at + 40, last)
      .u64(at + 48, partition.attributes ?? 0n)
    entries.put(at + 56, Buffer.from((partition.name ?? '').slice(0, 36), 'utf16le'))
  }
  const header = (myLba: number, otherLba: number, entriesLba: number) => {
    const record = new Structure(sectorSize).text(0, 8, 'EFI PART').u32(8, revision).u32(12, headerBytes)
    record
      .u64(24, myLba)
      .u64(32, otherLba)
      .u64(40, 2 + entriesSectors)
      .u64(48, sectors - entriesSectors - 2)
    record.put(56, guidBytes(diskGuid)).u64(72, entriesLba).u32(80, entryCount).u32(84, entryBytes).u32(88, crc32(entries.bytes))
    return record.u32(16, crc32(record.bytes.subarray(0, headerBytes))).bytes
  }
  const backupEntriesLba = sectors - 1 - entriesSectors
  device.writeSync(protectiveMbr(sectors), 0)
  device.writeSync(header(1, sectors - 1, 2), sectorSize)
  device.writeSync(entries.bytes, 2 * sectorSize)
  device.writeSync(entries.bytes, backupEntriesLba * sectorSize)
  device.writeSync(header(sectors - 1, 1, backupEntriesLba), (sectors - 1) * sectorSize)
}

function protectiveMbr(sectors: number): Uint8Array {
  const record = new Structure(512).u16(510, 0xaa55)
  mbrEntry(record, 1, { type: 0xee, startSector: 1, sectors: Math.min(sectors - 1, 0xffff_ffff), active: false })
  return record.bytes
}

export interface NewMbrPartition {
  number?: 1 | 2 | 3 | 4
  type: number
  startBytes: number
  sizeBytes: number
  active?: boolean
}

export interface NewMbr {
  partitions: readonly NewMbrPartition[]
  /** Random without. */
  diskSignature?: number
}

/** Writes the partition table of an MBR into the first sector, whose code is left as it is. */
export function makeMbr(device: WritableDevice, { partitions, diskSignature = randomBytes(4).readUInt32LE() }: NewMbr): void {
  const record = new Structure(512)
  device.readSync(record.bytes, 0)
  record.bytes.fill(0, 440, 512)
  record.u32(440, diskSignature).u16(510, 0xaa55)
  for (const [index, { number = index + 1, type, startBytes, sizeBytes, active = false }] of partitions.entries()) {
    mbrEntry(record, number, { type, active, startSector: startBytes / 512, sectors: sizeBytes / 512 })
  }
  device.writeSync(record.bytes, 0)
}

interface MbrEntry {
  type: number
  active: boolean
  startSector: number
  sectors: number
}

/** Cylinders, heads and sectors that say "further than can be said", which everybody takes for: use the sector numbers. */
const chsBeyond = Uint8Array.of(0xfe, 0xff, 0xff)

function mbrEntry(record: Structure, number: number, { type, active, startSector, sectors }: MbrEntry): void {
  const at = 446 + (number - 1) * 16
  record
    .u8(at, active ? 0x80 : 0)
    .put(at + 1, chsBeyond)
    .u8(at + 4, type)
    .put(at + 5, chsBeyond)
  record.u32(at + 8, startSector).u32(at + 12, sectors)
}

/** The first three parts are little-endian numbers (UEFI specification, appendix A). */
function guidBytes(text: string): Uint8Array {
  const bytes = Buffer.from(text.replaceAll('-', ''), 'hex')
  if (bytes.length !== 16) throw new RangeError(`"${text}" is no GUID`)
  bytes.subarray(0, 4).reverse()
  bytes.subarray(4, 6).reverse()
  bytes.subarray(6, 8).reverse()
  return bytes
}
