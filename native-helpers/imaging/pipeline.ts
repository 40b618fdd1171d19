import { alignedBuffer } from '../block/aligned.ts'
import { cancelled, LivecardError } from '../errors.ts'
import { copyAllButTheFirst, type FileCopy, mayCopyTheFile } from './copy-file.ts'
import { finishTarget } from './finish-target.ts'
import { firstBlockBytes, writeMarker } from './first-block.ts'
import type { TargetState, WorkState } from './flash-state.ts'
import { anyLeft, bytesOf, each, lengthOf, shareBlock } from './lanes.ts'
import { closeWithinMs, defaultLimits, flushWithinMs, untilAborted, type WriteLimits, within } from './limits.ts'
import { writePadded } from './padding.ts'
import { readBack } from './read-back.ts'
import { ReadPool } from './read-pool.ts'
import type { Digests, ImageStream } from './stream.ts'
import { type PieceWork, TargetLane, type WorkTarget } from './target-lane.ts'
import type { WriteMap } from './write-map.ts'
import { WrittenRanges } from './written-ranges.ts'

export interface FlashWork {
  /** Opened; the pipeline closes it. */
  stream: ImageStream
  /** Opened for writing; the pipeline closes them. */
  targets: WorkTarget[]
  state: WorkState
  map: WriteMap | null
  verify: boolean
  /** Throws when the image is not the one that was published. Asked before any card becomes valid. */
  checkDigests: (digests: Digests) => void
  signal: AbortSignal
  limits?: WriteLimits
}

/**
 * Writes one image to many targets: decoded once, each target fails alone.
 *
 * The order is what makes a card safe to pull at any moment:
 *   1. the start of each card becomes a marker ("not finished") and its tail zeros, flushed;
 *   2. everything but the first MiB of the image is written, and flushed;
 *   3. the image's published sums are checked, and that the block map was its own;
 *   4. everything written is read back and compared;
 *   5. the first MiB is written, flushed, read back and compared; only now is there anything that mounts or boots.
 * So a card with a valid first block has been flushed, and, unless verification was switched off, compared. Whatever happens before, a cancel, a
 * wrong sum, a drive that fails, leaves the marker. Step 5 takes a fraction of a second and is not interrupted by a cancel.
 *
 * Rejects when the image itself is at fault (then every target that was still at work carries the same error); a target's own failure stands in
 * `state` alone.
 */
export async function flashImage(work: FlashWork): Promise<void> {
  const { state, signal } = work
  const limits = work.limits ?? defaultLimits
  const targets = work.targets.map((target) => new TargetLane(target, limits, writePiece(target.state)))
  const first = alignedBuffer(firstBlockBytes)
  const written = new WrittenRanges()
  const flushMs = flushWithinMs(limits)

  try {
    try {
      await each(targets, signal, async ({ device, state }) => {
        state.state = 'running'
        await within(writeMarker(device), flushMs, device.label, signal)
      })
      state.phase = 'writing'
      const [target] = targets
      if (target && mayCopyTheFile(work)) await copyUnlessTooLarge({ work, target, written, first, limits })
      else await writeAllButTheFirst({ work, targets, written, first })
      state.phase = 'flushing'
      await each(targets, signal, ({ device }) => within(device.flush(), flushMs, device.label, signal))
      if (anyLeft(targets)) work.checkDigests(await untilAborted(work.stream.digests(), signal))
    } finally {
      // Before the comparison, which needs memory of its own.
      await work.stream.close()
    }
    await compareAndFinish({ work, targets, written, first, limits })
  } catch (thrown) {
    for (const target of targets) target.fail(thrown)
    throw thrown
  } finally {
    for (const target of targets) target.state.setBusy(false)
    await Promise.all(targets.map((target) => within(target.close(), closeWithinMs, target.device.label).catch(() => {})))
    state.phase = 'ended'
  }
}

interface Parts {
  work: FlashWork
  targets: TargetLane[]
  written: WrittenRanges
  first: Uint8Array
}

