import type { StreamDevice } from '../block/device.ts'
import { LivecardError } from '../errors.ts'
import { countDifferences, countedBlockBytes, type Differences } from './differences.ts'
import { isMarkerBlock } from './first-block.ts'
import type { TargetState, WorkState } from './flash-state.ts'
import { anyLeft, bytesOf, each, lengthOf, shareBlock } from './lanes.ts'
import { closeWithinMs, defaultLimits, untilAborted, type WriteLimits, within } from './limits.ts'
import { paddedLength } from './padding.ts'
import { evenSpans, workInThreads, worthThreadsBytes } from './piece-threads.ts'
import { ReadPool, readBufferBytes } from './read-pool.ts'
import type { Digests, ImageStream } from './stream.ts'
import { type PieceWork, TargetLane, type WorkTarget } from './target-lane.ts'
import type { WriteMap } from './write-map.ts'

export interface VerifyWork {
  /** Opened; closed here. */
  stream: ImageStream
  /** Opened for reading; closed here. */
  targets: WorkTarget[]
  state: WorkState
  map: WriteMap | null
  /** Throws when the image is not the one that was published. */
  checkDigests: (digests: Digests) => void
  signal: AbortSignal
  limits?: WriteLimits
}

/** What was found on one target. */
interface Findings extends Differences {
  comparedBlocks: number
  unfinished: boolean
}

/** Compares an image with what stands on targets, byte by byte, and never writes. A target that differs ends as failed, with the error that says where. */
export async function verifyImage(work: VerifyWork): Promise<void> {
  const { state, signal, stream } = work
  const limits = { ...(work.limits ?? defaultLimits) }
  const pool = new ReadPool()
  const findings = new Map<TargetState, Findings>()
  const targets = work.targets.map((target) => {
    const found: Findings = { differsAt: null, differingBlocks: 0, comparedBlocks: 0, unfinished: false }
    findings.set(target.state, found)
    return new TargetLane(target, limits, comparePiece(target.state, found, pool, limits))
  })
  try {
    state.phase = 'verifying'
    for (const target of targets) target.state.state = 'running'
    await (mayReadTheFile(work) ? compareFile(work, findings) : compareAll(work, targets))
    if (anyLeft(targets)) work.checkDigests(await untilAborted(stream.digests(), signal))
    state.phase = 'finishing'
    await each(targets, signal, async (target) => {
      const found = findings.get(target.state)
      if (found && found.differsAt !== null) throw targetDiffers(target.device.label, found)
      target.state.state = 'done'
    })
  } catch (thrown) {
    for (const target of targets) target.fail(thrown)
    throw thrown
  } finally {
    await stream.close().catch(() => {})
    await Promise.all(targets.map((target) => within(target.close(), closeWithinMs, target.device.label).catch(() => {})))
    state.phase = 'ended'
  }
}

/** A plain image and a single card: both are read side by side, and nothing has to pass through the memory that several cards share. */
function mayReadTheFile({ stream, targets: [target, another], map }: VerifyWork): boolean {
  const large = (stream.contentBytes ?? 0) >= worthThreadsBytes
  return stream.plainFile !== undefined && map === null && another === undefined && target?.device.lend !== undefined && large
}

async function compareFile(
  { stream, targets, state, signal, limits = defaultLimits }: VerifyWork,
  all: Map<TargetState, Findings>,
) {
  const { plainFile, contentBytes } = stream
  const [target] = targets
  const findings = target && all.get(target.state)
  if (!target || !findings || !plainFile || contentBytes === null) throw new Error('not a plain image and a card')
  const { device, state: own } = target
  if (contentBytes > device.sizeBytes) return own.fail(targetTooSmall(device))
  state.imageBytes = contentBytes
  const found = await workInThreads({
    device,
    doing: 'reading',
    spans: evenSpans(contentBytes, readBufferBytes),
    work: { is: 'compare-file', image: plainFile },
    limits,
    signal,
    onMoved(bytes, cardMs) {
      own.verifiedBytes += bytes
      own.passedBytes += bytes
      own.addBusy(cardMs)
      state.storedBytesRead += bytes
    },
  })
  if (found.imageFailed) throw found.imageFailed
  findings.differsAt = found.differsAt
  findings.differingBlocks = found.differingBlocks
  findings.comparedBlocks = Math.ceil(contentBytes / countedBlockBytes)
  findings.unfinished = found.unfinished
}

