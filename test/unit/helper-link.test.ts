import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MessageChannel } from 'node:worker_threads'
import { createHelperLink } from '../../electron/helper-link.ts'
import type { HelperProcess } from '../../electron/helper-process.ts'
import { messagePortChannel } from '../../native-helpers/channels/parent-port.ts'
import type { Channel } from '../../native-helpers/contract.ts'
import { createClient } from '../../native-helpers/contract-client.ts'
import { type Handlers, serve } from '../../native-helpers/helper.ts'
import { fixedHandlers } from '../support/fixed-handlers.ts'

/** A helper in this process, over a real port; `die` is its death. */
function helper(handlers: Handlers): HelperProcess & { die(): void } {
  const { port1, port2 } = new MessageChannel()
  serve(messagePortChannel(port1), handlers)
  return { channel: messagePortChannel(port2), stop: async () => port2.close(), die: () => port1.close() }
}

const ended = (channel: Channel) => new Promise<string>((resolve) => channel.onClose(resolve))

test('two who ask under the same number each get their own answer', async (t) => {
  const asked: (string | null)[] = []
  const handlers = fixedHandlers()
  const link = createHelperLink(() =>
    helper({
      ...handlers,
      'images.browse': async ({ folder }) => {
        asked.push(folder)
        // The first answer is the later one.
        if (asked.length === 1) await new Promise((resolve) => setTimeout(resolve, 30))
        return { folder: folder ?? '', parent: null, places: [], entries: [], truncated: false }
      },
    }),
  )
  t.after(() => link.stop())
  const [one, other] = [createClient(link.connect()), createClient(link.connect())]
  const answers = await Promise.all([
    one.call('images.browse', { folder: '/one' }),
    other.call('images.browse', { folder: '/other' }),
  ])
  assert.deepEqual(
    answers.map((answer) => answer.ok && answer.value.folder),
    ['/one', '/other'],
  )
})

test('a message outside the contract ends the one who sent it, and nobody else', async (t) => {
  const link = createHelperLink(() => helper(fixedHandlers()))
  t.after(() => link.stop())
  const [bad, good] = [link.connect(), createClient(link.connect())]
  const reason = ended(bad)
  bad.send({ id: 1, call: 'drives.erase', params: {} })
  assert.match(await reason, /not in the contract/)
  assert.ok((await good.call('hello', {})).ok)
})

test('who left hears no answers to what he asked before', async (t) => {
  const link = createHelperLink(() => helper(fixedHandlers()))
  t.after(() => link.stop())
  const before = link.connect()
  const heard: unknown[] = []
  before.onMessage((message) => heard.push(message))
  before.send({ id: 1, call: 'hello', params: {} })
  before.close()
  const after = link.connect()
  after.onMessage((message) => heard.push(message))
  await createClient(link.connect()).call('hello', {})
  assert.deepEqual(heard, [])
})

test('the death of the helper is told to all with its reason, and the next one who connects gets a new helper', async (t) => {
  const started: ReturnType<typeof helper>[] = []
  const link = createHelperLink(() => {
    const next = helper(fixedHandlers())
    started.push(next)
    return next
  })
  t.after(() => link.stop())
  let starts = 0
  link.onStart(() => starts++)
  const members = [link.connect(), link.connect()]
  const reasons = Promise.all(members.map(ended))
  started[0]?.die()
  assert.deepEqual(await reasons, ['the port was closed', 'the port was closed'])
  assert.ok((await createClient(link.connect()).call('hello', {})).ok)
  assert.equal(started.length, 2)
  assert.equal(starts, 2)
})
