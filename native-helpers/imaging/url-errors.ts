import { LivecardError, systemCode } from '../errors.ts'

const untouched = 'Nothing more was fetched. What a job had already written is not a usable system.'
const checkAddress = 'Check the address in a browser.'
const tryAgain = 'Try again later, or download the image with a browser and write the file.'

/** An address for people: without a password or the tokens of a query. */
export function shownUrl(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`
}

/** A failed connection may be tried again; an answer that says no may not. */
export class UrlError extends LivecardError {
  readonly mayRetry: boolean
  constructor(
    mayRetry: boolean,
    kind: 'failed' | 'usage' | 'refused' | 'data',
    code: string,
    message: string,
    next: string,
    cause?: unknown,
  ) {
    super(kind, code, { message, meaning: untouched, next }, cause)
    this.mayRetry = mayRetry
  }
}

export function invalidUrl(location: string): UrlError {
  return new UrlError(false, 'usage', 'url-invalid', `${location} is not a web address.`, checkAddress)
}

export function stalled(url: URL, seconds: number): UrlError {
  return new UrlError(true, 'failed', 'url-stalled', `${url.host} sent nothing for ${seconds} seconds.`, tryAgain)
}

export function connectTimeout(url: URL, seconds: number): UrlError {
  return new UrlError(true, 'failed', 'url-timeout', `${url.host} did not answer within ${seconds} seconds.`, tryAgain)
}

export function brokenOff(url: URL, detail: string, cause?: unknown): UrlError {
  return new UrlError(true, 'failed', 'url-interrupted', `The connection to ${url.host} broke (${detail}).`, tryAgain, cause)
}

export function tooManyRedirects(url: URL, limit: number): UrlError {
  return new UrlError(
    false,
    'failed',
    'url-redirects',
    `${shownUrl(url)} leads on to other addresses more than ${limit} times.`,
    checkAddress,
  )
}

export function downgraded(from: URL, to: URL): UrlError {
  return new UrlError(
    false,
    'refused',
    'url-downgraded',
    `${shownUrl(from)} leads from an encrypted connection to an unencrypted one, ${shownUrl(to)}.`,
    'Ask the publisher for another address, or download the image yourself and compare its checksum.',
  )
}

export function badRedirect(url: URL, target: string): UrlError {
  return new UrlError(
    false,
    'failed',
    'url-redirect-target',
    `${shownUrl(url)} leads on to ${target || 'nowhere'}, which cannot be followed.`,
    checkAddress,
  )
}

export function lyingLength(url: URL, detail: string): UrlError {
  return new UrlError(false, 'data', 'url-length', `${url.host} lies about the length of ${shownUrl(url)}: ${detail}.`, tryAgain)
}

export function changedOnServer(url: URL): UrlError {
  return new UrlError(
    false,
    'data',
    'url-changed',
    `${shownUrl(url)} changed on the server while it was read.`,
    'Write the card again from the beginning.',
  )
}

export function noRanges(url: URL, why: string): UrlError {
  return new UrlError(
    false,
    'failed',
    'url-no-ranges',
    `${url.host} does not send parts of a file, ${why}.`,
    'Download the image with a browser and write the file.',
  )
}

export function statusError(url: URL, status: number): UrlError {
  const told = (code: string, message: string, next: string, mayRetry = false) =>
    new UrlError(mayRetry, 'failed', code, message, next)
  if (status === 404 || status === 410)
    return told('url-not-found', `There is nothing at ${shownUrl(url)} (${status}).`, checkAddress)
  if (status === 401 || status === 403 || status === 407) {
    return told('url-forbidden', `${url.host} does not give out ${shownUrl(url)} (${status}).`, checkAddress)
  }
  if (status === 429 || status >= 500)
    return told('url-server', `${url.host} has a problem at the moment (${status}).`, tryAgain, true)
  return told('url-status', `${url.host} answered ${status} for ${shownUrl(url)}.`, checkAddress)
}

const certificateCodes =
  /^(CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERR_TLS_|ERR_SSL_|INVALID_CA|INVALID_PURPOSE|HOSTNAME_MISMATCH|EPROTO)/

/** Names what a socket or the TLS library said. */
export function connectionError(url: URL, thrown: unknown): unknown {
  if (thrown instanceof LivecardError) return thrown
  if (thrown instanceof Error && thrown.name === 'AbortError') return thrown
  const code = systemCode(thrown) ?? ''
  const text = thrown instanceof Error ? thrown.message : String(thrown)
  const told = (name: string, message: string, next: string, mayRetry: boolean) =>
    new UrlError(mayRetry, 'failed', name, message, next, thrown)
  if (certificateCodes.test(code)) {
    return told(
      'url-tls',
      `The connection to ${url.host} is not safe: ${text}.`,
      'Check the clock of this computer and the address. Never write an image from there.',
      false,
    )
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return told(
      'url-host',
      `There is no server named ${url.hostname} (${code}).`,
      'Check the address and the network.',
      code === 'EAI_AGAIN',
    )
  if (code === 'ECONNREFUSED') return told('url-refused', `${url.host} takes no connection.`, checkAddress, true)
  if (code === 'EHOSTUNREACH' || code === 'ENETUNREACH')
    return told('url-unreachable', `${url.host} cannot be reached.`, 'Check the network.', true)
  if (code.startsWith('HPE_')) return told('url-garbled', `What ${url.host} answers is not HTTP (${code}).`, checkAddress, false)
  return brokenOff(url, code || text, thrown)
}
