import type { BlockDevice } from '../block/device.ts'
import { openIso9660 } from './iso9660.ts'
import { pieceOf } from './piece.ts'
import { walkTree } from './tree.ts'

const sectorBytes = 2048
const descriptorSector = 16
/** ECMA-119, 8.4.14 to 8.4.18: where the tables of folders lie, and the root's own record with its place. */
const tableOffsets = { little: 140, littleOther: 144, big: 148, bigOther: 152 }
const rootPlaceOffset = 156 + 2
const mostEntries = 10_000

/**
 * From where to where all that a volume consists of lies, its descriptors left out; in bytes of the device. Null where there is none, or where it cannot
 * be told, as in one with blocks that are smaller than sectors.
 */
export function isoContentRange(device: BlockDevice): { start: number; end: number } | null {
  const { value: iso } = openIso9660(device)
  const descriptor = pieceOf(device, descriptorSector * sectorBytes, sectorBytes)
  if (!iso || !descriptor) return null
  const view = new DataView(descriptor.buffer, descriptor.byteOffset, descriptor.byteLength)
  if (view.getUint16(128, true) !== sectorBytes) return null
  const { little, littleOther, big, bigOther } = tableOffsets
  const tables = [little, littleOther].map((offset) => view.getUint32(offset, true))
  tables.push(...[big, bigOther].map((offset) => view.getUint32(offset, false)))
  const blocks = [view.getUint32(rootPlaceOffset, true), ...tables.filter((block) => block > 0)]
  let [start, end] = [Math.min(...blocks) * sectorBytes, Math.max(iso.sizeBytes, (Math.max(...blocks) + 1) * sectorBytes)]
  const take = (from: number, to: number) => {
    start = Math.min(start, from)
    end = Math.max(end, to)
  }
  const problems = walkTree(
    iso,
    (_path, node) => {
      if (node.kind === 'directory') take(node.id * sectorBytes, node.id * sectorBytes + node.sizeBytes)
      for (const extent of node.kind === 'file' ? (node.extents().value ?? []) : [])
        if (extent.start !== null) take(extent.start, extent.start + extent.lengthBytes)
    },
    { maxEntries: mostEntries },
  )
  if (problems.length > 0 || end > device.size) return null
  return { start, end: Math.ceil(end / sectorBytes) * sectorBytes }
}
