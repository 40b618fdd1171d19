import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'

export type Answering = (request: IncomingMessage, response: ServerResponse) => void

/** A server on this machine until the test ends. */
export async function imageServer(t: TestContext, answering: Answering): Promise<string> {
  const server = http.createServer(answering)
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  t.after(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  )
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

export interface Range {
  start: number
  /** Exclusive. */
  end: number
}

export function askedRange(request: IncomingMessage, sizeBytes: number): Range | null {
  const match = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '')
  if (match === null) return null
  return { start: Number(match[1]), end: match[2] === '' ? sizeBytes : Math.min(Number(match[2]) + 1, sizeBytes) }
}

/** Sends a file the way a well-behaved server does: ranges, a validator, `If-Range`. */
export function sendFile(request: IncomingMessage, response: ServerResponse, bytes: Uint8Array, etag = '"one"'): void {
  const range = askedRange(request, bytes.length)
  const condition = request.headers['if-range']
  if (range === null || (condition !== undefined && condition !== etag)) {
    response.writeHead(200, { 'Content-Length': bytes.length, ETag: etag, 'Accept-Ranges': 'bytes' }).end(bytes)
  } else if (range.start >= bytes.length) {
    response.writeHead(416, { 'Content-Range': `bytes */${bytes.length}` }).end()
  } else {
    const part = bytes.subarray(range.start, range.end)
    response
      .writeHead(206, {
        'Content-Length': part.length,
        'Content-Range': `bytes ${range.start}-${range.end - 1}/${bytes.length}`,
        ETag: etag,
      })
      .end(part)
  }
}
