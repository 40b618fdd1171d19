import type { ImageFacts } from '../contract.ts'
import { cancelled, fromValue } from '../errors.ts'
import { BlockQueue } from './block-queue.ts'
import type { DecoderMessage, Work } from './decode-task.ts'
import { type DigestAlgorithm, type Digester, digestBlocks, digestFile, settled } from './digests.ts'
import { fileError } from './image-errors.ts'
import { createMeters, type Meters, readBytes, waitedMs } from './meter.ts'
import { createRing, stopRing } from './slot-ring.ts'
import { type Digests, defaultBlockBytes, defaultSlots, type ImageStream, type StreamOptions } from './stream.ts'
import { type RunningTask, startTask } from './threads.ts'

/** Brings stored bytes from elsewhere to the decoding thread, and sums them on the way. */
export interface Feeder {
  onFailure(listener: (thrown: unknown) => void): void
  /** After the decoder has taken everything. */
  digests(): Promise<{ sha256: string | null; md5: string | null }>
  close(): Promise<void>
}

/** What decodes an image: the work of each thread, and where the stored bytes come from. */
export interface DecodePlan {
  name: string
  works: Work[]
  /** What the decoders need for their windows and dictionaries, all threads together. */
  decoderBytes: number
  from: { path: string; sizeBytes: number } | { feeder: Feeder }
}

/** Where the decoders take this much, fewer blocks lie in the ring: the bound is on both together. */
const largeDecoderBytes = 64 * 1024 * 1024
const fewSlots = 6

/** An image that threads decode into a ring. */
export function openDecodedStream(facts: ImageFacts, plan: DecodePlan, options: StreamOptions): ImageStream {
  const slots = options.slots ?? defaultSlots
  const ring = createRing(
    options.blockBytes ?? defaultBlockBytes,
    plan.decoderBytes > largeDecoderBytes ? Math.min(slots, fewSlots) : slots,
  )
  const meters = createMeters(plan.works.length)
  const contentDigesters = unique(options.digests?.content).map((algorithm) => digestBlocks(algorithm, ring))
  const fileDigesters = startFileDigests(plan, options, meters)
  const queue = new BlockQueue(ring, contentDigesters)
  let contentBytes = facts.contentBytes
  let running = plan.works.length
  let ended = false
  let closing: Promise<unknown> | null = null

  const finished = (lengthBytes: number | null) => {
    contentBytes = lengthBytes ?? contentBytes
    running--
    // Only when all are through: a thread may find damage after its last byte.
    if (running > 0) return
    ended = true
    for (const one of fileDigesters) one.end()
    queue.ended(contentBytes ?? 0)
  }
  const threads = plan.works.map((work, index): Decoder => {
    let tell: () => void = () => {}
    const through = new Promise<void>((resolve) => {
      tell = resolve
    })
    const thread = startTask(
      { kind: 'decode', name: plan.name, work, ring, meter: meters.of(index) },
      {
        message(message) {
          const said = message as DecoderMessage
          if ('filled' in said) {
            queue.filled(said.filled, said.bytes)
            return
          }
          if (leavesNothing(work)) thread.giveBack()
          tell()
          if ('failed' in said) queue.failed(fromValue(said.failed))
          else if ('stopped' in said) queue.failed(cancelled())
          else finished(said.ended)
        },
        died(thrown) {
          tell()
          queue.failed(
            closing === null ? fileError(plan.name, thrown ?? new Error('a decoding thread ended without a word')) : cancelled(),
          )
        },
      },
    )
    return { work, thread, through }
  })
  if ('feeder' in plan.from) plan.from.feeder.onFailure((thrown) => queue.failed(thrown))

  const close = (): Promise<unknown> => {
    if (closing === null) stopRing(ring)
    closing ??= Promise.all([
      ...threads.map(endDecoder),
      ...[...contentDigesters, ...fileDigesters].map((one) => one.close()),
      'feeder' in plan.from ? plan.from.feeder.close() : null,
    ])
    return closing
  }
  const stop = () => {
    queue.failed(cancelled())
    close().catch(() => undefined)
  }
  options.signal?.addEventListener('abort', stop, { once: true })
  if (options.signal?.aborted) stop()

  return {
    format: facts.format,
    blockBytes: ring.blockBytes,
    get contentBytes() {
      return contentBytes
    },
    storedBytes: facts.storedBytes,
    get storedBytesRead() {
      const read = readBytes(meters.all)
      if (facts.storedBytes === null) return read
      return ended ? facts.storedBytes : Math.min(read, facts.storedBytes)
    },
    get sourceWaitMs() {
      return waitedMs(meters.all)
    },
    async next() {
      const block = await queue.next(options.signal)
      if (block === null) for (const one of contentDigesters) one.end()
      return block
    },
    async digests(): Promise<Digests> {
      const file = 'feeder' in plan.from ? await plan.from.feeder.digests() : await settled(fileDigesters)
      return { file, content: await settled(contentDigesters) }
    },
    async close() {
      options.signal?.removeEventListener('abort', stop)
      queue.failed(cancelled())
      await close()
    },
  }
}

interface Decoder {
  work: Work
  thread: RunningTask
  /** Settles when it has said its last word. */
  through: Promise<void>
}

/** A decoder at work takes milliseconds to its next block, where it sees that it was stopped. */
const stopWithinMs = 300

async function endDecoder({ work, thread, through }: Decoder): Promise<void> {
  if (leavesNothing(work)) {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, stopWithinMs)
    })
    await Promise.race([through, late])
    clearTimeout(timer)
  }
  await thread.end()
}

/** The decoders of Node itself give all of their memory back, so that their threads can be kept; and what is read from a file never waits for long. */
function leavesNothing(work: Work): boolean {
  return work.kind === 'stream' && work.source.kind === 'file' && work.packing !== 'xz' && work.packing !== 'bzip2'
}

function startFileDigests(plan: DecodePlan, options: StreamOptions, meters: Meters): Digester[] {
  const { from } = plan
  if (!('path' in from)) return []
  return unique(options.digests?.file).map((algorithm) => digestFile(algorithm, plan.name, from.path, from.sizeBytes, meters))
}

function unique(algorithms: DigestAlgorithm[] | undefined): DigestAlgorithm[] {
  return [...new Set(algorithms)]
}
