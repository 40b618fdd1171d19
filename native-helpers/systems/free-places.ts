import type { BlockDevice } from '../block/device.ts'
import { joined, type Range } from '../block/ranges.ts'
import { readAllocation } from '../volumes/allocation.ts'
import { readFrom } from '../volumes/reading.ts'

/**
 * Where a volume (ext or FAT) has nothing, by its own maps, counted from its start; ascending. None where the maps are not to be relied on: a journal that
 * waits, an unclean end, damage, a feature that is not known.
 */
export function freePlaces(volume: BlockDevice): Range[] {
  const free: Range[] = []
  const { problem } = readFrom(
    volume,
    readAllocation(volume.size, (start, end) => free.push({ offset: start, lengthBytes: end - start })),
  )
  return problem ? [] : joined(free)
}
