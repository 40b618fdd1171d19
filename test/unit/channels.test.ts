import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { MessageChannel, Worker } from 'node:worker_threads'
import { WebSocket, WebSocketServer } from 'ws'
import { messagePortChannel } from '../../native-helpers/channels/parent-port.ts'
import { childChannel } from '../../native-helpers/channels/stdio.ts'
import { maxMessageBytes, webSocketChannel } from '../../native-helpers/channels/websocket.ts'
import type { Channel } from '../../native-helpers/contract.ts'
import { createClient } from '../../native-helpers/contract-client.ts'
import { serve } from '../../native-helpers/helper.ts'
import { fixedDrive, fixedHandlers } from '../support/fixed-handlers.ts'

const helperFile = new URL('../support/fixed-helper.ts', import.meta.url)

/** A channel to a real helper with the fixed handlers, over each kind of wire. */
const wires: Record<string, (t: TestContext) => Promise<Channel>> = {
  async 'stdio of a child'(t) {
    const child = spawn(process.execPath, [helperFile.pathname], { stdio: ['pipe', 'pipe', 'inherit'] })
    t.after(() => child.kill('SIGKILL'))
    return childChannel(child)
  },
  async 'a WebSocket'(t) {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0, maxPayload: maxMessageBytes })
    server.on('connection', (socket) => serve(webSocketChannel(socket), fixedHandlers()))
    await once(server, 'listening')
    t.after(() => {
      for (const socket of server.clients) socket.terminate()
      server.close()
    })
    return webSocketChannel(new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`))
  },
  async 'a port of a worker'(t) {
    const { port1, port2 } = new MessageChannel()
    const worker = new Worker(helperFile, { workerData: { port: port2 }, transferList: [port2] })
    t.after(() => worker.terminate())
    return messagePortChannel(port1)
  },
}

const endOf = (channel: Channel) => new Promise<string>((resolve) => channel.onClose(resolve))

for (const [name, open] of Object.entries(wires)) {
  test(`over ${name}: calls are answered, many at once, each with its own answer`, async (t) => {
    const client = createClient(await open(t))
    const locations = Array.from({ length: 50 }, (_, index) => `/images/${index}.img`)
    const answers = await Promise.all(locations.map((location) => client.call('images.probe', { location })))
    assert.deepEqual(
      answers.map((answer) => answer.ok && answer.value.name),
      locations,
    )
    assert.deepEqual(await client.call('drives.list', {}), { ok: true, value: [fixedDrive] })
    client.close()
  })

  test(`over ${name}: an error keeps its kind, code and words`, async (t) => {
    const client = createClient(await open(t))
    const refused = await client.call('verify.start', {
      image: { location: '/a' },
      targets: [{ kind: 'file', path: '/b', sizeBytes: null }],
      options: {},
    })
    assert.ok(!refused.ok)
    assert.deepEqual(refused.error, {
      kind: 'refused',
      code: 'not-here',
      message: 'Not here.',
      meaning: 'Nothing was changed.',
      next: 'Ask elsewhere.',
    })
    const fault = await client.call('images.browse', { folder: null })
    assert.ok(!fault.ok)
    assert.equal(fault.error.code, 'unexpected')
    client.close()
  })

  test(`over ${name}: events arrive in order`, async (t) => {
    const client = createClient(await open(t))
    const seen: number[] = []
    const both = new Promise<void>((resolve) => {
      client.on('drives', (drives) => {
        seen.push(drives.length)
        if (seen.length === 2) resolve()
      })
    })
    await client.call('drives.watch', {})
    await both
    assert.deepEqual(seen, [0, 1])
    client.close()
  })

  test(`over ${name}: long messages and every character arrive unchanged`, async (t) => {
    const client = createClient(await open(t))
    const location = `/${'é\n\u2028"\\🙂'.repeat(100_000)}`
    const answer = await client.call('images.probe', { location })
    assert.ok(answer.ok)
    assert.equal(answer.value.name === location, true)
    client.close()
  })

  test(`over ${name}: a verb outside the contract ends the session, and what was asked is told so`, async (t) => {
    const channel = await open(t)
    const client = createClient(channel)
    assert.ok((await client.call('hello', {})).ok)
    const ended = endOf(channel)
    channel.send({ id: 900, call: 'disk.erase', params: {} })
    await ended
    const after = await client.call('hello', {})
    assert.ok(!after.ok)
    assert.equal(after.error.code, 'helper-gone')
  })

  test(`over ${name}: a message that is not a call ends the session`, async (t) => {
    for (const malformed of [null, 7, 'hello', [], {}, { id: 'x', call: 'hello' }, { event: 'drives', data: [] }]) {
      const channel = await open(t)
      const ended = endOf(channel)
      channel.send(malformed)
      await ended
    }
  })

  test(`over ${name}: closing tells both sides once, and sending afterwards does nothing`, async (t) => {
    const channel = await open(t)
    const client = createClient(channel)
    assert.ok((await client.call('hello', {})).ok)
    let told = 0
    channel.onClose(() => {
      told += 1
    })
    const pending = client.call('drives.list', {})
    channel.close()
    channel.close()
    channel.send({ id: 1, call: 'hello', params: {} })
    const outcome = await pending
    assert.ok(!outcome.ok)
    assert.equal(outcome.error.code, 'helper-gone')
    assert.equal(told, 1)
    assert.match(await endOf(channel), /closed on this side/)
  })
}

test('messages that come before the first listener are not lost', async () => {
  const { port1, port2 } = new MessageChannel()
  const channel = messagePortChannel(port1)
  port2.postMessage('early')
  await new Promise((resolve) => setTimeout(resolve, 20))
  assert.equal(await new Promise((resolve) => channel.onMessage(resolve)), 'early')
  channel.close()
})
