import { readAllocation, type VolumeAllocation } from '../volumes/allocation.ts'
import type { Problem } from '../volumes/problem.ts'
import type { Reading } from '../volumes/reading.ts'
import { type FoundVolume, findVolumes } from './find-volumes.ts'
import { FreeRuns, RunBudget } from './free-runs.ts'
import { PassingReaders } from './passing-readers.ts'
import type { ByteRange, WriteMap } from './write-map.ts'

/** Together 16 MiB at most; an honest image stays far below. */
const maxRuns = 262144
/** Partitions beyond are written whole. */
const maxVolumes = 32

export interface AllocationVolume extends VolumeAllocation {
  startBytes: number
}

export interface AllocationMap extends WriteMap {
  readonly kind: 'allocation'
  /** What was found in the image so far, and per volume why it, or the rest of it, is written whole. */
  readonly volumes: readonly AllocationVolume[]
  /** Why no volumes were looked for, or no more. */
  readonly problem: Problem | null
}

/**
 * Leaves out what the image's own ext and FAT volumes say is free, in one pass: a part is left out only if everything that says so has
 * passed before it. What is not understood is written. The outcome does not depend on the size of the blocks.
 */
export function allocationWriteMap(): AllocationMap {
  const readers = new PassingReaders()
  const budget = new RunBudget(maxRuns)
  const lists: FreeRuns[] = []
  const volumes: AllocationVolume[] = []
  let problem: Problem | null = null

  function* readVolume({ startBytes, lengthBytes }: FoundVolume): Reading<void> {
    const runs = new FreeRuns(budget)
    lists.push(runs)
    const allocation = yield* readAllocation(lengthBytes, (start, end) => {
      runs.add(startBytes + start, startBytes + end, readers.horizon)
    })
    if (allocation.problem) runs.forgetFrom(readers.horizon)
    volumes.push({ startBytes, ...allocation })
  }

  function* readTables(): Reading<void> {
    problem = yield* findVolumes((volume) => {
      if (lists.length < maxVolumes) readers.start(volume.startBytes, readVolume(volume))
    })
  }

  readers.start(0, readTables())

  return {
    kind: 'allocation',
    volumes,
    get problem() {
      return problem
    },
    needed(offset, bytes): ByteRange[] {
      readers.pass(offset, bytes)
      const end = offset + bytes.length
      const gaps = lists.flatMap((list) => list.touching(offset, end)).sort((a, b) => a.start - b.start)
      const needed: ByteRange[] = []
      let reached = offset
      for (const gap of gaps) {
        if (gap.start > reached) needed.push({ start: reached, end: gap.start })
        reached = Math.max(reached, Math.min(gap.end, end))
      }
      if (reached < end) needed.push({ start: reached, end })
      return needed
    },
    async finish() {},
  }
}
