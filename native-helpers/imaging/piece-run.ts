import fs from 'node:fs'
import { alignedBuffer } from '../block/aligned.ts'
import { systemCode, toErrorValue } from '../errors.ts'
import { setSumKeys, sumCellBytes } from './cell-sum.ts'
import { countDifferences } from './differences.ts'
import { isMarkerBlock } from './first-block.ts'
import { changedWhileReading, fileError } from './image-errors.ts'
import { type ImageFile, nextSpan, type PieceFailure, type PiecesDone, type PieceTask, spanFields, stopAll } from './piece-task.ts'
import { cellEnd, cellSums } from './written-ranges.ts'

/** Kept for the next task of this thread. */
const buffers: Uint8Array[] = []

interface Piece {
  start: number
  length: number
  /** `length` in whole sectors. */
  paddedLength: number
  firstSum: number
}

/** In a thread: takes pieces, one after the other, and does everything with one while it lies in the processor's cache. */
export function runPieces(task: PieceTask, post: (done: PiecesDone) => void): void {
  const done: PiecesDone = { differsAt: null, differingBlocks: 0, unfinished: false, failed: null }
  const { spans, control, thread, sectorSize } = task
  const count = spans.length / spanFields
  try {
    const work = workOf(task, done)
    while (Atomics.load(control.shared, stopAll) === 0) {
      const index = Atomics.add(control.shared, nextSpan, 1)
      if (index >= count) break
      const [start = 0, end = 0, firstSum = 0] = spans.subarray(index * spanFields, (index + 1) * spanFields)
      const length = end - start
      work({ start, length, paddedLength: Math.ceil(length / sectorSize) * sectorSize, firstSum })
      control.bytes[thread] = (control.bytes[thread] ?? 0) + length
    }
  } catch (thrown) {
    Atomics.store(control.shared, stopAll, 1)
    done.failed = thrown instanceof CardFailure ? thrown.failure : { is: 'image', error: toErrorValue(thrown) }
  }
  post(done)
}

function workOf(task: PieceTask, done: PiecesDone): (piece: Piece) => void {
  const { work } = task
  switch (work.is) {
    case 'compare-sums':
      setSumKeys(work.keys)
      return (piece) => {
        done.differsAt ??= differenceFrom(work.sums, piece, readCard(task, piece))
        if (done.differsAt !== null) Atomics.store(task.control.shared, stopAll, 1)
      }
    case 'compare-file':
      return (piece) => {
        const card = readCard(task, piece)
        if (piece.start === 0) done.unfinished = isMarkerBlock(card)
        for (const { at, bytes } of readImage(work.image, piece)) {
          const there = card.subarray(at, at + bytes.length)
          if (Buffer.compare(bytes, there) !== 0) countDifferences(done, piece.start + at, bytes, there)
        }
      }
    case 'copy-file':
      setSumKeys(work.keys)
      return (piece) => {
        for (const { at, bytes } of readImage(work.image, piece)) {
          const firstSum = piece.firstSum + at / sumCellBytes
          if (work.sums !== null) sumInto(work.sums, firstSum, piece.start + at, bytes)
        }
        // A file that was closed meanwhile, after a cancel, may not have been the image any more.
        if (Atomics.load(task.control.shared, stopAll) === 0) writeCard(task, piece)
      }
  }
}

/** The offset of the first cell whose sum is another one, or null. */
function differenceFrom(sums: BigUint64Array, { start, firstSum }: Piece, bytes: Uint8Array): number | null {
  let offset = start
  let index = firstSum
  for (const sum of cellSums(start, bytes)) {
    if (sum !== sums[index]) return offset
    offset = cellEnd(offset)
    index += 1
  }
  return null
}

function sumInto(sums: BigUint64Array, firstSum: number, start: number, bytes: Uint8Array): void {
  let index = firstSum
  for (const sum of cellSums(start, bytes)) {
    sums[index] = sum
    index += 1
  }
}

class CardFailure extends Error {
  readonly failure: PieceFailure
  constructor(failure: PieceFailure) {
    super(failure.is)
    this.failure = failure
  }
}

type Transfer = (fd: number, bytes: Uint8Array, at: number, length: number, offset: number) => number

function readCard(task: PieceTask, { start, length, paddedLength }: Piece): Uint8Array {
  const card = buffer('card', paddedLength)
  ask(task, fs.readSync, card, start)
  return card.subarray(0, length)
}

/** What `readImage` has read, with zeros to the end of its last sector. */
function writeCard(task: PieceTask, { start, length, paddedLength }: Piece): void {
  const image = buffer('image', paddedLength)
  image.fill(0, length)
  ask(task, fs.writeSync, image, start)
}

function ask({ fd, control, thread }: PieceTask, transfer: Transfer, bytes: Uint8Array, offset: number): void {
  const began = performance.now()
  Atomics.add(control.requests, thread, 1)
  for (let done = 0; done < bytes.length; ) {
    let moved: number
    try {
      moved = transfer(fd, bytes, done, bytes.length - done, offset + done)
    } catch (thrown) {
      const message = thrown instanceof Error ? thrown.message : String(thrown)
      throw new CardFailure({ is: 'card', code: systemCode(thrown), message, offset })
    }
    if (moved === 0) throw new CardFailure({ is: 'card', code: null, message: 'the card ends here', offset: offset + done })
    done += moved
  }
  Atomics.add(control.requests, thread, 1)
  control.cardMs[thread] = (control.cardMs[thread] ?? 0) + performance.now() - began
}

/** Of whole cells, and so little that it is still in the core's own cache when it is looked at. */
const stepBytes = 256 * 1024

/** The image's piece, step by step; in the end all of it is in the buffer. `at` counts from the start of the piece. */
function* readImage({ name, fd }: ImageFile, { start, length, paddedLength }: Piece): Generator<{ at: number; bytes: Uint8Array }> {
  const image = buffer('image', paddedLength)
  for (let at = 0; at < length; at += stepBytes) {
    const bytes = image.subarray(at, Math.min(length, at + stepBytes))
    fill(name, fd, bytes, start + at)
    yield { at, bytes }
  }
}

function fill(name: string, fd: number, into: Uint8Array, offset: number): void {
  for (let done = 0; done < into.length; ) {
    try {
      const got = fs.readSync(fd, into, done, into.length - done, offset + done)
      if (got === 0) throw changedWhileReading(name)
      done += got
    } catch (thrown) {
      throw fileError(name, thrown)
    }
  }
}

function buffer(of: 'card' | 'image', length: number): Uint8Array {
  const which = of === 'card' ? 0 : 1
  const known = buffers[which]
  if (known !== undefined && known.length >= length) return known.subarray(0, length)
  const made = alignedBuffer(length)
  buffers[which] = made
  return made
}
