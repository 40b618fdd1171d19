/**
 * One helper, several who talk to it: the page that is shown, the page after a reload, and main itself, which has to know whether a job runs. Each gets a channel
 * of its own. Calls are numbered anew on the way, so nobody hears the reply to another's call; events go to all.
 */
import { type Channel, callMessage, helperMessage } from '../native-helpers/contract.ts'
import type { HelperProcess } from './helper-process.ts'

export interface HelperLink {
  /** A channel to the helper that runs; starts one when there is none. */
  connect(): Channel
  /** Called whenever a helper was started. Returns what ends the subscription. */
  onStart(listener: () => void): () => void
  stop(): Promise<void>
}

interface Member {
  receive(message: unknown): void
  end(reason: string): void
}

interface Running {
  helper: HelperProcess
  members: Set<Member>
  /** Number on the way → who asked, under which number. */
  asked: Map<number, { member: Member; id: number }>
  nextId: number
}

export function createHelperLink(start: () => HelperProcess): HelperLink {
  const startListeners = new Set<() => void>()
  let running: Running | null = null

  const ensure = (): Running => {
    if (running) return running
    const helper = start()
    const now: Running = { helper, members: new Set(), asked: new Map(), nextId: 1 }
    running = now
    helper.channel.onMessage((message) => deliver(now, message))
    helper.channel.onClose((reason) => {
      if (running === now) running = null
      for (const member of [...now.members]) member.end(reason)
    })
    for (const listener of startListeners) queueMicrotask(listener)
    return now
  }

  return {
    connect: () => join(ensure()),
    onStart(listener) {
      startListeners.add(listener)
      return () => startListeners.delete(listener)
    },
    async stop() {
      await running?.helper.stop()
    },
  }
}

function deliver(running: Running, raw: unknown): void {
  const message = helperMessage.safeParse(raw)
  if (!message.success) return
  if ('event' in message.data) {
    for (const member of [...running.members]) member.receive(message.data)
    return
  }
  const asked = running.asked.get(message.data.id)
  if (!asked) return
  running.asked.delete(message.data.id)
  asked.member.receive({ ...message.data, id: asked.id })
}

function join(running: Running): Channel {
  const messageListeners = new Set<(message: unknown) => void>()
  const closeListeners = new Set<(reason: string) => void>()
  const member: Member = {
    receive(message) {
      for (const listener of [...messageListeners]) listener(message)
    },
    end(reason) {
      if (!running.members.delete(member)) return
      for (const [number, { member: asker }] of running.asked) if (asker === member) running.asked.delete(number)
      for (const listener of [...closeListeners]) listener(reason)
    },
  }
  running.members.add(member)

  return {
    send(raw) {
      if (!running.members.has(member)) return
      const call = callMessage.safeParse(raw)
      // The helper would end its channel over it, and with it a job that another member is watching.
      if (!call.success) return member.end('it was sent a message that is not in the contract')
      const number = running.nextId++
      running.asked.set(number, { member, id: call.data.id })
      running.helper.channel.send({ ...call.data, id: number })
    },
    onMessage(listener) {
      messageListeners.add(listener)
      return () => messageListeners.delete(listener)
    },
    onClose(listener) {
      closeListeners.add(listener)
      return () => closeListeners.delete(listener)
    },
    close: () => member.end('closed on this side'),
  }
}
