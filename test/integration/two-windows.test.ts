import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { WebSocket } from 'ws'
import { webSocketChannel } from '../../native-helpers/channels/websocket.ts'
import type { Identity, Job } from '../../native-helpers/contract.ts'
import { type Client, createClient } from '../../native-helpers/contract-client.ts'
import { createHandlers } from '../../native-helpers/handlers.ts'
import { startWebServer } from '../../native-helpers/web/server.ts'
import { cannotLoop } from '../support/devices.ts'
import { driveTarget, testOptions, testRunner } from '../support/flash.ts'
import { difference, isUnfinished, sampleImage, usedCard } from '../support/sample-images.ts'
import { slowImage } from '../support/slow-image-server.ts'
import { testFolder } from '../support/tools.ts'

const skip = cannotLoop() ?? false

/** One server with real jobs behind it, and two windows of the same browser. */
async function twoWindows(t: TestContext): Promise<[Client, Client]> {
  const bundleFolder = join(testFolder(t), 'app')
  mkdirSync(bundleFolder)
  for (const name of ['index.html', 'app.js', 'app.css']) writeFileSync(join(bundleFolder, name), '')
  const server = await startWebServer({ port: 0, handlers: createHandlers(testRunner(t)), bundleFolder })
  t.after(() => server.close())
  const signedIn = await fetch(server.link(), { redirect: 'manual' })
  const cookie = signedIn.headers.get('set-cookie')?.split(';')[0] ?? ''
  const open = async () => {
    const origin = `http://127.0.0.1:${server.port}`
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}/contract`, { headers: { cookie, origin } })
    await new Promise((resolve, reject) => {
      socket.once('open', resolve)
      socket.once('error', reject)
    })
    return createClient(webSocketChannel(socket))
  }
  return [await open(), await open()]
}

/** Follows the jobs of a window until this one has ended. */
async function ended(client: Client, jobId: string): Promise<Job> {
  for (;;) {
    const jobs = await client.call('jobs.list', {})
    const job = jobs.ok ? jobs.value.find(({ id }) => id === jobId) : undefined
    if (job && job.state !== 'running') return job
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

async function until(done: () => Promise<boolean>): Promise<void> {
  while (!(await done())) await new Promise((resolve) => setTimeout(resolve, 10))
}

test('of two windows that confirm the same plan or the same drive one writes, and both see it', { skip }, async (t) => {
  const [left, right] = await twoWindows(t)
  const path = sampleImage(testFolder(t))
  const card = usedCard(t)
  const target = await driveTarget(card.path)
  const confirmed: Identity[] = target.kind === 'drive' ? [target.identity] : []
  const plan = async (client: Client, location: string) => {
    const made = await client.call('flash.plan', { image: { location }, targets: [target], options: testOptions() })
    assert.ok(made.ok, JSON.stringify(made))
    return made.value.planId
  }
  const start = (client: Client, planId: string) => client.call('flash.start', { planId, confirmed })

  const shared = await plan(left, path)
  const [first, second] = await Promise.all([start(left, shared), start(right, shared)])
  const [good, bad] = first.ok ? [first, second] : [second, first]
  assert.ok(good.ok && !bad.ok)
  assert.equal(bad.error.code, 'plan-unknown')
  assert.equal((await ended(right, good.value.jobId)).state, 'done', 'the other window sees it too')
  assert.equal(difference(path, card.path), null)

  const slow = await slowImage(t, readFileSync(path))
  const plans = [await plan(left, slow.url), await plan(right, path)]
  const writing = await start(left, plans[0] ?? '')
  assert.ok(writing.ok)
  await until(async () => isUnfinished(card.path))
  const late = await start(right, plans[1] ?? '')
  assert.ok(late.ok)
  const refused = await ended(right, late.value.jobId)
  assert.equal(refused.state, 'failed')
  assert.equal(refused.targets[0]?.error?.code, 'drive-busy')
  slow.hurry()
  assert.equal((await ended(left, writing.value.jobId)).state, 'done', 'the one that wrote was not disturbed')
  assert.equal(difference(path, card.path), null)
})

test('a window that is closed stops no job, and another one can', { skip }, async (t) => {
  const [left, right] = await twoWindows(t)
  const slow = await slowImage(t, readFileSync(sampleImage(testFolder(t))))
  const card = usedCard(t)
  const target = await driveTarget(card.path)
  const made = await left.call('flash.plan', { image: { location: slow.url }, targets: [target], options: testOptions() })
  assert.ok(made.ok)
  const started = await left.call('flash.start', {
    planId: made.value.planId,
    confirmed: target.kind === 'drive' ? [target.identity] : [],
  })
  assert.ok(started.ok)
  left.close()
  await until(async () => isUnfinished(card.path))
  const running = await right.call('jobs.list', {})
  assert.equal(running.ok && running.value[0]?.state, 'running')
  await right.call('jobs.cancel', { jobId: started.value.jobId })
  assert.equal((await ended(right, started.value.jobId)).state, 'cancelled')
  assert.ok(isUnfinished(card.path))
})

test('a plan is forgotten after a quarter of an hour', { skip }, async (t) => {
  const runner = testRunner(t)
  const target = await driveTarget(usedCard(t).path)
  const image = { location: sampleImage(testFolder(t)) }
  const plan = await runner.planFlash({ image, targets: [target], options: testOptions() })
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 15 * 60 * 1000 + 1 })
  const confirmed = target.kind === 'drive' ? [target.identity] : []
  assert.throws(() => runner.startFlash(plan.planId, confirmed), { code: 'plan-unknown' })
})
