import { cancelled } from '../errors.ts'
import type { ImageBlock } from './stream.ts'
import type { TargetLane } from './target-lane.ts'
import type { ByteRange } from './write-map.ts'

/** Runs a step for every target that is still at work; who fails in it is out, the others go on. */
export async function each(targets: TargetLane[], signal: AbortSignal, step: (target: TargetLane) => Promise<void>): Promise<void> {
  await Promise.all(
    targets.map(async (target) => {
      if (target.state.ended) return
      try {
        if (signal.aborted) throw cancelled()
        await step(target)
      } catch (thrown) {
        target.fail(thrown)
      }
    }),
  )
}

export function anyLeft(targets: TargetLane[]): boolean {
  return targets.some((target) => !target.state.ended)
}

/** A block goes back to the decoder when the last of those who share it is done with it. */
export function shareBlock(block: ImageBlock): { share: () => () => void; done: () => void } {
  let holders = 1
  const done = () => {
    holders -= 1
    if (holders === 0) block.release()
  }
  const share = () => {
    holders += 1
    return done
  }
  return { share, done }
}

export function bytesOf(block: ImageBlock, { start, end }: ByteRange): Uint8Array {
  return block.bytes.subarray(start - block.offset, end - block.offset)
}

export function lengthOf(ranges: readonly ByteRange[]): number {
  return ranges.reduce((sum, { start, end }) => sum + end - start, 0)
}
