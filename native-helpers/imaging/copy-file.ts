import fs from 'node:fs'
import { promisify } from 'node:util'
import { sumKeys } from './cell-sum.ts'
import { changedWhileReading, fileError } from './image-errors.ts'
import type { WriteLimits } from './limits.ts'
import type { ImageFile } from './piece-task.ts'
import { workInThreads, worthThreadsBytes } from './piece-threads.ts'
import type { FlashWork } from './pipeline.ts'
import { spansOf } from './read-back.ts'
import type { TargetLane } from './target-lane.ts'
import type { WrittenRanges } from './written-ranges.ts'

const read = promisify(fs.read)

/** A plain image that nobody sums, as a whole, to a single card: threads can copy it without passing anything on. */
export function mayCopyTheFile({ stream, targets: [target, another], map }: FlashWork): boolean {
  const large = (stream.contentBytes ?? 0) >= worthThreadsBytes
  return stream.plainFile !== undefined && map === null && another === undefined && target?.device.lend !== undefined && large
}

/**
 * Of two threads that each read and then write a piece, one is to read while the other writes. Tried on a loop device over tmpfs, 1 GiB, medians in milliseconds:
 * of seven, load 2 to 4: 512 KiB 372, 1 MiB 328, 2 MiB 438, 4 MiB 450 (dd 369 to 390); of nine, load 4 to 5, too noisy to choose by: 256 KiB 532, 512 KiB 534, 1 MiB 484,
 * 1.25 MiB 419, 2 MiB 494 (dd 411).
 */
const copyPieceBytes = 1024 * 1024

export interface FileCopy {
  work: FlashWork
  target: TargetLane
  /** Learns what was written, and its sums. */
  written: WrittenRanges
  /** Is filled with the start of the image, which is not written. */
  first: Uint8Array
  limits: WriteLimits
}

/** Rejects when the image is at fault, and on a cancel; when it is the card, that target has failed. */
export async function copyAllButTheFirst({ work, target, written, first, limits }: FileCopy): Promise<void> {
  const { stream, state, signal, verify } = work
  const { plainFile, contentBytes } = stream
  if (!plainFile || contentBytes === null) throw new Error('not a plain image')
  const { device, state: own } = target
  state.imageBytes = contentBytes
  await readFirst(plainFile, first)
  written.reserve(first.length, contentBytes)
  const copied = workInThreads({
    device,
    doing: 'writing',
    spans: spansOf(written, copyPieceBytes),
    work: { is: 'copy-file', image: plainFile, sums: verify ? written.sums : null, keys: sumKeys() },
    limits,
    signal,
    onMoved(bytes, cardMs) {
      if (own.ended) return
      own.writtenBytes += bytes
      own.passedBytes += bytes
      own.addBusy(cardMs)
      state.storedBytesRead += bytes
    },
  })
  const found = await copied.catch((thrown) => {
    if (signal.aborted) throw thrown
    target.fail(thrown)
    return null
  })
  if (found?.imageFailed) throw found.imageFailed
}

async function readFirst({ name, fd }: ImageFile, into: Uint8Array): Promise<void> {
  for (let done = 0; done < into.length; ) {
    const { bytesRead } = await read(fd, into, done, into.length - done, done).catch((thrown) => {
      throw fileError(name, thrown)
    })
    if (bytesRead === 0) throw changedWhileReading(name)
    done += bytesRead
  }
}
