import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import type { ServedFile } from './files.ts'
import { type Refused, refuseForeign, securityHeaders } from './guard.ts'
import type { Sessions } from './sessions.ts'

export const needsLink: Refused = {
  status: 401,
  text: 'This page opens with the link that Livecard printed in the terminal. Each link works once, for ten minutes; Enter in that terminal gives a new one.',
}
export const nothingHere: Refused = { status: 404, text: 'There is nothing at this address.' }

export interface Served {
  hosts: Set<string>
  sessions: Sessions
  files: Map<string, ServedFile>
}

export interface Reply {
  status: number
  headers: OutgoingHttpHeaders
  body: Buffer
}

/** What a plain request gets: first is it ours, then a token, then a session, then one of the fixed files. */
export function answer(request: IncomingMessage, { hosts, sessions, files }: Served): Reply {
  const foreign = refuseForeign(request, hosts, false)
  if (foreign) return refusal(foreign)
  const headers = securityHeaders(request.headers.host ?? '')
  const [path = '', query = ''] = (request.url ?? '').split('?', 2)
  const signedIn = sessions.admits(request.headers.cookie)
  const token = path === '/' ? new URLSearchParams(query).get('token') : null
  if (token !== null) {
    const secret = request.method === 'GET' ? sessions.redeem(token) : null
    if (secret === null && !signedIn) return refusal(needsLink)
    const cookie = secret === null ? {} : { 'Set-Cookie': sessions.setCookie(secret) }
    // The redirect takes the spent token out of the address bar.
    return { status: 303, headers: { ...headers, ...cookie, Location: '/' }, body: Buffer.alloc(0) }
  }
  if (!signedIn) return refusal(needsLink)
  const file = files.get(path)
  return file ? { status: 200, headers: { ...headers, 'Content-Type': file.type }, body: file.bytes } : refusal(nothingHere)
}

/** Fixed texts only: nothing of the request comes back in an answer. The connection ends, so a body that may follow is not read. */
function refusal({ status, text }: Refused): Reply {
  const allow = status === 405 ? { Allow: 'GET, HEAD' } : {}
  return {
    status,
    headers: { ...securityHeaders('127.0.0.1'), ...allow, 'Content-Type': 'text/plain; charset=utf-8', Connection: 'close' },
    body: Buffer.from(`${text}\n`),
  }
}
