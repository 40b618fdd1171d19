import fs from 'node:fs'
import { alignedBuffer } from '../block/aligned.ts'
import { systemCode, toErrorValue } from '../errors.ts'
import { setSumKeys } from './cell-sum.ts'
import {
  type Compared,
  type CompareFailure,
  type CompareTask,
  type CompareWith,
  nextSpan,
  spanFields,
  stopAll,
} from './compare-task.ts'
import { countDifferences } from './differences.ts'
import { isMarkerBlock } from './first-block.ts'
import { changedWhileReading, fileError } from './image-errors.ts'
import { cellEnd, cellSums } from './written-ranges.ts'

/** Kept for the next task of this thread. */
const buffers: Uint8Array[] = []

/** In a thread: reads pieces of a card, one after the other, and compares each while it lies in the processor's cache. */
export function runCompare(task: CompareTask, post: (compared: Compared) => void): void {
  const compared: Compared = { differsAt: null, differingBlocks: 0, unfinished: false, failed: null }
  try {
    comparePieces(task, compared)
  } catch (thrown) {
    Atomics.store(task.control.shared, stopAll, 1)
    compared.failed = thrown instanceof Failure ? thrown.failure : { is: 'image', error: toErrorValue(thrown) }
  }
  post(compared)
}

class Failure extends Error {
  readonly failure: CompareFailure
  constructor(failure: CompareFailure) {
    super(failure.is)
    this.failure = failure
  }
}

function comparePieces(task: CompareTask, compared: Compared): void {
  const { spans, control, thread, sectorSize } = task
  const count = spans.length / spanFields
  const compare = comparison(task.with, compared)
  while (Atomics.load(control.shared, stopAll) === 0) {
    const index = Atomics.add(control.shared, nextSpan, 1)
    if (index >= count) return
    const [start = 0, end = 0, firstSum = 0] = spans.subarray(index * spanFields, (index + 1) * spanFields)
    const length = end - start
    const card = buffer(0, Math.ceil(length / sectorSize) * sectorSize)
    Atomics.add(control.requests, thread, 1)
    readCard(task.fd, card, start)
    Atomics.add(control.requests, thread, 1)
    if (start === 0) compared.unfinished = isMarkerBlock(card)
    if (!compare(start, card.subarray(0, length), firstSum)) Atomics.store(control.shared, stopAll, 1)
    control.bytes[thread] = (control.bytes[thread] ?? 0) + length
  }
}

function buffer(which: number, length: number): Uint8Array {
  const known = buffers[which]
  if (known !== undefined && known.length >= length) return known.subarray(0, length)
  const made = alignedBuffer(length)
  buffers[which] = made
  return made
}

function readCard(fd: number, into: Uint8Array, offset: number): void {
  for (let done = 0; done < into.length; ) {
    let got: number
    try {
      got = fs.readSync(fd, into, done, into.length - done, offset + done)
    } catch (thrown) {
      const message = thrown instanceof Error ? thrown.message : String(thrown)
      throw new Failure({ is: 'card', code: systemCode(thrown), message, offset })
    }
    if (got === 0) throw new Failure({ is: 'card', code: null, message: 'the card ends here', offset: offset + done })
    done += got
  }
}

/** False when there is nothing more to be found. */
type Comparison = (start: number, card: Uint8Array, firstSum: number) => boolean

function comparison(what: CompareWith, compared: Compared): Comparison {
  if (what.is === 'file') return withFile(what, compared)
  setSumKeys(what.keys)
  return (start, card, firstSum) => {
    let offset = start
    let index = firstSum
    for (const sum of cellSums(start, card)) {
      if (sum !== what.sums[index]) {
        compared.differsAt = offset
        return false
      }
      offset = cellEnd(offset)
      index += 1
    }
    return true
  }
}

function withFile({ name, fd }: Extract<CompareWith, { is: 'file' }>, compared: Compared): Comparison {
  return (start, card) => {
    const image = buffer(1, card.length)
    for (let done = 0; done < image.length; ) done += readImage(name, fd, image, done, start + done)
    if (Buffer.compare(image, card) !== 0) countDifferences(compared, start, image, card)
    return true
  }
}

function readImage(name: string, file: number, into: Uint8Array, at: number, offset: number): number {
  try {
    const got = fs.readSync(file, into, at, into.length - at, offset)
    if (got === 0) throw changedWhileReading(name)
    return got
  } catch (thrown) {
    throw fileError(name, thrown)
  }
}
