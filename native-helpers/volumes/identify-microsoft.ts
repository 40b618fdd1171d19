import type { BlockDevice } from '../block/device.ts'
import { isPowerOfTwo, readFields, u8, u16, u32, u64 } from './fields.ts'
import { type Identity, labelText, labelUtf16, serialText, startsWith } from './identity.ts'
import { pieceOf } from './piece.ts'

const sectorBytes = 512

/** The BIOS parameter block; libblkid/src/superblocks/vfat.c of util-linux for what it asks of it. */
const fatFields = {
  sectorBytes: u16(11),
  sectorsPerCluster: u8(13),
  reservedSectors: u16(14),
  fatCount: u8(16),
  rootEntries: u16(17),
  sectors16: u16(19),
  media: u8(21),
  fatSectors16: u16(22),
  sectors32: u32(32),
  fatSectors32: u32(36),
  rootCluster: u32(44),
  infoSector: u16(48),
}
const fatMagics = [
  { at: 0x52, text: 'MSWIN' },
  { at: 0x52, text: 'FAT32   ' },
  { at: 0x36, text: 'MSDOS' },
  { at: 0x36, text: 'FAT16   ' },
  { at: 0x36, text: 'FAT12   ' },
  { at: 0x36, text: 'FAT     ' },
]
/** Boot sectors of these look like a FAT's to a BIOS. */
const notFat = ['JFS     ', 'HPFS    ']
const maxFat12 = 0xff4
const maxFat16 = 0xfff4
const maxFat32 = 0x0ffffff6
const maxRootClusters = 100
const entryBytes = 32

export function identifyFat(device: BlockDevice): Identity | null {
  const sector = pieceOf(device, 0, sectorBytes)
  if (!sector) return null
  const signed = sector[510] === 0x55 && sector[511] === 0xaa
  const named = fatMagics.some(({ at, text }) => startsWith(sector, text, at))
  if (!named && (!signed || notFat.some((text) => startsWith(sector, text, 0x36)))) return null
  const raw = readFields(fatFields, sector)
  const sane = raw.fatCount > 0 && raw.reservedSectors > 0 && (raw.media >= 0xf8 || raw.media === 0xf0)
  if (!sane || !isPowerOfTwo(raw.sectorsPerCluster)) return null
  if (!isPowerOfTwo(raw.sectorBytes) || raw.sectorBytes < 512 || raw.sectorBytes > 4096) return null
  const fat32 = raw.fatSectors16 === 0 && raw.fatSectors32 > 0
  // With 32 bits, as blkid counts: a table that is larger than the volume can pass by it.
  const rootSector = (raw.reservedSectors + raw.fatCount * (raw.fatSectors16 || raw.fatSectors32)) >>> 0
  const dataSector = rootSector + Math.ceil((raw.rootEntries * entryBytes) / raw.sectorBytes)
  const clusters = Math.floor((((raw.sectors16 || raw.sectors32) - dataSector) >>> 0) / raw.sectorsPerCluster)
  const most = fat32 ? maxFat32 : clusters > maxFat12 ? maxFat16 : maxFat12
  if (clusters > most) return null

  if (!fat32) {
    const root = pieceOf(device, rootSector * raw.sectorBytes, raw.rootEntries * entryBytes)
    return { type: 'vfat', label: root && rootLabel(root).label, uuid: serialText(sector.subarray(0x27, 0x2b)) }
  }
  const info = raw.infoSector ? pieceOf(device, raw.infoSector * raw.sectorBytes, sectorBytes) : null
  if (raw.infoSector && (!info || !isInfoSector(info))) return null
  const label = fat32Label(device, raw, rootSector)
  return { type: 'vfat', label, uuid: serialText(sector.subarray(0x43, 0x47)) }
}

/** Signatures that are zero are let pass: some formatters never set them. */
function isInfoSector(info: Uint8Array): boolean {
  const allows = (at: number, texts: string[]) => texts.some((text) => startsWith(info, text, at))
  return allows(0, ['RRaA', 'RRdA', '\0\0\0\0']) && allows(484, ['rrAa', '\0\0\0\0'])
}

function fat32Label(device: BlockDevice, raw: Record<keyof typeof fatFields, number>, dataSector: number): string | null {
  const clusterBytes = raw.sectorsPerCluster * raw.sectorBytes
  const entries = (raw.fatSectors32 * raw.sectorBytes) / 4
  let cluster = raw.rootCluster
  for (let count = 0; cluster >= 2 && cluster < entries && count < maxRootClusters; count += 1) {
    const directory = pieceOf(device, dataSector * raw.sectorBytes + (cluster - 2) * clusterBytes, clusterBytes)
    if (!directory) return null
    const { label, ended } = rootLabel(directory)
    if (label !== null || ended) return label
    const link = pieceOf(device, raw.reservedSectors * raw.sectorBytes + cluster * 4, 4)
    if (!link) return null
    cluster = (readFields({ next: u32(0) }, link).next ?? 0) & 0x0fffffff
  }
  return null
}

/** The entry with the volume attribute alone; the boot sector's copy is not asked, since renaming leaves it behind. */
function rootLabel(directory: Uint8Array): { label: string | null; ended: boolean } {
  for (let at = 0; at + entryBytes <= directory.length; at += entryBytes) {
    const entry = directory.subarray(at, at + entryBytes)
    if (entry[0] === 0) return { label: null, ended: true }
    const { attributes, clusterHigh, clusterLow } = readFields(
      { attributes: u8(11), clusterHigh: u16(20), clusterLow: u16(26) },
      entry,
    )
    if (entry[0] === 0xe5 || clusterHigh || clusterLow || (attributes & 0x3f) === 0x0f) continue
    if ((attributes & 0x18) === 0x08) {
      const name = Uint8Array.from(entry.subarray(0, 11))
      if (name[0] === 0x05) name[0] = 0xe5
      return { label: labelText(name), ended: true }
    }
  }
  return { label: null, ended: false }
}

