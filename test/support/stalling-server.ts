import type { IncomingMessage, ServerResponse } from 'node:http'

/** Sends some of the bytes at once, then nothing for as long as the connection lasts. Sidecars are not there. */
export function stalling(bytes: Uint8Array, sentBytes: number) {
  return (request: IncomingMessage, response: ServerResponse) => {
    if (request.url !== '/card.img') {
      response.writeHead(404).end()
      return
    }
    const start = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0)
    const ranged = request.headers.range !== undefined
    response.writeHead(ranged ? 206 : 200, {
      'Content-Length': bytes.length - start,
      'Accept-Ranges': 'bytes',
      ETag: '"one"',
      ...(ranged ? { 'Content-Range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` } : {}),
    })
    response.write(bytes.subarray(start, Math.max(start, sentBytes)))
  }
}
