import { type FileHandle, open } from 'node:fs/promises'
import path from 'node:path'
import { cancelled } from '../errors.ts'
import { BlockQueue } from './block-queue.ts'
import { digestBlocks, settled } from './digests.ts'
import { changedWhileReading, fileError } from './image-errors.ts'
import { countBytes, countWait, createMeters, readBytes, waitedMs } from './meter.ts'
import { createRing, slotBytes, slotIsFree } from './slot-ring.ts'
import { defaultBlockBytes, defaultSlots, type ImageStream, type StreamOptions } from './stream.ts'

/** Enough to keep a drive's queue busy; more only takes turns. */
const readsInFlight = 4

/** A plain image file: several reads ahead straight into the ring, no thread and no decoding. */
export async function openRawStream(location: string, options: StreamOptions = {}, expectedBytes?: number): Promise<ImageStream> {
  const name = path.basename(location)
  let file: FileHandle
  let size: number
  try {
    file = await open(location, 'r')
    size = (await file.stat()).size
  } catch (thrown) {
    throw fileError(name, thrown)
  }
  if (expectedBytes !== undefined && size !== expectedBytes) {
    await file.close()
    throw changedWhileReading(name)
  }
  const ring = createRing(options.blockBytes ?? defaultBlockBytes, options.slots ?? defaultSlots)
  const meters = createMeters(1)
  const meter = meters.of(0)
  const wanted = new Set([...(options.digests?.file ?? []), ...(options.digests?.content ?? [])])
  const digesters = [...wanted].map((algorithm) => digestBlocks(algorithm, ring))
  const reads = new Set<Promise<void>>()
  let nextIndex = 0
  let stopped = false

  const fill = async (index: number): Promise<void> => {
    const offset = index * ring.blockBytes
    const bytes = slotBytes(ring, index).subarray(0, size - offset)
    for (let done = 0; done < bytes.length; ) {
      const { bytesRead } = await file.read(bytes, done, bytes.length - done, offset + done)
      if (bytesRead === 0) throw changedWhileReading(name)
      done += bytesRead
      countBytes(meter, bytesRead)
    }
    queue.filled(index, bytes.length)
  }
  const pump = () => {
    while (!stopped && reads.size < readsInFlight && nextIndex * ring.blockBytes < size && slotIsFree(ring, nextIndex)) {
      const read: Promise<void> = fill(nextIndex++)
        .catch((thrown) => queue.failed(fileError(name, thrown)))
        .finally(() => {
          reads.delete(read)
          pump()
        })
      reads.add(read)
    }
  }
  const queue = new BlockQueue(ring, digesters, pump)
  const stop = () => {
    stopped = true
    queue.failed(cancelled())
  }
  options.signal?.addEventListener('abort', stop, { once: true })
  queue.ended(size)
  let begun = false

  return {
    format: 'raw',
    blockBytes: ring.blockBytes,
    contentBytes: size,
    storedBytes: size,
    get sourceWaitMs() {
      return waitedMs(meters.all)
    },
    get storedBytesRead() {
      return readBytes(meters.all)
    },
    ...(digesters.length === 0 && { plainFile: { name, fd: file.fd } }),
    async next() {
      if (!begun) pump()
      begun = true
      const before = performance.now()
      const block = await queue.next(options.signal)
      countWait(meter, performance.now() - before)
      if (block === null) for (const one of digesters) one.end()
      return block
    },
    async digests() {
      const sums = await settled(digesters)
      const pick = (asked: ('sha256' | 'md5')[] | undefined) => ({
        sha256: asked?.includes('sha256') ? sums.sha256 : null,
        md5: asked?.includes('md5') ? sums.md5 : null,
      })
      return { file: pick(options.digests?.file), content: pick(options.digests?.content) }
    },
    async close() {
      options.signal?.removeEventListener('abort', stop)
      stop()
      await Promise.all([...reads, ...digesters.map((one) => one.close())])
      await file.close()
    },
  }
}
