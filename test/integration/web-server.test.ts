import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { WebSocket } from 'ws'
import { webSocketChannel } from '../../native-helpers/channels/websocket.ts'
import { createClient } from '../../native-helpers/contract-client.ts'
import { startWebServer, type WebServer } from '../../native-helpers/web/server.ts'
import { fixedDrive, fixedHandlers } from '../support/fixed-handlers.ts'

async function started(t: TestContext, options: { heartbeatMs?: number; onCallerGone?: () => void } = {}): Promise<WebServer> {
  const bundleFolder = await mkdtemp(join(tmpdir(), 'livecard-web-'))
  await writeFile(join(bundleFolder, 'index.html'), '<!doctype html><title>Livecard</title>')
  await writeFile(join(bundleFolder, 'app.js'), 'void 0')
  await writeFile(join(bundleFolder, 'app.css'), 'body{}')
  await writeFile(join(bundleFolder, 'secret.txt'), 'not served')
  const { heartbeatMs, onCallerGone } = options
  const server = await startWebServer({ port: 0, handlers: fixedHandlers(onCallerGone), bundleFolder, heartbeatMs })
  t.after(async () => {
    await server.close()
    await rm(bundleFolder, { recursive: true })
  })
  return server
}

type Sent = { method?: string; headers?: Record<string, string>; body?: string }
type Got = { status: number; headers: IncomingMessage['headers']; text: string }

/** A raw request: the path is sent exactly as written, and so is every header. */
async function send(port: number, path: string, sent: Sent = {}): Promise<Got> {
  const asked = request({ host: '127.0.0.1', port, path, method: sent.method ?? 'GET', headers: sent.headers, agent: false })
  asked.end(sent.body)
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  const chunks = await response.toArray()
  return { status: response.statusCode ?? 0, headers: response.headers, text: Buffer.concat(chunks).toString() }
}

async function signIn(server: WebServer): Promise<string> {
  const { search } = new URL(server.link())
  const got = await send(server.port, `/${search}`)
  assert.equal(got.status, 303)
  return got.headers['set-cookie']?.[0]?.split(';')[0] ?? ''
}

/** The HTTP status that a WebSocket attempt is refused with, or 101. */
async function upgradeStatus(port: number, path: string, headers: Record<string, string>): Promise<number> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { headers })
  return new Promise((resolve, reject) => {
    socket.once('open', () => {
      socket.terminate()
      resolve(101)
    })
    socket.once('unexpected-response', (_request, response) => {
      resolve(response.statusCode ?? 0)
      socket.terminate()
    })
    socket.once('error', (error) => reject(error))
  }).catch((error: Error) => Promise.reject(error)) as Promise<number>
}

test('the link signs a browser in once, takes the token out of the address, and gives a locked cookie', async (t) => {
  const server = await started(t)
  const { search, hostname } = new URL(server.link())
  assert.equal(hostname, '127.0.0.1')
  const first = await send(server.port, `/${search}`)
  assert.equal(first.status, 303)
  assert.equal(first.headers.location, '/')
  const cookie = first.headers['set-cookie']?.[0] ?? ''
  assert.match(cookie, /; HttpOnly(;|$)/)
  assert.match(cookie, /; SameSite=Strict(;|$)/)
  assert.match(cookie, /; Path=\/(;|$)/)
  assert.ok(!cookie.includes(search.slice(7)), 'the cookie is not the token')

  const again = await send(server.port, `/${search}`)
  assert.equal(again.status, 401)
  assert.equal(again.headers['set-cookie'], undefined)

  const page = await send(server.port, '/', { headers: { Cookie: cookie.split(';')[0] ?? '' } })
  assert.equal(page.status, 200)
  assert.match(page.text, /Livecard/)
})

test('a new link voids the one before it, and browsers that are signed in stay so', async (t) => {
  const server = await started(t)
  const cookie = await signIn(server)
  const older = new URL(server.link()).search
  const newer = new URL(server.link()).search
  assert.equal((await send(server.port, `/${older}`)).status, 401)
  assert.equal((await send(server.port, `/${newer}`)).status, 303)
  assert.equal((await send(server.port, '/', { headers: { Cookie: cookie } })).status, 200)
})

