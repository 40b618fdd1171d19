import type { IncomingMessage } from 'node:http'

/** Why a request is not answered: an HTTP status and a sentence for the person who sees it. */
export interface Refused {
  status: number
  text: string
}

/** What this server is called. Any other name in `Host` is another site's name that was made to resolve to this machine (DNS rebinding). */
export function hostsOf(port: number): Set<string> {
  return new Set([`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`])
}

/**
 * The checks that need no session, before anything else is looked at: the name the browser used, and that no other site's page sent the request.
 * Null means that it may go on.
 */
export function refuseForeign(request: IncomingMessage, hosts: Set<string>, upgrade: boolean): Refused | null {
  const { host, origin } = request.headers
  if (host === undefined || !hosts.has(host)) return { status: 403, text: 'This address is not one that Livecard answers to.' }
  const own = `http://${host}`
  const safe = request.method === 'GET' || request.method === 'HEAD'
  // A browser sends Origin with every WebSocket and with whatever is not GET or HEAD; a request of that kind without one is not from our page.
  if ((upgrade || !safe) && origin !== own) return { status: 403, text: 'Requests from other pages are refused.' }
  if (origin !== undefined && origin !== own) return { status: 403, text: 'Requests from other pages are refused.' }
  // Fetch Metadata: a page of another site may send the user here by a link, and nothing else.
  const site = request.headers['sec-fetch-site']
  const navigates = request.headers['sec-fetch-mode'] === 'navigate' && request.headers['sec-fetch-dest'] === 'document'
  if ((site === 'cross-site' || site === 'same-site') && !navigates) {
    return { status: 403, text: 'Requests from other pages are refused.' }
  }
  if (!safe) return { status: 405, text: 'Livecard answers GET only.' }
  return null
}

/** Sent with every answer, errors too. `connect-src` names the WebSocket because older browsers do not count it as 'self'. */
export function securityHeaders(host: string): Record<string, string> {
  return {
    'Content-Security-Policy': [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "img-src 'self' data:",
      "font-src 'self'",
      `connect-src 'self' ws://${host}`,
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ].join('; '),
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
    'Referrer-Policy': 'no-referrer',
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Permissions-Policy': permissions.map((name) => `${name}=()`).join(', '),
    'Cache-Control': 'no-store',
  }
}

const permissions = [
  'accelerometer',
  'bluetooth',
  'camera',
  'display-capture',
  'geolocation',
  'gyroscope',
  'hid',
  'magnetometer',
  'microphone',
  'midi',
  'payment',
  'serial',
  'usb',
]