async function compareAll({ stream, map, state, signal }: VerifyWork, targets: TargetLane[]): Promise<void> {
  let imageBytes = 0
  while (anyLeft(targets)) {
    const block = await untilAborted(stream.next(), signal)
    if (!block) {
      state.imageBytes = imageBytes
      await map?.finish(imageBytes)
      await each(targets, signal, (target) => untilAborted(target.drained(), signal))
      return
    }
    imageBytes = block.offset + block.bytes.length
    const shared = shareBlock(block)
    const ranges = map ? await map.needed(block.offset, block.bytes) : [{ start: block.offset, end: imageBytes }]
    const skipped = block.bytes.length - lengthOf(ranges)
    state.skippedBytes += skipped
    for (const target of targets) {
      if (imageBytes > target.device.sizeBytes && !target.state.ended) target.fail(targetTooSmall(target.device))
      target.state.passedBytes += skipped
      for (const range of ranges) target.push({ bytes: bytesOf(block, range), offset: range.start, release: shared.share() })
    }
    shared.done()
    state.storedBytesRead = stream.storedBytesRead
    state.sourceWaitMs = stream.sourceWaitMs
  }
}

function comparePiece(state: TargetState, found: Findings, pool: ReadPool, limits: WriteLimits): PieceWork {
  const compare = async (device: StreamDevice, bytes: Uint8Array, offset: number): Promise<void> => {
    const buffer = await pool.take()
    let lost = true
    try {
      const reading = device.read(buffer.subarray(0, paddedLength(bytes.length, device)), offset).finally(() => {
        lost = false
      })
      await within(reading, limits.answerWithinMs, device.label)
      if (state.ended) return
      if (offset === 0) found.unfinished = isMarkerBlock(buffer)
      count(found, bytes, buffer.subarray(0, bytes.length), offset)
      state.verifiedBytes += bytes.length
    } finally {
      if (lost) pool.lose()
      else pool.give(buffer)
    }
  }
  return async (device, bytes, offset) => {
    for (let start = 0; start < bytes.length && !state.ended; start += readBufferBytes) {
      await compare(device, bytes.subarray(start, start + readBufferBytes), offset + start)
    }
  }
}

function count(found: Findings, expected: Uint8Array, actual: Uint8Array, offset: number): void {
  found.comparedBlocks += Math.ceil(expected.length / countedBlockBytes)
  if (Buffer.compare(expected, actual) !== 0) countDifferences(found, offset, expected, actual)
}

function targetDiffers(label: string, found: Findings): LivecardError {
  const share = `${found.differingBlocks} of ${found.comparedBlocks} blocks of ${countedBlockBytes} bytes differ, the first at byte ${found.differsAt}`
  return new LivecardError('differs', 'verify-mismatch', {
    message: `${label} does not hold this image: ${share}.`,
    meaning: found.unfinished
      ? 'The card was being written, and that never came to its end: it holds no usable system. Nothing was changed by comparing.'
      : 'It holds something else, or was used since it was written: a system that has run from it changes it. Nothing was changed by comparing.',
    next: found.unfinished
      ? 'Write the image again.'
      : 'If the card was just written and never used, write it again; if it differs once more, take another card.',
  })
}

function targetTooSmall(device: { label: string; sizeBytes: number }): LivecardError {
  return new LivecardError('differs', 'target-too-small', {
    message: `${device.label} is smaller than the image: it holds ${device.sizeBytes} bytes.`,
    meaning: 'It cannot hold this image completely. Nothing was changed by comparing.',
    next: 'Choose the drive that the image was written to.',
  })
}
