import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { HangWatch } from '../../native-helpers/imaging/piece-threads.ts'

const waitMs = 40

test('a thread hangs when one request is with its card for too long, not when it takes its time between two', async () => {
  const requests = new Int32Array(new SharedArrayBuffer(8))
  const watch = new HangWatch(requests, waitMs)
  assert.equal(watch.hangs(), false)
  await pause(2 * waitMs)
  assert.equal(watch.hangs(), false, 'nobody asked the card anything')
  requests[1] = 1
  assert.equal(watch.hangs(), false, 'a request has just begun')
  requests[1] = 3
  await pause(2 * waitMs)
  assert.equal(watch.hangs(), false, 'it is another request than before')
  await pause(2 * waitMs)
  assert.equal(watch.hangs(), true)
  requests[1] = 4
  assert.equal(watch.hangs(), false, 'the answer came after all')
})
