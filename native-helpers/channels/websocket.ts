import type { RawData, WebSocket } from 'ws'
import type { Channel } from '../contract.ts'
import { createHub } from './hub.ts'

/** Longest message that is accepted; the server's `maxPayload`, enforced by ws before the message is in memory. */
export const maxMessageBytes = 4 * 1024 * 1024
const maxWaitingBytes = 64 * 1024 * 1024
/** How long a peer may take to answer the closing handshake. */
const closeGraceMs = 2000

// Close codes of RFC 6455, section 7.4.1.
const goingWell = 1000
const notText = 1003
const notJson = 1007
const refusedByPolicy = 1008

/** One JSON message per text frame, on either end of a `ws` socket. */
export function webSocketChannel(socket: WebSocket): Channel {
  const unsent: string[] = []
  let closeCode = goingWell
  const hub = createHub({
    send(message) {
      const text = JSON.stringify(message)
      if (socket.readyState === socket.CONNECTING) unsent.push(text)
      else socket.send(text, () => {})
      if (socket.bufferedAmount > maxWaitingBytes) {
        closeCode = refusedByPolicy
        hub.fail('the other side does not read its messages')
      }
    },
    release(reason) {
      socket.close(closeCode, reason)
      const grace = setTimeout(() => socket.terminate(), closeGraceMs)
      grace.unref()
      socket.once('close', () => clearTimeout(grace))
    },
  })
  socket.once('open', () => {
    for (const text of unsent.splice(0)) socket.send(text)
  })
  socket.on('message', (data, isBinary) => {
    const message = isBinary ? null : parseFrame(data)
    if (message) return hub.receive(message.value)
    closeCode = isBinary ? notText : notJson
    hub.fail(isBinary ? 'a binary frame' : 'a frame that is not a message')
  })
  // After `error` (a frame too long, a broken frame, a reset) ws always emits `close`; the error has the better words.
  socket.once('error', (error) => hub.ended(`the connection broke (${error.message})`))
  socket.once('close', (code, reason) =>
    hub.ended(reason.length > 0 ? reason.toString('utf8') : `the connection was closed (${code})`),
  )
  return hub.channel
}

function parseFrame(data: RawData): { value: unknown } | null {
  const bytes = Array.isArray(data) ? Buffer.concat(data) : data
  try {
    return { value: JSON.parse(Buffer.isBuffer(bytes) ? bytes.toString('utf8') : Buffer.from(bytes).toString('utf8')) }
  } catch {
    return null
  }
}
