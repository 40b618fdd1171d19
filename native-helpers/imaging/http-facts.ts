import type { Answer } from './http-request.ts'
import { changedOnServer, lyingLength } from './url-errors.ts'

/** What a server's answer says of the file behind an address. */
export interface HttpFacts {
  /** Of the whole file; null when the server does not say. */
  sizeBytes: number | null
  /** By which a later answer is known to be of the same file. */
  validator: string | null
  ranges: boolean
}

export function factsOf(answer: Answer): HttpFacts {
  return {
    sizeBytes: answer.status === 200 ? contentLength(answer) : (contentRange(answer)?.total ?? null),
    validator: validatorOf(answer),
    ranges: answer.status === 206 || /\bbytes\b/i.test(answer.headers['accept-ranges'] ?? ''),
  }
}

function contentLength(answer: Answer): number | null {
  const length = Number(answer.headers['content-length'] ?? Number.NaN)
  return Number.isSafeInteger(length) && length >= 0 ? length : null
}

/** RFC 9110, 13.1.5: only a strong validator will do for continuing; a weak one starts with `W/`. */
function validatorOf(answer: Answer): string | null {
  const { etag } = answer.headers
  if (etag !== undefined && !etag.startsWith('W/')) return etag
  return answer.headers['last-modified'] ?? null
}

interface ContentRange {
  start: number
  /** Exclusive. */
  end: number
  total: number | null
}

/** RFC 9110, 14.4. */
export function contentRange(answer: Answer): ContentRange | null {
  const match = /^bytes (\d+)-(\d+)\/(\d+|\*)$/i.exec(answer.headers['content-range'] ?? '')
  if (match === null) return null
  const total = match[3] === '*' ? null : Number(match[3])
  const range = { start: Number(match[1]), end: Number(match[2]) + 1, total }
  return [range.start, range.end, total ?? 0].every(Number.isSafeInteger) ? range : null
}

/** Throws unless a later answer is of the same file as the first one, and begins where it was asked to. */
export function checkContinues(answer: Answer, first: HttpFacts, start: number): void {
  const now = factsOf(answer)
  if (first.validator !== null && now.validator !== first.validator) throw changedOnServer(answer.url)
  if (first.sizeBytes !== null && now.sizeBytes !== null && now.sizeBytes !== first.sizeBytes) throw changedOnServer(answer.url)
  if (answer.status === 206 && contentRange(answer)?.start !== start)
    throw lyingLength(answer.url, 'it sent another part than it was asked for')
}
