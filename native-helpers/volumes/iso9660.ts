import type { BlockDevice } from '../block/device.ts'
import { type Extent, extentsDevice } from '../block/extents.ts'
import { isPowerOfTwo, readFields, u8, u16, u32 } from './fields.ts'
import { isoUuid } from './identify-iso9660.ts'
import { labelText, startsWith } from './identity.ts'
import { pieceOf } from './piece.ts'
import { type Parsed, type Problem, parsed, unusable } from './problem.ts'
import { type RockRidge, readRockRidge, shortTime, susSkipBytes } from './rock-ridge.ts'
import { kindOfMode, type TreeNode, type VolumeTree } from './tree.ts'

/** ECMA-119, 8.4; numbers stand in both byte orders, the little-endian ones are read. */
const descriptorFields = { type: u8(0), sizeBlocks: u32(80), blockBytes: u16(128) }
const rootRecordOffset = 156
const rootRecordBytes = 34
const escapesOffset = 88
/** ECMA-119, 9.1 */
const recordFields = {
  length: u8(0),
  attributeBlocks: u8(1),
  block: u32(2),
  sizeBytes: u32(10),
  flags: u8(25),
  unitBlocks: u8(26),
  nameBytes: u8(32),
}
const recordHeadBytes = 33
const timeOffset = 18
const recordFlags = { directory: 2, continues: 0x80 }

const sectorBytes = 2048
const descriptorsSector = 16
const maxDescriptors = 32
const maxDirectoryBytes = 16 * 1024 * 1024
const maxParts = 4096

export interface IsoVolume extends VolumeTree {
  volumeId: string
  /** From the dates, as blkid prints it. */
  uuid: string | null
  /** As the descriptor says, the blocks before the session included. */
  sizeBytes: number
  names: 'rock-ridge' | 'joliet' | 'plain'
  /** More than what follows from the reading itself: the volume goes beyond the device. */
  problems: Problem[]
}

interface Layout {
  device: BlockDevice
  blockBytes: number
  names: IsoVolume['names']
  skipBytes: number
}

interface Place {
  extents: Extent[]
  sizeBytes: number
}

/** Opens the volume of one session; xorriso's sessions on a card begin at sector 0 and 32 (`sessionSector`). */
export function openIso9660(device: BlockDevice, sessionSector = 0): Parsed<IsoVolume> {
  let primary: Uint8Array | null = null
  let joliet: Uint8Array | null = null
  for (let index = 0; index < maxDescriptors; index += 1) {
    const descriptor = pieceOf(device, (sessionSector + descriptorsSector + index) * sectorBytes, sectorBytes)
    if (!descriptor || !startsWith(descriptor, 'CD001', 1) || descriptor[0] === 255) break
    if (descriptor[0] === 1) primary ??= descriptor
    if (descriptor[0] === 2 && ['%/@', '%/C', '%/E'].some((text) => startsWith(descriptor, text, escapesOffset)))
      joliet ??= descriptor
  }
  if (!primary) return unusable('iso-none', 'there is no ISO 9660 volume')
  const { sizeBlocks, blockBytes } = readFields(descriptorFields, primary)
  if (!isPowerOfTwo(blockBytes) || blockBytes < 512 || blockBytes > sectorBytes) {
    return unusable('iso-block-size', `its blocks have an impossible size of ${blockBytes} bytes`)
  }
  const plain: Layout = { device, blockBytes, names: 'plain', skipBytes: 0 }
  const skipBytes = rockRidgeSkip(plain, rootRecord(primary))
  const names = skipBytes !== null ? 'rock-ridge' : joliet ? 'joliet' : 'plain'
  const layout: Layout = { ...plain, names, skipBytes: skipBytes ?? 0 }
  const record = rootRecord(names === 'joliet' && joliet ? joliet : primary)
  const place = placeOf(layout, [record])
  if (!place) return unusable('iso-root', 'its root directory lies outside of it')
  const sizeBytes = sizeBlocks * blockBytes
  return parsed({
    root: node(layout, '', record, place, null),
    foldsCase: names !== 'rock-ridge',
    volumeId: labelText(primary.subarray(40, 72)) ?? '',
    uuid: isoUuid(primary),
    sizeBytes,
    names,
    problems:
      sizeBytes > device.size ? [{ code: 'iso-cut-off', detail: `it has ${sizeBytes} bytes, its place only ${device.size}` }] : [],
  })
}

function rootRecord(descriptor: Uint8Array): Uint8Array {
  return descriptor.subarray(rootRecordOffset, rootRecordOffset + rootRecordBytes)
}

/** The first record of the root, which stands for itself, tells whether there is Rock Ridge. */
function rockRidgeSkip(layout: Layout, root: Uint8Array): number | null {
  const { block } = readFields(recordFields, root)
  const sector = pieceOf(layout.device, block * layout.blockBytes, sectorBytes)
  const length = sector?.[0] ?? 0
  return sector && length > rootRecordBytes ? susSkipBytes(sector.subarray(rootRecordBytes, length)) : null
}

/** Where a file lies, which may have several records; null where that is outside of the device or interleaved. */
function placeOf(layout: Layout, records: readonly Uint8Array[]): Place | null {
  const extents: Extent[] = []
  let total = 0
  for (const record of records) {
    const { block, attributeBlocks, sizeBytes, unitBlocks } = readFields(recordFields, record)
    const start = (block + attributeBlocks) * layout.blockBytes
    if (unitBlocks !== 0 || (sizeBytes > 0 && start + sizeBytes > layout.device.size)) return null
    if (sizeBytes > 0) extents.push({ start, lengthBytes: sizeBytes })
    total += sizeBytes
  }
  return { extents, sizeBytes: total }
}

