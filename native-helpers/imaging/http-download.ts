import { setTimeout as sleep } from 'node:timers/promises'
import { checkContinues, factsOf, type HttpFacts } from './http-facts.ts'
import { type Answer, get, type NetworkLimits } from './http-request.ts'
import { brokenOff, changedOnServer, lyingLength, noRanges, UrlError } from './url-errors.ts'

export interface Download {
  url: URL
  /** The first byte that is wanted. */
  start: number
  /** Exclusive; null is the end of the file. */
  end: number | null
  /** What was found before, which it must still be; null sizes and validators are not compared. */
  expected: HttpFacts
  limits: NetworkLimits
  signal?: AbortSignal
}

/**
 * The bytes of a range of a file on a server, in order. A connection that breaks or stalls is taken up again where it ended, as long as the server still has the
 * same file; without any progress a bounded number of times.
 */
export async function* download({ url, start, end, expected, limits, signal }: Download): AsyncGenerator<Uint8Array, void, void> {
  let at = start
  let facts = expected
  let failures = 0
  let firstAnswer = true
  const wanted = () => end ?? facts.sizeBytes
  while (wanted() === null || at < (wanted() ?? 0) || firstAnswer) {
    try {
      const answer = await get(url, rangeHeaders(at, end, facts), limits, signal)
      if (answer.status === 416) {
        answer.close()
        throw lyingLength(url, `it says that the file ends before byte ${at}`)
      }
      checkContinues(answer, facts, at)
      facts = { ...factsOf(answer), sizeBytes: factsOf(answer).sizeBytes ?? facts.sizeBytes }
      firstAnswer = false
      for await (const piece of from(answer, at, facts)) {
        const useful = end === null ? piece : piece.subarray(0, end - at)
        if (useful.length > 0) {
          failures = 0
          at += useful.length
          yield useful
        }
        if (end !== null && at >= end) break
      }
      if (facts.sizeBytes !== null && at > facts.sizeBytes) throw lyingLength(url, 'it sent more than it announced')
      const last = wanted()
      if (last === null) return
      if (at < last) throw brokenOff(url, `${last - at} bytes are missing`)
    } catch (thrown) {
      if (!(thrown instanceof UrlError) || !thrown.mayRetry || failures >= limits.retries) throw thrown
      await sleep(
        Math.min(limits.backoffMs * 2 ** failures, limits.maxBackoffMs),
        undefined,
        signal === undefined ? {} : { signal },
      )
      failures++
      // Nothing says that the file is still the same, and where it would go on.
      if (at > start && facts.validator === null && facts.sizeBytes === null) throw thrown
    }
  }
}

function rangeHeaders(at: number, end: number | null, facts: HttpFacts): Record<string, string> {
  if (at === 0 && end === null) return {}
  return {
    Range: `bytes=${at}-${end === null ? '' : end - 1}`,
    ...(facts.validator === null ? {} : { 'If-Range': facts.validator }),
  }
}

/** The pieces from byte `at` on, whether the server sends that part or only ever the whole. */
async function* from(answer: Answer, at: number, facts: HttpFacts): AsyncGenerator<Uint8Array, void, void> {
  let skip = answer.status === 200 ? at : 0
  if (skip > 0 && facts.validator === null) {
    answer.close()
    throw noRanges(answer.url, 'and does not say either whether the file is still the same')
  }
  for await (const piece of answer.pieces()) {
    const over = Math.min(skip, piece.length)
    skip -= over
    if (over < piece.length) yield piece.subarray(over)
  }
  if (skip > 0) throw changedOnServer(answer.url)
}
