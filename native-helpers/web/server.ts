import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { maxMessageBytes, webSocketChannel } from '../channels/websocket.ts'
import { LivecardError, systemCode } from '../errors.ts'
import { type Handlers, serve } from '../helper.ts'
import { answer, needsLink, nothingHere } from './answer.ts'
import { readBundle } from './files.ts'
import { hostsOf, type Refused, refuseForeign } from './guard.ts'
import { createSessions, type Sessions } from './sessions.ts'

/** The only address that is listened on: this machine's own loopback. */
const loopback = '127.0.0.1'
const contractPath = '/contract'
const maxConnections = 64
const heartbeatMs = 15_000

export interface WebServer {
  readonly port: number
  /** The address with a fresh one-time token; an older link is void. */
  link(): string
  close(): Promise<void>
}

export interface WebServerOptions {
  /** 0 takes a free one. */
  port: number
  handlers: Handlers
  /** Where the bundle of the interface lies. */
  bundleFolder: string
  heartbeatMs?: number
}

/** The interface and the contract over HTTP and one WebSocket, for browsers of this machine that hold the link. */
export async function startWebServer(options: WebServerOptions): Promise<WebServer> {
  const files = await readBundle(options.bundleFolder)
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 10_000, keepAliveTimeout: 5_000 })
  server.maxConnections = maxConnections
  const port = await listen(server, options.port)
  const hosts = hostsOf(port)
  const sessions = createSessions(port)
  const sockets = new WebSocketServer({ noServer: true, maxPayload: maxMessageBytes, perMessageDeflate: false })

  server.on('request', (request, response) => {
    const { status, headers, body } = answer(request, { hosts, sessions, files })
    response.writeHead(status, { ...headers, 'Content-Length': body.length })
    response.end(request.method === 'HEAD' ? undefined : body)
  })
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy())
    const refused = refuseUpgrade(request, hosts, sessions)
    if (refused) return rejectUpgrade(socket, refused)
    sockets.handleUpgrade(request, socket, head, (webSocket) => serve(webSocketChannel(webSocket), options.handlers))
  })
  const stopHeartbeat = keepAlive(sockets, options.heartbeatMs ?? heartbeatMs)

  return {
    port,
    link: () => `http://${loopback}:${port}/?token=${sessions.newToken()}`,
    async close() {
      stopHeartbeat()
      for (const socket of sockets.clients) socket.close(1001, 'Livecard was ended')
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      await letGo(sockets)
      server.closeAllConnections()
      await closed
    },
  }
}

async function listen(server: ReturnType<typeof createServer>, port: number): Promise<number> {
  server.listen({ host: loopback, port, exclusive: true })
  try {
    await once(server, 'listening')
  } catch (thrown) {
    const why =
      systemCode(thrown) === 'EADDRINUSE' ? 'another program uses it' : (systemCode(thrown) ?? 'the system gives no reason')
    throw new LivecardError(
      'failed',
      'port-not-free',
      {
        message: `Port ${port} of ${loopback} cannot be used: ${why}.`,
        meaning: 'Nothing was started.',
        next: 'Leave --port out to take a free one, or name another.',
      },
      thrown,
    )
  }
  return (server.address() as AddressInfo).port
}

function refuseUpgrade(request: IncomingMessage, hosts: Set<string>, sessions: Sessions): Refused | null {
  const foreign = refuseForeign(request, hosts, true)
  if (foreign) return foreign
  if (!sessions.admits(request.headers.cookie)) return needsLink
  return request.url === contractPath ? null : nothingHere
}

function rejectUpgrade(socket: Duplex, { status, text }: Refused): void {
  const body = `${text}\n`
  socket.end(
    `HTTP/1.1 ${status} Refused\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}

/** A browser that went to sleep or lost its process answers no ping; its channel ends, and with it what it watched. */
function keepAlive(sockets: WebSocketServer, everyMs: number): () => void {
  const silent = new WeakSet<WebSocket>()
  const known = new WeakSet<WebSocket>()
  const timer = setInterval(() => {
    for (const socket of sockets.clients) {
      if (silent.has(socket)) {
        socket.terminate()
        continue
      }
      if (!known.has(socket)) socket.on('pong', () => silent.delete(socket))
      known.add(socket)
      silent.add(socket)
      socket.ping()
    }
  }, everyMs)
  timer.unref()
  return () => clearInterval(timer)
}

/** Waits a moment for the closing handshakes, then drops who did not answer. */
async function letGo(sockets: WebSocketServer): Promise<void> {
  const deadline = Date.now() + 1000
  while (sockets.clients.size > 0 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20))
  for (const socket of sockets.clients) socket.terminate()
}