async function copyUnlessTooLarge(copy: FileCopy): Promise<void> {
  const { target, work } = copy
  if ((work.stream.contentBytes ?? 0) > target.device.sizeBytes) target.fail(imageTooLarge(target.device))
  else if (!target.state.ended) await copyAllButTheFirst(copy)
}

async function writeAllButTheFirst({ work, targets, written, first }: Parts): Promise<void> {
  const { stream, map, state, signal, verify } = work
  let imageBytes = 0
  while (anyLeft(targets)) {
    const block = await untilAborted(stream.next(), signal)
    if (!block) {
      if (imageBytes === 0) throw imageEmpty()
      state.imageBytes = imageBytes
      await map?.finish(imageBytes)
      await each(targets, signal, (target) => untilAborted(target.drained(), signal))
      return
    }
    imageBytes = block.offset + block.bytes.length
    const shared = shareBlock(block)
    for (const target of targets) {
      if (imageBytes > target.device.sizeBytes && !target.state.ended) target.fail(imageTooLarge(target.device))
    }
    if (block.offset < first.length) first.set(block.bytes.subarray(0, first.length - block.offset), block.offset)
    const needed = map ? await map.needed(block.offset, block.bytes) : [{ start: block.offset, end: imageBytes }]
    const ranges = needed
      .filter(({ end }) => end > first.length)
      .map(({ start, end }) => ({ start: Math.max(start, first.length), end }))
    const skipped = Math.max(0, imageBytes - Math.max(block.offset, first.length)) - lengthOf(ranges)
    state.skippedBytes += skipped
    for (const target of targets) {
      target.state.passedBytes += skipped
      for (const range of ranges) {
        target.push({ bytes: bytesOf(block, range), offset: range.start, release: shared.share() })
      }
    }
    if (verify) for (const range of ranges) written.add(range.start, bytesOf(block, range))
    shared.done()
    state.storedBytesRead = stream.storedBytesRead
    state.sourceWaitMs = stream.sourceWaitMs
  }
}

async function compareAndFinish({ work, targets, written, first, limits }: Parts & { limits: WriteLimits }): Promise<void> {
  const { state, signal, verify } = work
  const firstBytes = Math.min(first.length, state.imageBytes ?? 0)
  const pool = new ReadPool()
  let comparing = targets.filter((target) => !target.state.ended).length
  const alone = comparing === 1
  state.verifyBytes = verify ? written.totalBytes + firstBytes : null
  state.phase = verify ? 'verifying' : 'finishing'

  await each(targets, signal, async (target) => {
    const { device, state: own } = target
    if (verify) {
      const onVerified = (bytes: number) => {
        own.verifiedBytes += bytes
      }
      const compared = readBack({ device, written, alone, pool, limits, signal, onVerified })
      await compared.finally(() => {
        comparing -= 1
        if (comparing === 0) state.phase = 'finishing'
      })
    }
    if (signal.aborted) throw cancelled()
    await finishTarget({ device, first, verify, limits })
    await within(target.close(), flushWithinMs(limits), device.label)
    own.writtenBytes += firstBytes
    own.passedBytes += firstBytes
    if (verify) own.verifiedBytes += firstBytes
    own.state = 'done'
  })
}

function writePiece(state: TargetState): PieceWork {
  return async (device, bytes, offset) => {
    await writePadded(device, bytes, offset)
    if (!state.ended) state.writtenBytes += bytes.length
  }
}

export function imageTooLarge(device: { label: string; sizeBytes: number }): LivecardError {
  return new LivecardError('data', 'image-too-large', {
    message: `The image is larger than ${device.label}, which holds ${device.sizeBytes} bytes.`,
    meaning: 'Writing was stopped when there was no more room. The card is left marked as not finished.',
    next: 'Take a larger card. If the image should fit, it is damaged or not what it says: download it again.',
  })
}

function imageEmpty(): LivecardError {
  return new LivecardError('data', 'image-empty', {
    message: 'There is nothing in the image.',
    meaning: 'Nothing of it was written. The card is left marked as not finished.',
    next: 'Download the image again.',
  })
}
