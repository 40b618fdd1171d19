import type { MessagePort } from 'node:worker_threads'
import type { Channel } from '../contract.ts'
import { createHub } from './hub.ts'

/** The shape of Electron's `process.parentPort` in a utility process: messages come wrapped in an event, and there is no `close`. */
export interface ParentPort {
  postMessage(message: unknown): void
  on(event: 'message', listener: (event: { data: unknown }) => void): unknown
  off(event: 'message', listener: (event: { data: unknown }) => void): unknown
}

/**
 * The helper's side inside a utility process. Electron ends the process when its parent ends, so the wire itself never reports an end;
 * `onClosed` is what this side does when the contract is broken: let the process exit.
 */
export function parentPortChannel(port: ParentPort, onClosed: () => void): Channel {
  const listener = (event: { data: unknown }) => hub.receive(event.data)
  const hub = createHub({
    send: (message) => port.postMessage(message),
    release() {
      port.off('message', listener)
      onClosed()
    },
  })
  port.on('message', listener)
  return hub.channel
}

/** The parent's side of a utility process (Electron main). `UtilityProcess` fits this shape. */
export interface PortChild {
  postMessage(message: unknown): void
  on(event: 'message', listener: (message: unknown) => void): unknown
  once(event: 'exit', listener: (code: number) => void): unknown
  kill(): unknown
}

export function portChildChannel(child: PortChild): Channel {
  const hub = createHub({
    send: (message) => child.postMessage(message),
    release: () => child.kill(),
  })
  child.on('message', hub.receive)
  child.once('exit', (code) => hub.ended(`it ended with exit code ${code}`))
  return hub.channel
}

/** Either end of a MessageChannel, or a worker's own port to its parent. */
export function messagePortChannel(port: MessagePort): Channel {
  const hub = createHub({
    send: (message) => port.postMessage(message),
    release: () => port.close(),
  })
  port.on('message', hub.receive)
  port.once('messageerror', (error) => hub.fail(`a message that cannot be read (${error.message})`))
  port.once('close', () => hub.ended('the port was closed'))
  return hub.channel
}
