import { createHash } from 'node:crypto'
import { parentPort, workerData } from 'node:worker_threads'
import { toErrorValue } from '../errors.ts'
import { endBytes, putBytes } from './byte-ring.ts'
import { download } from './http-download.ts'
import type { FetchMessage, FetchTask } from './http-feeder.ts'

/** Fetches a download for the decoding thread beside it. Waiting for the decoder blocks this thread, and with it the connection: that is the backpressure. */
async function run(task: FetchTask): Promise<FetchMessage> {
  const sums = task.digests.map((algorithm) => ({ algorithm, hash: createHash(algorithm) }))
  // A checksum is of the whole file, also where only a part of it is decoded.
  const whole = sums.length > 0
  const { url, slice, expected, limits } = task
  let at = whole ? 0 : (slice?.start ?? 0)
  for await (const piece of download({
    url: new URL(url),
    start: at,
    end: whole ? null : (slice?.end ?? null),
    expected,
    limits,
  })) {
    for (const { hash } of sums) hash.update(piece)
    const from = Math.max(0, (slice?.start ?? 0) - at)
    const to = slice === null ? piece.length : Math.max(from, Math.min(piece.length, slice.end - at))
    if (from < to) putBytes(task.ring, piece.subarray(from, to))
    at += piece.length
    if (slice !== null && at >= slice.end) endBytes(task.ring)
  }
  endBytes(task.ring)
  const digests = {
    sha256: null,
    md5: null,
    ...Object.fromEntries(sums.map(({ algorithm, hash }) => [algorithm, hash.digest('hex')])),
  }
  return { digests }
}

const port = parentPort
if (port !== null) {
  run(workerData as FetchTask).then(
    (message) => port.postMessage(message),
    (thrown) => port.postMessage({ failed: toErrorValue(thrown) } satisfies FetchMessage),
  )
}
