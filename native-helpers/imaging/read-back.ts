import type { StreamDevice } from '../block/device.ts'
import { cancelled } from '../errors.ts'
import { sumKeys } from './cell-sum.ts'
import { type WriteLimits, within } from './limits.ts'
import { explainMismatch } from './mismatch.ts'
import { paddedLength } from './padding.ts'
import { spanFields } from './piece-task.ts'
import { workInThreads, worthThreadsBytes } from './piece-threads.ts'
import { type ReadPool, readBufferBytes } from './read-pool.ts'
import { cellEnd, cellSums, type WrittenRanges } from './written-ranges.ts'

interface Span {
  start: number
  end: number
}

export interface ReadBack {
  device: StreamDevice
  written: WrittenRanges
  /** No other card is read at the same time. */
  alone: boolean
  pool: ReadPool
  limits: WriteLimits
  signal: AbortSignal
  onVerified: (bytes: number) => void
}

/** Reads in flight: one more than would do, as what was read is summed here before the next is asked for. */
const lanes = 3

/**
 * Reads what was written and compares it with the remembered sums. What was opened with O_DIRECT answers from the medium: every drive on Linux, and a card
 * image file where its filesystem can do that. Elsewhere (tmpfs) the system's cache answers, as Node offers no way to drop a file from it (posix_fadvise),
 * and the comparison proves the way to the file and no more.
 */
export async function readBack(work: ReadBack): Promise<void> {
  const inThreads = work.alone && work.device.lend !== undefined && work.written.totalBytes >= worthThreadsBytes
  await (inThreads ? readBackInThreads(work) : readBackInLanes(work))
}

/** A single card: its reading is all that happens, and may be a fast drive's. */
async function readBackInThreads({ device, written, limits, signal, onVerified }: ReadBack): Promise<void> {
  const work = { is: 'compare-sums', sums: written.sums, keys: sumKeys() } as const
  const onMoved = onVerified
  const spans = spansOf(written, readBufferBytes)
  const { differsAt } = await workInThreads({ device, doing: 'reading', spans, work, limits, signal, onMoved })
  if (differsAt !== null) throw await explainMismatch({ device, written, differsAt, limits })
}

/** What was written in pieces, as threads take them. `pieceBytes` is a multiple of a sum's cell. */
export function spansOf(written: WrittenRanges, pieceBytes: number): Float64Array {
  const spans = [...readSpans(written, pieceBytes)]
  const flat = new Float64Array(new SharedArrayBuffer(spans.length * spanFields * 8))
  for (const [index, { rangeIndex, start, end }] of spans.entries())
    flat.set([start, end, written.cellIndex(rangeIndex, start)], index * spanFields)
  return flat
}

/** Several cards share a pool of memory: however many there are, and however slow, it is no more. */
async function readBackInLanes({ device, written, pool, limits, signal, onVerified }: ReadBack): Promise<void> {
  const spans = readSpans(written, readBufferBytes)
  let stopped = false
  let failure: unknown = null

  const lane = async (): Promise<void> => {
    for (;;) {
      if (signal.aborted) throw cancelled()
      if (stopped) return
      const next = spans.next()
      if (next.done) return
      const { rangeIndex, start, end } = next.value
      const buffer = await pool.take()
      let lost = false
      try {
        const into = buffer.subarray(0, paddedLength(end - start, device))
        lost = true
        const reading = device.read(into, start).finally(() => {
          lost = false
        })
        await within(reading, limits.answerWithinMs, device.label, signal)
        const differsAt = firstDifference(written, rangeIndex, start, buffer.subarray(0, end - start))
        if (differsAt !== null) throw await explainMismatch({ device, written, differsAt, limits })
        onVerified(end - start)
      } finally {
        if (lost) pool.lose()
        else pool.give(buffer)
      }
    }
  }
  const guarded = async () => {
    try {
      await lane()
    } catch (thrown) {
      if (!stopped) failure = thrown
      stopped = true
    }
  }
  await Promise.all(Array.from({ length: lanes }, guarded))
  if (stopped) throw failure
}

/** Pieces to read: cut at multiples of the buffer's length, so that every cell lies within one piece. */
function* readSpans(written: WrittenRanges, bufferBytes: number): Generator<Span & { rangeIndex: number }, undefined> {
  for (const [rangeIndex, range] of written.ranges.entries()) {
    for (let start = range.start; start < range.end; ) {
      const end = Math.min(range.end, start - (start % bufferBytes) + bufferBytes)
      yield { rangeIndex, start, end }
      start = end
    }
  }
}

/** The offset of the first cell that differs, or null. */
function firstDifference(written: WrittenRanges, rangeIndex: number, start: number, bytes: Uint8Array): number | null {
  let offset = start
  for (const sum of cellSums(start, bytes)) {
    if (sum !== written.sumAt(rangeIndex, offset)) return offset
    offset = cellEnd(offset)
  }
  return null
}