test('without the cookie there is nothing: no page, no file, no contract', async (t) => {
  const server = await started(t)
  const wrong = [
    undefined,
    'livecard=1',
    `livecard-${server.port}=`,
    `livecard-${server.port}=${'A'.repeat(43)}`,
    `x=${'y'.repeat(3000)}`,
  ]
  for (const cookie of wrong) {
    const headers: Record<string, string> = cookie === undefined ? {} : { Cookie: cookie }
    for (const path of ['/', '/app.js', '/app.css', '/nowhere', '/?token=', '/?token=x', '/contract']) {
      const got = await send(server.port, path, { headers })
      assert.equal(got.status, 401, `${path} with ${cookie}`)
    }
    const origin = `http://127.0.0.1:${server.port}`
    assert.equal(await upgradeStatus(server.port, '/contract', { ...headers, Origin: origin }), 401)
  }
})

test('another name for this machine is refused, whatever else is right (DNS rebinding)', async (t) => {
  const server = await started(t)
  const cookie = await signIn(server)
  const { port } = server
  for (const Host of [
    'evil.example',
    `evil.example:${port}`,
    '127.0.0.1',
    `127.0.0.1:${port + 1}`,
    `127.0.0.1.evil.example:${port}`,
    `0.0.0.0:${port}`,
  ]) {
    assert.equal((await send(port, '/', { headers: { Host, Cookie: cookie } })).status, 403, Host)
    assert.equal(await upgradeStatus(port, '/contract', { Host, Cookie: cookie, Origin: `http://${Host}` }), 403, Host)
  }
  for (const Host of [`localhost:${port}`, `[::1]:${port}`, `127.0.0.1:${port}`]) {
    assert.equal((await send(port, '/', { headers: { Host, Cookie: cookie } })).status, 200, Host)
  }
})

test('other pages are refused: by Origin, and by what the browser says of the request’s source', async (t) => {
  const server = await started(t)
  const { port } = server
  const cookie = await signIn(server)
  const own = `http://127.0.0.1:${port}`
  for (const Origin of [
    'http://evil.example',
    'null',
    `http://127.0.0.1:${port + 1}`,
    `https://127.0.0.1:${port}`,
    `http://localhost:${port}`,
    '',
  ]) {
    assert.equal(await upgradeStatus(port, '/contract', { Cookie: cookie, Origin }), 403, `WebSocket from "${Origin}"`)
    if (Origin !== '')
      assert.equal((await send(port, '/', { headers: { Cookie: cookie, Origin } })).status, 403, `GET from ${Origin}`)
    assert.equal((await send(port, '/', { method: 'POST', headers: { Cookie: cookie, Origin }, body: '{}' })).status, 403)
  }
  assert.equal(await upgradeStatus(port, '/contract', { Cookie: cookie }), 403, 'WebSocket without Origin')
  for (const site of ['cross-site', 'same-site']) {
    const embedded = { Cookie: cookie, 'Sec-Fetch-Site': site, 'Sec-Fetch-Mode': 'no-cors', 'Sec-Fetch-Dest': 'script' }
    assert.equal((await send(port, '/app.js', { headers: embedded })).status, 403)
    const framed = { Cookie: cookie, 'Sec-Fetch-Site': site, 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'iframe' }
    assert.equal((await send(port, '/', { headers: framed })).status, 403)
  }
  assert.equal(await upgradeStatus(port, '/contract', { Cookie: cookie, Origin: own }), 101)
})

test('only GET and HEAD are answered', async (t) => {
  const server = await started(t)
  const headers = { Cookie: await signIn(server), Origin: `http://127.0.0.1:${server.port}` }
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND']) {
    const got = await send(server.port, '/', { method, headers })
    assert.equal(got.status, 405, method)
    assert.equal(got.headers.allow, 'GET, HEAD')
    assert.equal((await send(server.port, '/', { method })).status, 403, `${method} without Origin`)
  }
  const head = await send(server.port, '/app.js', { method: 'HEAD', headers })
  assert.equal(head.status, 200)
  assert.equal(head.text, '')
})

test('nothing but the fixed files can be reached, however the path is written', async (t) => {
  const server = await started(t)
  const headers = { Cookie: await signIn(server) }
  const paths = [
    '/secret.txt',
    '/../secret.txt',
    '/%2e%2e/%2e%2e/etc/passwd',
    '/..%2f..%2fetc%2fpasswd',
    '//etc/passwd',
    '/app.js/../secret.txt',
    '/app.js%00.txt',
    '/index.html',
    '/constructor',
    '/__proto__',
    '\\..\\secret.txt',
    `http://127.0.0.1:${server.port}/secret.txt`,
    'file:///etc/passwd',
    '*',
  ]
  for (const path of paths) {
    const got = await send(server.port, path, { headers })
    // Node's parser itself refuses what is no path at all.
    assert.ok([400, 404].includes(got.status), `${path}: ${got.status}`)
    assert.doesNotMatch(got.text, /not served|root:/)
  }
  assert.equal(await upgradeStatus(server.port, '/other', { ...headers, Origin: `http://127.0.0.1:${server.port}` }), 404)
})

