import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'

export interface SlowImage {
  url: string
  /** From now on as fast as it can be read. */
  hurry(): void
}

/** An image on a slow server, so that a job lasts as long as a test needs it: a piece at a time, ten times a second. */
export async function slowImage(t: TestContext, content: Buffer, name = 'slow.img', pieceBytes = 256 * 1024): Promise<SlowImage> {
  let pauseMs = 100
  const server = createServer(async (request, response) => {
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '')
    if (request.url !== `/${name}`) return void response.writeHead(404).end()
    const from = range ? Number(range[1]) : 0
    const to = range?.[2] ? Math.min(Number(range[2]) + 1, content.length) : content.length
    response.writeHead(range ? 206 : 200, {
      'content-type': 'application/octet-stream',
      'accept-ranges': 'bytes',
      'content-length': to - from,
      ...(range ? { 'content-range': `bytes ${from}-${to - 1}/${content.length}` } : {}),
    })
    if (request.method === 'HEAD') return void response.end()
    for (let at = from; at < to && !response.destroyed; at += pieceBytes) {
      response.write(content.subarray(at, Math.min(at + pieceBytes, to)))
      if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
    response.end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/${name}`,
    hurry() {
      pauseMs = 0
    },
  }
}
