/** The only file that knows whether the helper is reached through the desktop's bridge or through a WebSocket. */
import type { Channel } from '../native-helpers/contract.ts'
import { type Client, createClient } from '../native-helpers/contract-client.ts'
import type { Bridge } from './bridge.ts'

export interface Transport {
  client: Client
  kind: 'desktop' | 'browser'
  /** The system's file dialog; null where the app has to show its own. */
  pickImage: (() => Promise<string | null>) | null
  /** The system's dialog for a new file; null where the app has to show its own. */
  pickSavePlace: ((suggested: string) => Promise<string | null>) | null
  pathOfDroppedFile(file: File): string | null
  setProgress(fraction: number | null): void
}

export async function openTransport(): Promise<Transport> {
  return window.livecard ? desktop(window.livecard) : browser()
}

/** Whether the helper's side answers again, so that loading the page anew makes sense. */
export async function helperAnswers(): Promise<boolean> {
  if (window.livecard) return true
  const channel = await openSocket().catch(() => null)
  channel?.close()
  return channel !== null
}

function desktop(bridge: Bridge): Transport {
  return {
    client: createClient({ ...bridge.channel, close: () => {} }),
    kind: 'desktop',
    pickImage: () => bridge.pickImage(),
    pickSavePlace: (suggested) => bridge.pickSavePlace(suggested),
    pathOfDroppedFile: (file) => bridge.pathOfDroppedFile(file),
    setProgress: (fraction) => bridge.setProgress?.(fraction),
  }
}

async function browser(): Promise<Transport> {
  return {
    client: createClient(await openSocket()),
    kind: 'browser',
    pickImage: null,
    pickSavePlace: null,
    // A browser keeps a file's place to itself.
    pathOfDroppedFile: () => null,
    setProgress: () => {},
  }
}

function openSocket(): Promise<Channel> {
  const address = new URL('/contract', location.href)
  address.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:'
  const socket = new WebSocket(address)
  return new Promise((resolve, reject) => {
    const refused = () => reject(new Error('the connection was refused'))
    socket.addEventListener('error', refused, { once: true })
    socket.addEventListener('close', refused, { once: true })
    socket.addEventListener('open', () => resolve(overSocket(socket)), { once: true })
  })
}

function overSocket(socket: WebSocket): Channel {
  return {
    send: (message) => socket.send(JSON.stringify(message)),
    onMessage(listener) {
      const heard = (event: MessageEvent) => listener(JSON.parse(String(event.data)))
      socket.addEventListener('message', heard)
      return () => socket.removeEventListener('message', heard)
    },
    onClose(listener) {
      const closed = (event: CloseEvent) => listener(event.reason || 'the connection to it ended')
      socket.addEventListener('close', closed)
      return () => socket.removeEventListener('close', closed)
    },
    close: () => socket.close(),
  }
}
