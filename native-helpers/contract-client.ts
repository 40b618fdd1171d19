import {
  type Answer,
  type Channel,
  type ErrorValue,
  type EventData,
  type EventName,
  events,
  helperMessage,
  type Params,
  type RequestName,
  requests,
} from './contract.ts'

export type Outcome<T> = { ok: true; value: T } | { ok: false; error: ErrorValue }

/** The asking side of the contract. Errors are values: `call` never rejects. */
export interface Client {
  call<N extends RequestName>(name: N, params: Params<N>): Promise<Outcome<Answer<N>>>
  /** Returns what ends the subscription. */
  on<N extends EventName>(name: N, listener: (data: EventData<N>) => void): () => void
  /** Called once, when the helper is gone. */
  onClose(listener: (reason: string) => void): () => void
  close(): void
}

function gone(reason: string): ErrorValue {
  return {
    kind: 'failed',
    code: 'helper-gone',
    message: `The part of Livecard that talks to drives has stopped: ${reason}`,
    meaning: 'A card that was being written is not complete. Cards that were only looked at are unchanged.',
    next: 'Start it again; write the card again if one was being written.',
  }
}

function malformed(what: string): ErrorValue {
  return {
    kind: 'failed',
    code: 'contract-broken',
    message: `The helper answered something that the contract does not allow: ${what}`,
    meaning: 'The answer was dropped. Nothing was changed by reading it.',
    next: 'The app and its helper are of different versions; install both anew.',
  }
}

/** Both sides validate: what goes out and what comes in is checked against the contract. */
export function createClient(channel: Channel): Client {
  let nextId = 1
  let closedBecause: string | null = null
  const waiting = new Map<number, { name: RequestName; settle: (outcome: Outcome<never>) => void }>()
  const listeners = new Map<EventName, Set<(data: never) => void>>()
  const closeListeners = new Set<(reason: string) => void>()

  channel.onMessage((raw) => {
    const message = helperMessage.safeParse(raw)
    if (!message.success) return
    if ('event' in message.data) {
      const data = events[message.data.event].safeParse(message.data.data)
      if (!data.success) return
      for (const listener of listeners.get(message.data.event) ?? []) listener(data.data as never)
      return
    }
    const reply = message.data
    const asked = waiting.get(reply.id)
    if (!asked) return
    waiting.delete(reply.id)
    if (!reply.ok) return asked.settle(reply)
    const value = requests[asked.name].answer.safeParse(reply.value)
    asked.settle(value.success ? { ok: true, value: value.data as never } : { ok: false, error: malformed(value.error.message) })
  })

  channel.onClose((reason) => {
    closedBecause = reason
    for (const { settle } of waiting.values()) settle({ ok: false, error: gone(reason) })
    waiting.clear()
    for (const listener of closeListeners) listener(reason)
  })

  return {
    call(name, params) {
      if (closedBecause !== null) return Promise.resolve({ ok: false, error: gone(closedBecause) })
      const checked = requests[name].params.safeParse(params)
      if (!checked.success) return Promise.resolve({ ok: false, error: malformed(checked.error.message) })
      const id = nextId++
      return new Promise((resolve) => {
        waiting.set(id, { name, settle: resolve as (outcome: Outcome<never>) => void })
        channel.send({ id, call: name, params: checked.data })
      })
    },
    on(name, listener) {
      const set = listeners.get(name) ?? new Set()
      listeners.set(name, set)
      set.add(listener as (data: never) => void)
      return () => set.delete(listener as (data: never) => void)
    },
    onClose(listener) {
      closeListeners.add(listener)
      return () => closeListeners.delete(listener)
    },
    close: () => channel.close(),
  }
}
