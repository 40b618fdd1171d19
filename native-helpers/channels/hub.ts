import type { Channel } from '../contract.ts'

/** What a transport does for its channel: put one message on the wire, and let go of the wire. */
export interface Wire {
  send(message: unknown): void
  /** Called once, when this side ends the channel. */
  release(reason: string): void
}

/** The receiving half of a channel, for the transport that feeds it. */
export interface Hub {
  readonly channel: Channel
  readonly open: boolean
  receive(message: unknown): void
  /** The other side or the wire ended; later calls do nothing. */
  ended(reason: string): void
  /** This side ends it and says why: a malformed message, a peer that does not read. */
  fail(reason: string): void
}

/**
 * What all transports have in common. Messages wait for the first listener, so nothing is lost between opening and serving.
 * The end is told exactly once to each listener, also to one that comes after it. Sending into an ended channel does nothing.
 */
export function createHub(wire: Wire): Hub {
  const messageListeners = new Set<(message: unknown) => void>()
  const closeListeners = new Set<(reason: string) => void>()
  let early: unknown[] = []
  let endReason: string | null = null

  const end = (reason: string): boolean => {
    if (endReason !== null) return false
    endReason = reason
    early = []
    messageListeners.clear()
    const told = [...closeListeners]
    closeListeners.clear()
    for (const listener of told) listener(reason)
    return true
  }
  const fail = (reason: string) => {
    if (end(reason)) wire.release(reason)
  }

  const channel: Channel = {
    send(message) {
      if (endReason === null) wire.send(message)
    },
    onMessage(listener) {
      if (endReason !== null) return () => {}
      messageListeners.add(listener)
      const waiting = early
      early = []
      for (const message of waiting) listener(message)
      return () => messageListeners.delete(listener)
    },
    onClose(listener) {
      if (endReason !== null) {
        const reason = endReason
        queueMicrotask(() => listener(reason))
        return () => {}
      }
      closeListeners.add(listener)
      return () => closeListeners.delete(listener)
    },
    close: () => fail('closed on this side'),
  }

  return {
    channel,
    get open() {
      return endReason === null
    },
    receive(message) {
      if (endReason !== null) return
      if (messageListeners.size === 0) early.push(message)
      else for (const listener of [...messageListeners]) listener(message)
    },
    ended: (reason) => {
      end(reason)
    },
    fail,
  }
}
