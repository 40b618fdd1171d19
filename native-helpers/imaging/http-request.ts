import http, { type IncomingMessage } from 'node:http'
import https from 'node:https'
import {
  badRedirect,
  connectionError,
  connectTimeout,
  downgraded,
  invalidUrl,
  stalled,
  statusError,
  tooManyRedirects,
} from './url-errors.ts'

/** How long and how often things are tried. */
export interface NetworkLimits {
  /** Until the answer begins. */
  answerMs: number
  /** Without a byte, once it has begun. */
  stallMs: number
  /** New connections without any progress in between. */
  retries: number
  /** Before the first of them; doubles each time, up to `maxBackoffMs`. */
  backoffMs: number
  maxBackoffMs: number
  redirects: number
  /** For everything that may lie beside an image together. */
  sidecarsMs: number
}

export const defaultLimits: NetworkLimits = {
  answerMs: 20_000,
  stallMs: 30_000,
  retries: 6,
  backoffMs: 500,
  maxBackoffMs: 10_000,
  redirects: 10,
  sidecarsMs: 5_000,
}

export interface Answer {
  /** Of the address that answered, after redirects. */
  url: URL
  status: number
  headers: IncomingMessage['headers']
  /** The body. Rejects with a named error when it stalls or breaks off. */
  pieces(): AsyncGenerator<Uint8Array, void, void>
  close(): void
}

export function isUrl(location: string): boolean {
  return /^https?:\/\//i.test(location)
}

export function parseUrl(location: string): URL {
  try {
    return new URL(location)
  } catch {
    throw invalidUrl(location)
  }
}

/** A GET that follows redirects, and never from https to http. Answers 200 and 206; rejects everything else by name, 416 excepted. */
export async function get(
  start: URL,
  headers: Record<string, string>,
  limits: NetworkLimits,
  signal?: AbortSignal,
): Promise<Answer> {
  let url = start
  for (let hop = 0; hop <= limits.redirects; hop++) {
    const response = await answerOf(url, headers, limits, signal)
    const status = response.statusCode ?? 0
    if (status === 200 || status === 206 || status === 416) return answer(url, status, response, limits)
    response.destroy()
    if (![301, 302, 303, 307, 308].includes(status)) throw statusError(url, status)
    url = redirected(url, response.headers.location ?? '')
  }
  throw tooManyRedirects(start, limits.redirects)
}

function redirected(from: URL, location: string): URL {
  if (location === '' || !URL.canParse(location, from)) throw badRedirect(from, location)
  const to = new URL(location, from)
  if (to.protocol !== 'http:' && to.protocol !== 'https:') throw badRedirect(from, to.protocol)
  if (from.protocol === 'https:' && to.protocol === 'http:') throw downgraded(from, to)
  return to
}

function answerOf(
  url: URL,
  headers: Record<string, string>,
  limits: NetworkLimits,
  signal?: AbortSignal,
): Promise<IncomingMessage> {
  const { request } = url.protocol === 'https:' ? https : http
  return new Promise((resolve, reject) => {
    // `identity`: what is compressed on the way would have another length, and other ranges, than the file.
    const asked = request(url, {
      method: 'GET',
      agent: false,
      headers: { 'User-Agent': 'Livecard', Accept: '*/*', 'Accept-Encoding': 'identity', ...headers },
      ...(signal === undefined ? {} : { signal }),
    })
    const patience = setTimeout(() => asked.destroy(connectTimeout(url, limits.answerMs / 1000)), limits.answerMs)
    asked.on('response', (response) => {
      clearTimeout(patience)
      // Named where the body is read; nobody may be listening yet.
      response.on('error', () => undefined)
      resolve(response)
    })
    asked.on('error', (thrown) => {
      clearTimeout(patience)
      reject(connectionError(url, thrown))
    })
    asked.end()
  })
}

function answer(url: URL, status: number, response: IncomingMessage, limits: NetworkLimits): Answer {
  async function* pieces() {
    const body = response[Symbol.asyncIterator]()
    try {
      for (;;) {
        // The clock runs only while something is awaited: whoever takes the pieces may take its time.
        const patience = setTimeout(() => response.destroy(stalled(url, limits.stallMs / 1000)), limits.stallMs)
        const { done, value } = await body.next().finally(() => clearTimeout(patience))
        if (done) return
        yield value as Uint8Array
      }
    } catch (thrown) {
      throw connectionError(url, thrown)
    } finally {
      response.destroy()
    }
  }
  return { url, status, headers: response.headers, pieces, close: () => response.destroy() }
}

/** The whole of a small answer, or null when it is larger than that. */
export async function readAll(answer: Answer, maxBytes: number): Promise<Uint8Array | null> {
  const pieces: Uint8Array[] = []
  let length = 0
  for await (const piece of answer.pieces()) {
    length += piece.length
    if (length > maxBytes) return null
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}

/** A small file from a server; null when it is larger than that. */
export async function fetchSmall(
  location: string,
  maxBytes: number,
  limits: NetworkLimits,
  signal?: AbortSignal,
): Promise<Uint8Array | null> {
  return readAll(await get(parseUrl(location), {}, limits, signal), maxBytes)
}
