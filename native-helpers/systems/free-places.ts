import type { BlockDevice } from '../block/device.ts'
import { type Extent, extentsDevice } from '../block/extents.ts'
import { joined, type Range } from '../block/ranges.ts'
import { readAllocation } from '../volumes/allocation.ts'
import { readFrom } from '../volumes/reading.ts'

/**
 * Where a volume (ext or FAT) has nothing, by its own maps, in places of the card that it lies on; ascending. None where the maps are not to be relied on: a journal
 * that waits, an unclean end, damage, a feature that is not known.
 */
export function freePlaces(card: BlockDevice, extents: readonly Extent[]): Range[] {
  const volume = extentsDevice(card, extents)
  const free: Range[] = []
  const { problem } = readFrom(
    volume,
    readAllocation(volume.size, (start, end) => free.push(...placesOf(extents, start, end))),
  )
  return problem ? [] : joined(free)
}

function placesOf(extents: readonly Extent[], from: number, to: number): Range[] {
  const places: Range[] = []
  let begin = 0
  for (const { start, lengthBytes } of extents) {
    const first = Math.max(from, begin)
    const end = Math.min(to, begin + lengthBytes)
    if (start !== null && end > first) places.push({ offset: start + first - begin, lengthBytes: end - first })
    begin += lengthBytes
  }
  return places
}
