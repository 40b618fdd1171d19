import {
  type Answer,
  type CallMessage,
  type Channel,
  callMessage,
  type EventData,
  type EventName,
  type HelperMessage,
  type Params,
  type RequestName,
  requests,
} from './contract.ts'
import { LivecardError, toErrorValue } from './errors.ts'

/** What a handler may use of the channel that asked: its events, and its end. */
export interface Caller {
  emit<N extends EventName>(name: N, data: EventData<N>): void
  onClose(listener: () => void): void
}

export type Handlers = {
  [N in RequestName]: (
    params: ReturnType<(typeof requests)[N]['params']['parse']>,
    caller: Caller,
  ) => Promise<Answer<N>> | Answer<N>
}

/** Serves the contract on one channel, whatever carries it. An unknown or malformed message ends the channel. */
export function serve(channel: Channel, handlers: Handlers): void {
  const closers = new Set<() => void>()
  let open = true
  const send = (message: HelperMessage) => {
    if (open) channel.send(message)
  }
  const caller: Caller = {
    emit: (event, data) => send({ event, data }),
    onClose: (listener) => closers.add(listener),
  }

  channel.onClose(() => {
    open = false
    for (const closer of closers) closer()
  })
  channel.onMessage((raw) => {
    const message = callMessage.safeParse(raw)
    if (!message.success) {
      channel.close()
      return
    }
    void answer(message.data, handlers, caller).then(send)
  })
}

async function answer(message: CallMessage, handlers: Handlers, caller: Caller): Promise<HelperMessage> {
  const { id, call } = message
  const params = requests[call].params.safeParse(message.params)
  if (!params.success) {
    const error = new LivecardError('usage', 'bad-request', {
      message: `The request "${call}" does not have the form that the contract asks for: ${params.error.issues[0]?.message ?? ''}`,
      meaning: 'It was not carried out.',
      next: 'The app and its helper are of different versions; install both anew.',
    })
    return { id, ok: false, error: error.toValue() }
  }
  try {
    const handler = handlers[call] as (params: unknown, caller: Caller) => unknown
    return { id, ok: true, value: await handler(params.data as Params<RequestName>, caller) }
  } catch (thrown) {
    return { id, ok: false, error: toErrorValue(thrown) }
  }
}