test('every answer carries the locks, errors too', async (t) => {
  const server = await started(t)
  const headers = { Cookie: await signIn(server) }
  const answers = [
    await send(server.port, '/', { headers }),
    await send(server.port, '/nowhere', { headers }),
    await send(server.port, '/'),
    await send(server.port, '/', { headers: { Host: 'evil.example' } }),
    await send(server.port, `/${new URL(server.link()).search}`),
  ]
  assert.deepEqual(
    answers.map((got) => got.status),
    [200, 404, 401, 403, 303],
  )
  for (const { headers: got } of answers) {
    const policy = String(got['content-security-policy'])
    assert.match(policy, /default-src 'none'/)
    assert.match(policy, /frame-ancestors 'none'/)
    assert.doesNotMatch(policy, /unsafe|https?:|\*/)
    assert.equal(got['x-content-type-options'], 'nosniff')
    assert.equal(got['referrer-policy'], 'no-referrer')
    assert.equal(got['cross-origin-opener-policy'], 'same-origin')
    assert.equal(got['cross-origin-resource-policy'], 'same-origin')
    assert.equal(got['cache-control'], 'no-store')
    assert.match(String(got['permissions-policy']), /camera=\(\)/)
    assert.equal(got['access-control-allow-origin'], undefined)
  }
})

test('it listens on loopback only', async (t) => {
  const server = await started(t)
  const own = Object.values(networkInterfaces())
    .flat()
    .filter((address) => address && !address.internal && !address.address.startsWith('fe80:'))
  if (own.length === 0) return t.skip('this machine has no address besides loopback')
  for (const address of own) {
    const socket = connect({ host: address?.address, port: server.port, timeout: 3000 })
    const outcome = await Promise.race([
      once(socket, 'connect').then(
        () => 'connected',
        () => 'refused',
      ),
      once(socket, 'timeout').then(() => 'no answer'),
    ])
    socket.destroy()
    assert.notEqual(outcome, 'connected', address?.address)
  }
})

async function openContract(server: WebServer): Promise<WebSocket> {
  const headers = { Cookie: await signIn(server), Origin: `http://127.0.0.1:${server.port}` }
  return new WebSocket(`ws://127.0.0.1:${server.port}/contract`, { headers })
}

test('the contract is served over the WebSocket', async (t) => {
  const server = await started(t)
  const client = createClient(webSocketChannel(await openContract(server)))
  assert.deepEqual(await client.call('drives.list', {}), { ok: true, value: [fixedDrive] })
  client.close()
})

test('a browser that answers no ping is let go, one that does stays', async (t) => {
  let gone = 0
  const server = await started(t, {
    heartbeatMs: 100,
    onCallerGone: () => {
      gone += 1
    },
  })
  const lively = await openContract(server)
  const asleep = await openContract(server)
  for (const socket of [lively, asleep]) {
    if (socket.readyState !== WebSocket.OPEN) await once(socket, 'open')
    socket.send('{"id":1,"call":"drives.watch","params":{}}')
    await once(socket, 'message')
  }
  // A paused socket reads nothing, so ws does not see the ping and sends no pong.
  asleep.pause()
  await new Promise((resolve) => setTimeout(resolve, 600))
  assert.equal(gone, 1)
  assert.equal(lively.readyState, WebSocket.OPEN)
  asleep.terminate()
})

test('closing the server ends every connection and frees the port', async (t) => {
  const server = await started(t)
  const socket = await openContract(server)
  await once(socket, 'open')
  const closed = once(socket, 'close')
  await server.close()
  const [code] = await closed
  assert.equal(code, 1001)
  await assert.rejects(send(server.port, '/'), /ECONNREFUSED/)
})

test('a port that is in use is named', async (t) => {
  const server = await started(t)
  const bundleFolder = await mkdtemp(join(tmpdir(), 'livecard-web-'))
  t.after(() => rm(bundleFolder, { recursive: true }))
  await assert.rejects(startWebServer({ port: 0, handlers: fixedHandlers(), bundleFolder }), { code: 'interface-not-built' })
  for (const name of ['index.html', 'app.js', 'app.css']) await writeFile(join(bundleFolder, name), '')
  await assert.rejects(startWebServer({ port: server.port, handlers: fixedHandlers(), bundleFolder }), { code: 'port-not-free' })
})
