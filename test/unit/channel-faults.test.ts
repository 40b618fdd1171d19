import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { PassThrough } from 'node:stream'
import { type TestContext, test } from 'node:test'
import { WebSocket, WebSocketServer } from 'ws'
import { parentPortChannel, portChildChannel } from '../../native-helpers/channels/parent-port.ts'
import { childChannel, maxLineBytes, stdioChannel } from '../../native-helpers/channels/stdio.ts'
import { maxMessageBytes, webSocketChannel } from '../../native-helpers/channels/websocket.ts'
import type { Channel } from '../../native-helpers/contract.ts'
import { createClient } from '../../native-helpers/contract-client.ts'
import { serve } from '../../native-helpers/helper.ts'
import { fixedHandlers } from '../support/fixed-handlers.ts'

const endOf = (channel: Channel) => new Promise<string>((resolve) => channel.onClose(resolve))

function pipes() {
  const input = new PassThrough()
  const output = new PassThrough()
  const channel = stdioChannel(input, output)
  const messages: unknown[] = []
  channel.onMessage((message) => messages.push(message))
  return { input, output, channel, messages, ended: endOf(channel) }
}

test('a line that is not JSON, or not UTF-8, or empty ends a stdio channel', async () => {
  for (const line of ['{"id":1', 'hello', '', Buffer.from([0x22, 0xff, 0x22])]) {
    const { input, messages, ended } = pipes()
    input.write('{"good":1}\n')
    input.write(line)
    input.write('\n{"late":1}\n')
    assert.match(await ended, /not a message/)
    assert.deepEqual(messages, [{ good: 1 }])
  }
})

test('a line is put together from any pieces, and several lines may come in one', async () => {
  const { input, messages, channel } = pipes()
  const bytes = Buffer.from('{"a":"é🙂"}\n{"b":2}\n{"c"')
  for (const byte of bytes.subarray(0, 9)) input.write(Buffer.from([byte]))
  input.write(bytes.subarray(9))
  input.write(':3}\n')
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(messages, [{ a: 'é🙂' }, { b: 2 }, { c: 3 }])
  channel.close()
})

test('a line longer than the limit ends a stdio channel before it is held in memory', async () => {
  const { input, messages, ended } = pipes()
  const piece = Buffer.alloc(1024 * 1024, 0x61)
  for (let sent = 0; sent <= maxLineBytes; sent += piece.length) input.write(piece)
  assert.match(await ended, /longer than/)
  assert.deepEqual(messages, [])
})

test('a peer that never reads ends the channel instead of filling the memory', async () => {
  const { channel, ended } = pipes()
  const text = 'x'.repeat(1024 * 1024)
  for (let count = 0; count < 100; count += 1) channel.send(text)
  assert.match(await ended, /does not read/)
})

test('the end of input ends a stdio channel, and the caller’s end is heard by its handler', async () => {
  const input = new PassThrough()
  const output = new PassThrough()
  const gone = new Promise<void>((resolve) => serve(stdioChannel(input, output), fixedHandlers(resolve)))
  input.write('{"id":1,"call":"drives.watch","params":{}}\n')
  await once(output, 'data')
  input.end()
  await gone
})

test('the death of a child is told with how it ended, to every call that waits', async () => {
  const byCode = spawn(process.execPath, ['-e', 'process.exit(7)'], { stdio: ['pipe', 'pipe', 'inherit'] })
  assert.match(await endOf(childChannel(byCode)), /exit code 7/)

  const bySignal = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: ['pipe', 'pipe', 'inherit'] })
  const client = createClient(childChannel(bySignal))
  const pending = client.call('hello', {})
  bySignal.kill('SIGKILL')
  const outcome = await pending
  assert.ok(!outcome.ok)
  assert.match(outcome.error.message, /SIGKILL/)

  const absent = spawn('/nonexistent/helper', { stdio: ['pipe', 'pipe', 'inherit'] })
  assert.match(await endOf(childChannel(absent)), /could not be started/)
})

async function webSocketPair(t: TestContext) {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, maxPayload: maxMessageBytes })
  await once(server, 'listening')
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const [socket] = (await once(server, 'connection')) as [WebSocket]
  const served = webSocketChannel(socket)
  if (client.readyState !== WebSocket.OPEN) await once(client, 'open')
  t.after(() => {
    client.terminate()
    server.close()
  })
  return { client, served }
}

test('a frame that is not JSON ends a WebSocket with 1007, a binary one with 1003, one too long with 1009', async (t) => {
  const faults: [string | Buffer, number][] = [
    ['{"id":', 1007],
    [Buffer.from('{}'), 1003],
    ['x'.repeat(maxMessageBytes + 1), 1009],
  ]
  for (const [frame, code] of faults) {
    const { client, served } = await webSocketPair(t)
    const heard: unknown[] = []
    served.onMessage((message) => heard.push(message))
    const ended = endOf(served)
    client.send(frame)
    const [closeCode] = await once(client, 'close')
    assert.equal(closeCode, code)
    await ended
    assert.deepEqual(heard, [])
  }
})

test('a WebSocket that breaks without a goodbye ends the channel', async (t) => {
  const { client, served } = await webSocketPair(t)
  const ended = endOf(served)
  client.terminate()
  assert.match(await ended, /closed|broke/)
})

/** Electron's two ends have this shape; the real ones are tested on the real Electron. */
test('a utility process’s port wraps messages in events; a broken contract lets the process exit', async () => {
  const port = Object.assign(new EventEmitter(), {
    sent: [] as unknown[],
    postMessage(message: unknown) {
      this.sent.push(message)
    },
  })
  let exits = 0
  serve(
    parentPortChannel(port, () => {
      exits += 1
    }),
    fixedHandlers(),
  )
  port.emit('message', { data: { id: 4, call: 'jobs.list', params: {} }, ports: [] })
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(port.sent, [{ id: 4, ok: true, value: [] }])
  port.emit('message', { data: { id: 5, call: 'disk.erase', params: {} }, ports: [] })
  port.emit('message', { data: { id: 6, call: 'jobs.list', params: {} }, ports: [] })
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(port.sent.length, 1)
  assert.equal(exits, 1)
})

test('the exit of a utility process ends the parent’s channel with its code', async () => {
  const child = Object.assign(new EventEmitter(), { postMessage() {}, kill() {} })
  const ended = endOf(portChildChannel(child))
  child.emit('exit', 9)
  assert.match(await ended, /exit code 9/)
})