/** exFAT file system specification (Microsoft), 3.1 main boot sector and 7.3 volume label entry. */
const exfatFields = {
  fatOffset: u32(80),
  heapOffset: u32(88),
  clusterCount: u32(92),
  rootCluster: u32(96),
  sectorShift: u8(108),
  clusterShift: u8(109),
  signature: u16(510),
}
const exfatLabelType = 0x83
const maxExfatRootClusters = 1024
export function identifyExfat(device: BlockDevice): Identity | null {
  const sector = pieceOf(device, 0, sectorBytes)
  if (!sector || !startsWith(sector, '\xeb\x76\x90EXFAT   ') || sector.subarray(11, 64).some((byte) => byte !== 0)) return null
  const raw = readFields(exfatFields, sector)
  if (raw.signature !== 0xaa55 || raw.sectorShift < 9 || raw.sectorShift > 12 || raw.clusterShift > 25 - raw.sectorShift)
    return null
  return { type: 'exfat', label: exfatLabel(device, raw), uuid: serialText(sector.subarray(100, 104)) }
}

function exfatLabel(device: BlockDevice, raw: Record<keyof typeof exfatFields, number>): string | null {
  const bytesPerSector = 2 ** raw.sectorShift
  const clusterBytes = bytesPerSector * 2 ** raw.clusterShift
  let cluster = raw.rootCluster
  for (let count = 0; cluster >= 2 && cluster < raw.clusterCount + 2 && count < maxExfatRootClusters; count += 1) {
    const start = raw.heapOffset * bytesPerSector + (cluster - 2) * clusterBytes
    for (let at = 0; at < clusterBytes; at += 4096) {
      const entries = pieceOf(device, start + at, Math.min(4096, clusterBytes))
      if (!entries) return null
      for (let offset = 0; offset < entries.length; offset += entryBytes) {
        const type = entries[offset] ?? 0
        if (type === 0) return null
        if (type === exfatLabelType) {
          const length = Math.min(22, (entries[offset + 1] ?? 0) * 2)
          return labelUtf16(entries.subarray(offset + 2, offset + 2 + length), 'little')
        }
      }
    }
    const link = pieceOf(device, raw.fatOffset * bytesPerSector + cluster * 4, 4)
    if (!link) return null
    cluster = readFields({ next: u32(0) }, link).next
  }
  return null
}

/** libblkid/src/superblocks/ntfs.c of util-linux; layout.h of ntfs-3g. */
const ntfsFields = {
  sectorBytes: u16(11),
  sectorsPerCluster: u8(13),
  reservedSectors: u16(14),
  fatCount: u8(16),
  rootEntries: u16(17),
  sectors16: u16(19),
  fatSectors: u16(22),
  sectors32: u32(32),
  sectors: u64(40),
  mftCluster: u64(48),
  mirrorCluster: u64(56),
  clustersPerRecord: u8(64),
}
const maxNtfsClusterBytes = 2 * 1024 * 1024
const volumeRecord = 3
const volumeNameAttribute = 0x60
const endAttribute = 0xffffffff

export function identifyNtfs(device: BlockDevice): Identity | null {
  const sector = pieceOf(device, 0, sectorBytes)
  if (!sector || !startsWith(sector, 'NTFS    ', 3)) return null
  const raw = readFields(ntfsFields, sector)
  const perCluster = raw.sectorsPerCluster > 0x80 ? 2 ** (256 - raw.sectorsPerCluster) : raw.sectorsPerCluster
  const clusterBytes = raw.sectorBytes * perCluster
  if (raw.sectorBytes < 256 || raw.sectorBytes > 4096 || !isPowerOfTwo(clusterBytes) || clusterBytes > maxNtfsClusterBytes)
    return null
  if (raw.reservedSectors || raw.fatCount || raw.rootEntries || raw.sectors16 || raw.fatSectors || raw.sectors32) return null
  const clusters = raw.sectors / perCluster
  if (!(raw.mftCluster <= clusters && raw.mirrorCluster <= clusters)) return null
  const recordBytes = raw.clustersPerRecord > 0x7f ? 2 ** (256 - raw.clustersPerRecord) : raw.clustersPerRecord * clusterBytes
  const mft = raw.mftCluster * clusterBytes
  const first = pieceOf(device, mft, recordBytes)
  const volume = pieceOf(device, mft + volumeRecord * recordBytes, recordBytes)
  if (!first || !volume || !startsWith(first, 'FILE') || !startsWith(volume, 'FILE')) return null
  const serial = Buffer.from(sector.subarray(72, 80)).reverse().toString('hex').toUpperCase()
  return { type: 'ntfs', label: ntfsLabel(volume), uuid: serial }
}

function ntfsLabel(record: Uint8Array): string | null {
  for (let at = readFields({ first: u16(20) }, record).first; at + 24 <= record.length; ) {
    const attribute = record.subarray(at)
    const { type, length, valueBytes, valueOffset } = readFields(
      { type: u32(0), length: u32(4), valueBytes: u32(16), valueOffset: u16(20) },
      attribute,
    )
    if (type === endAttribute || length === 0) return null
    if (type === volumeNameAttribute) return labelUtf16(attribute.subarray(valueOffset, valueOffset + valueBytes), 'little')
    at += length
  }
  return null
}
