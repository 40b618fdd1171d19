/** The address that the interface lives at. It has an origin of its own, so its content security policy can say 'self' and mean only this. */
import { readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { protocol, type Session } from 'electron'

const scheme = 'livecard'
export const origin = `${scheme}://app`
export const startAddress = `${origin}/`

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
}

/** The page gets everything over the bridge, so it may connect to nothing at all. */
const headers = {
  'Content-Security-Policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'none'",
    "frame-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-store',
}

interface Answer {
  status: number
  type: string
  body: Buffer
}

/** Before the app is ready. */
export function declareScheme(): void {
  protocol.registerSchemesAsPrivileged([{ scheme, privileges: { standard: true, secure: true } }])
}

/** The files of `folder` are read once and looked up by name: no part of a request ever becomes part of a path. */
export function serveInterface(session: Session, folder: string): void {
  const files = new Map<string, Answer>()
  for (const name of readdirSync(folder)) {
    const type = types[extname(name)]
    if (type) files.set(`/${name}`, { status: 200, type, body: readFileSync(join(folder, name)) })
  }
  const index = files.get('/index.html')
  if (index) files.set('/', index)
  const nothing: Answer = { status: 404, type: 'text/plain; charset=utf-8', body: Buffer.from('There is nothing here.') }

  const answer = (address: string, method: string): Answer => {
    const url = new URL(address)
    if (method !== 'GET' || url.host !== 'app') return nothing
    return files.get(url.pathname) ?? nothing
  }

  // `handle` came with Electron 25; the development runtime may be older.
  if (typeof session.protocol.handle === 'function') {
    session.protocol.handle(scheme, (request) => {
      const { status, type, body } = answer(request.url, request.method)
      return new Response(new Uint8Array(body), { status, headers: { ...headers, 'Content-Type': type } })
    })
    return
  }
  session.protocol.registerBufferProtocol(scheme, (request, respond) => {
    const { status, type, body } = answer(request.url, request.method)
    // `mimeType` decides what the page makes of it; the header of that name is not read here.
    respond({ statusCode: status, mimeType: type.split(';')[0] ?? '', charset: 'utf-8', data: body, headers })
  })
}