function node(layout: Layout, name: string, record: Uint8Array, place: Place | null, ridge: RockRidge | null): TreeNode {
  const { block, flags, sizeBytes } = readFields(recordFields, record)
  const movedTo = ridge?.childBlock ?? null
  const isDirectory = (flags & recordFlags.directory) !== 0 || movedTo !== null
  const told = ridge?.mode ? kindOfMode(ridge.mode) : null
  const kind = isDirectory ? 'directory' : told === null || told === 'directory' ? 'file' : told
  const mode = ridge?.mode ?? null
  const extents = (): Parsed<Extent[]> => {
    if (kind !== 'file') return unusable('iso-no-file', `"${name}" is no file`)
    if (ridge?.compressed) return unusable('iso-zisofs', `"${name}" is compressed by zisofs`)
    return place ? parsed(place.extents) : unusable('iso-outside', `"${name}" lies outside of the volume`)
  }
  return {
    name,
    kind,
    sizeBytes: kind === 'file' ? (place?.sizeBytes ?? sizeBytes) : kind === 'directory' ? sizeBytes : 0,
    mode: mode === null ? null : mode & 0o7777,
    ownerId: ridge?.ownerId ?? null,
    groupId: ridge?.groupId ?? null,
    modifiedSeconds: ridge?.modifiedSeconds ?? shortTime(record.subarray(timeOffset, timeOffset + 7)),
    target: kind === 'symlink' ? (ridge?.target ?? null) : null,
    id: movedTo ?? block,
    list: () =>
      isDirectory ? listDirectory(layout, movedTo ?? block, movedTo === null ? sizeBytes : null) : { entries: [], problem: null },
    extents,
    open() {
      const { value, problem } = extents()
      return value ? parsed(extentsDevice(layout.device, value)) : { value: null, problem }
    },
  }
}

/** `sizeBytes` is null for a directory that was moved: its own first record tells. */
function listDirectory(layout: Layout, block: number, sizeBytes: number | null): { entries: TreeNode[]; problem: Problem | null } {
  const start = block * layout.blockBytes
  const length = sizeBytes ?? readFields(recordFields, pieceOf(layout.device, start, rootRecordBytes) ?? new Uint8Array()).sizeBytes
  const bytes = length <= maxDirectoryBytes ? pieceOf(layout.device, start, length) : null
  if (!bytes) return { entries: [], problem: { code: 'iso-directory', detail: 'the directory lies outside of the volume' } }
  const entries: TreeNode[] = []
  let parts: Uint8Array[] = []
  let problem: Problem | null = null
  for (let at = 0; at < bytes.length; ) {
    const recordBytes = bytes[at] ?? 0
    const sectorEnd = Math.min(bytes.length, (Math.floor(at / sectorBytes) + 1) * sectorBytes)
    if (recordBytes === 0) {
      at = sectorEnd
      continue
    }
    const record = bytes.subarray(at, Math.min(sectorEnd, at + recordBytes))
    const { nameBytes, flags } = readFields(recordFields, record)
    if (recordBytes < recordHeadBytes + nameBytes || record.length < recordBytes || nameBytes === 0) {
      problem = { code: 'iso-record', detail: 'a record of the directory is damaged' }
      at = sectorEnd
      continue
    }
    at += recordBytes
    const isSelfOrParent = nameBytes === 1 && (record[recordHeadBytes] ?? 0) <= 1
    if (isSelfOrParent) continue
    parts.push(record)
    if (flags & recordFlags.continues && parts.length < maxParts) continue
    const entry = entryOf(layout, parts)
    if (entry === null) problem = { code: 'iso-name', detail: 'an entry of the directory has an impossible name' }
    else if (entry !== 'moved') entries.push(entry)
    parts = []
  }
  return { entries, problem }
}

function entryOf(layout: Layout, parts: readonly Uint8Array[]): TreeNode | 'moved' | null {
  const record = parts.at(-1)
  if (!record) return null
  const { nameBytes } = readFields(recordFields, record)
  const stored = record.subarray(recordHeadBytes, recordHeadBytes + nameBytes)
  const areaStart = recordHeadBytes + nameBytes + (nameBytes % 2 === 0 ? 1 : 0) + layout.skipBytes
  const read = (start: number, length: number) => pieceOf(layout.device, start, length)
  const ridge = layout.names === 'rock-ridge' ? readRockRidge(record.subarray(areaStart), layout.blockBytes, read) : null
  if (ridge?.relocated) return 'moved'
  const name = ridge?.name ?? storedName(stored, layout.names)
  if (name === '' || name === '.' || name === '..' || name.includes('/') || name.includes('\0')) return null
  return node(layout, name, parts[0] ?? record, placeOf(layout, parts), ridge)
}

/** Without the version, as Linux shows it; the plain ones, which are in capitals, in small letters (fs/isofs/dir.c). */
function storedName(bytes: Uint8Array, names: IsoVolume['names']): string {
  const text =
    names === 'joliet'
      ? Buffer.from(bytes.subarray(0, bytes.length & ~1))
          .swap16()
          .toString('utf16le')
      : Buffer.from(bytes).toString('latin1')
  const plain = text.replace(/;\d+$/, '')
  return names === 'joliet' ? plain : plain.replace(/\.$/, '').toLowerCase()
}
