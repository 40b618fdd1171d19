import type { BlockDevice } from '../block/device.ts'
import { directoryOf } from './fat-clusters.ts'
import { fatEntryBytes } from './fat-names.ts'
import { openFat } from './fat-tree.ts'
import { type Parsed, parsed, unusable } from './problem.ts'

/** Where a boot sector has the label (Microsoft, "FAT: General Overview of On-Disk Format", 1.03), and a FAT32 the number of its copy. */
const labelAt = { 12: 43, 16: 43, 32: 71 }
const backupAt = 50
const labelBytes = 11
const attributeAt = 11
const attribute = { volume: 0x08, longName: 0x0f, mask: 0x3f }
const [neverUsed, deleted] = [0x00, 0xe5]
const allowed = /^[\x20-\x7e]{1,11}$/
const forbidden = /["*+,./:;<=>?[\\\]|]/

/**
 * Names a FAT volume anew: the entry of its root folder, by which systems go, and the boot sectors. Problems: `fat-label` for a name that cannot be one, and
 * whatever keeps its root folder from being read.
 */
export function setFatLabel(volume: BlockDevice, label: string): Parsed<null> {
  const { value: tree, problem } = openFat(volume)
  if (!tree) return { value: null, problem }
  if (!volume.writeSync) throw new TypeError('the volume was opened for reading only')
  if (!allowed.test(label) || forbidden.test(label)) return unusable('fat-label', `"${label}" cannot be the name of a FAT volume`)
  const { value: directory, problem: unread } = directoryOf(volume, tree, tree.root)
  if (!directory) return { value: null, problem: unread }
  const name = Buffer.from(label.padEnd(labelBytes), 'latin1')
  const place = placeOf(directory)
  if (place === null) return unusable('fat-label', 'its root folder is full')
  directory.writeSync?.(name, place.offset)
  if (place.isNew) {
    const rest = new Uint8Array(fatEntryBytes - labelBytes)
    rest[0] = attribute.volume
    directory.writeSync?.(rest, place.offset + labelBytes)
  }
  const { entryBits, sectorBytes, reservedSectors } = tree.volume
  volume.writeSync(name, labelAt[entryBits])
  const copy = Buffer.alloc(2)
  volume.readSync(copy, backupAt)
  const backup = entryBits === 32 ? copy.readUInt16LE() : 0
  if (backup > 0 && backup < reservedSectors) volume.writeSync(name, backup * sectorBytes + labelAt[32])
  return parsed(null)
}

function placeOf(directory: BlockDevice): { offset: number; isNew: boolean } | null {
  const bytes = new Uint8Array(directory.size)
  directory.readSync(bytes, 0)
  let free: number | null = null
  for (let offset = 0; offset + fatEntryBytes <= bytes.length; offset += fatEntryBytes) {
    const first = bytes[offset] ?? neverUsed
    const kind = (bytes[offset + attributeAt] ?? 0) & attribute.mask
    if (first === neverUsed || first === deleted) free ??= offset
    if (first === neverUsed) break
    if (first !== deleted && kind !== attribute.longName && kind & attribute.volume) return { offset, isNew: false }
  }
  return free === null ? null : { offset: free, isNew: true }
}
