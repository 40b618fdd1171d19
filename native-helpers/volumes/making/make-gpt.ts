import { crc32 } from 'node:zlib'
import { protectiveType } from '../mbr.ts'
import { cannotMake } from './errors.ts'
import { bootRecord } from './make-mbr.ts'
import type { WritableDevice } from './new-entry.ts'

/** As in gpt.ts: UEFI specification, 5.3. */
const headerBytes = 92
const entryBytes = 128
const entryCount = 128
const maxNameUnits = 36
const revision = 0x0001_0000

export interface NewGptPartition {
  /** Place in the table from 1; the next one without. */
  number?: number
  typeGuid: string
  uniqueGuid: string
  firstLba: number
  /** Inclusive. */
  lastLba: number
  attributes?: bigint
  name: string
}

export interface NewGpt {
  diskGuid: string
  partitions: readonly NewGptPartition[]
  /** Of the table; the device's own without. */
  sectorSize?: 512 | 4096
  /** How long the disk is that the table was made for; smaller than the device as after writing a small image to a large card. */
  diskBytes?: number
  /** At most 440 bytes that the firmware of a PC starts. */
  bootCode?: Uint8Array
}

/** Sectors of one copy of the entries. */
function entrySectors(sectorSize: number): number {
  return (entryCount * entryBytes) / sectorSize
}

/** The sectors that partitions may lie in, both included. */
export function gptUsableLbas(diskBytes: number, sectorSize: number): { first: number; last: number } {
  const sectors = Math.floor(diskBytes / sectorSize)
  return { first: 2 + entrySectors(sectorSize), last: sectors - 2 - entrySectors(sectorSize) }
}

/** Writes a protective master boot record and both copies of the table. */
export function makeGpt(device: WritableDevice, gpt: NewGpt): void {
  const { sectorSize = device.sectorSize, diskBytes = device.size } = gpt
  if (diskBytes > device.size) throw cannotMake('gpt-make-size', 'The table is for a disk larger than the device.')
  const lastLba = Math.floor(diskBytes / sectorSize) - 1
  const usable = gptUsableLbas(diskBytes, sectorSize)
  if (usable.last < usable.first)
    throw cannotMake('gpt-make-size', `A disk of ${diskBytes} bytes is too small for a partition table.`)
  checkPlaces(gpt.partitions, usable)
  const entries = entriesOf(gpt.partitions)
  const header = (myLba: number, alternateLba: number, entriesLba: number) =>
    headerOf({ myLba, alternateLba, entriesLba, usable, diskGuid: gpt.diskGuid, entries, sectorSize })
  const protective = new Uint8Array(sectorSize)
  protective.set(bootRecord([{ type: protectiveType, startSector: 1, sectors: Math.min(0xffff_ffff, lastLba) }]))
  if (gpt.bootCode) {
    if (gpt.bootCode.length > 440) throw cannotMake('gpt-make-code', 'The boot code does not fit before the protective record.')
    protective.set(gpt.bootCode)
  }
  const backupEntriesLba = lastLba - entrySectors(sectorSize)
  device.writeSync(protective, 0)
  device.writeSync(header(1, lastLba, 2), sectorSize)
  device.writeSync(entries, 2 * sectorSize)
  device.writeSync(entries, backupEntriesLba * sectorSize)
  device.writeSync(header(lastLba, 1, backupEntriesLba), lastLba * sectorSize)
  device.flushSync()
}

interface Header {
  myLba: number
  alternateLba: number
  entriesLba: number
  usable: { first: number; last: number }
  diskGuid: string
  entries: Uint8Array
  sectorSize: number
}

function headerOf({ myLba, alternateLba, entriesLba, usable, diskGuid, entries, sectorSize }: Header): Uint8Array {
  const sector = new Uint8Array(sectorSize)
  const view = new DataView(sector.buffer)
  sector.set(Buffer.from('EFI PART', 'latin1'))
  view.setUint32(8, revision, true)
  view.setUint32(12, headerBytes, true)
  for (const [offset, lba] of [
    [24, myLba],
    [32, alternateLba],
    [40, usable.first],
    [48, usable.last],
    [72, entriesLba],
  ] as const)
    view.setBigUint64(offset, BigInt(lba), true)
  sector.set(guidBytes(diskGuid), 56)
  view.setUint32(80, entryCount, true)
  view.setUint32(84, entryBytes, true)
  view.setUint32(88, crc32(entries), true)
  view.setUint32(16, crc32(sector.subarray(0, headerBytes)), true)
  return sector
}

function entriesOf(partitions: readonly NewGptPartition[]): Uint8Array {
  const bytes = new Uint8Array(entryCount * entryBytes)
  const view = new DataView(bytes.buffer)
  const taken = new Set<number>()
  let next = 1
  for (const { number = next, typeGuid, uniqueGuid, firstLba, lastLba, attributes = 0n, name } of partitions) {
    if (!Number.isInteger(number) || number < 1 || number > entryCount || taken.has(number))
      throw cannotMake('gpt-make-number', `There cannot be a partition ${number}, or not twice.`)
    taken.add(number)
    next = number + 1
    if (name.length > maxNameUnits)
      throw cannotMake('gpt-make-name', `The name "${name}" is longer than ${maxNameUnits} characters.`)
    const at = (number - 1) * entryBytes
    bytes.set(guidBytes(typeGuid), at)
    bytes.set(guidBytes(uniqueGuid), at + 16)
    view.setBigUint64(at + 32, BigInt(firstLba), true)
    view.setBigUint64(at + 40, BigInt(lastLba), true)
    view.setBigUint64(at + 48, attributes, true)
    bytes.set(Buffer.from(name, 'utf16le'), at + 56)
  }
  return bytes
}

function checkPlaces(partitions: readonly NewGptPartition[], usable: { first: number; last: number }): void {
  let reached = usable.first
  for (const { firstLba, lastLba } of [...partitions].sort((a, b) => a.firstLba - b.firstLba)) {
    if (
      !Number.isSafeInteger(firstLba) ||
      !Number.isSafeInteger(lastLba) ||
      firstLba < reached ||
      lastLba < firstLba ||
      lastLba > usable.last
    )
      throw cannotMake(
        'gpt-make-place',
        `A partition from sector ${firstLba} to ${lastLba} does not lie within ${reached} to ${usable.last}.`,
      )
    reached = lastLba + 1
  }
}

/** The first three parts are little-endian numbers, the rest plain bytes (UEFI specification, appendix A). */
function guidBytes(text: string): Uint8Array {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) throw cannotMake('gpt-make-guid', `"${text}" is no GUID.`)
  const bytes = Buffer.from(text.replaceAll('-', ''), 'hex')
  for (const [from, to] of [
    [0, 4],
    [4, 6],
    [6, 8],
  ] as const)
    bytes.subarray(from, to).reverse()
  return bytes
}
