import { download } from './http-download.ts'
import { contentRange, factsOf, type HttpFacts } from './http-facts.ts'
import { get, type NetworkLimits } from './http-request.ts'
import type { RangeReader } from './range-reader.ts'
import { noRanges } from './url-errors.ts'

const headBytes = 64 * 1024
const pageBytes = 64 * 1024
const maxPages = 64

/** A file on a server: how it begins, what is said of it, and any part of it where the server sends parts. */
export interface HttpFile {
  facts: HttpFacts
  head: Uint8Array
  /** Null where the server sends only the whole, or no length. */
  reader: RangeReader | null
}

export async function openHttpFile(url: URL, limits: NetworkLimits, signal?: AbortSignal): Promise<HttpFile> {
  const answer = await get(url, { Range: `bytes=0-${headBytes - 1}` }, limits, signal)
  try {
    const facts = factsOf(answer)
    // 416 for the very first byte: the file is empty. RFC 9110, 15.5.17: `bytes */0`.
    if (answer.status === 416) return { facts: { ...facts, sizeBytes: 0 }, head: new Uint8Array(0), reader: null }
    const pieces: Uint8Array[] = []
    let length = 0
    for await (const piece of answer.pieces()) {
      pieces.push(piece)
      length += piece.length
      if (length >= headBytes) break
    }
    const head = new Uint8Array(Buffer.concat(pieces).subarray(0, headBytes))
    const inParts = answer.status === 206 && contentRange(answer)?.start === 0
    const sizeBytes = facts.sizeBytes
    return { facts, head, reader: inParts && sizeBytes !== null ? cached(url, sizeBytes, facts, limits, signal) : null }
  } finally {
    answer.close()
  }
}

/** Directories are read in many small steps: whole pages are fetched, and the last ones kept. */
function cached(url: URL, sizeBytes: number, expected: HttpFacts, limits: NetworkLimits, signal?: AbortSignal): RangeReader {
  const pages = new Map<number, Promise<Uint8Array>>()
  const page = (index: number): Promise<Uint8Array> => {
    const known = pages.get(index)
    if (known !== undefined) return known
    const start = index * pageBytes
    const fetched = fetchRange(url, start, Math.min(start + pageBytes, sizeBytes), expected, limits, signal)
    if (pages.size >= maxPages) pages.delete(pages.keys().next().value ?? 0)
    pages.set(index, fetched)
    fetched.catch(() => pages.delete(index))
    return fetched
  }
  return {
    sizeBytes,
    async read(offset, length) {
      if (offset < 0 || offset + length > sizeBytes) throw new Error('unexpected EOF: a part outside of the file was asked for')
      const bytes = new Uint8Array(length)
      for (let done = 0; done < length; ) {
        const at = offset + done
        const from = await page(Math.floor(at / pageBytes))
        const piece = from.subarray(at % pageBytes, (at % pageBytes) + length - done)
        bytes.set(piece, done)
        done += piece.length
      }
      return bytes
    },
  }
}

async function fetchRange(
  url: URL,
  start: number,
  end: number,
  expected: HttpFacts,
  limits: NetworkLimits,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  let length = 0
  for await (const piece of download({ url, start, end, expected, limits, ...(signal === undefined ? {} : { signal }) })) {
    pieces.push(Uint8Array.from(piece))
    length += piece.length
  }
  if (length !== end - start) throw noRanges(url, 'at least not the one that was asked for')
  return Buffer.concat(pieces)
}
