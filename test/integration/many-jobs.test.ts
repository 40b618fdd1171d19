import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { cannotLoop } from '../support/devices.ts'
import { driveTarget, startPlan, testOptions, testRunner } from '../support/flash.ts'
import { cutOff, pack, packings, sampleImage, usedCard } from '../support/sample-images.ts'
import { testFolder } from '../support/tools.ts'

const boundBytes = 300 * 1024 * 1024

function held() {
  return { descriptors: readdirSync('/proc/self/fd').length, threads: readdirSync('/proc/self/task').length }
}

test('thirty jobs in one process, good, bad and stopped ones, leave no descriptor, thread or memory behind', {
  skip: cannotLoop() ?? false,
}, async (t) => {
  const image = sampleImage(testFolder(t))
  const runner = testRunner(t)
  const card = await driveTarget(usedCard(t).path)
  const images = [...packings.map((packing) => pack(image, packing)), cutOff(pack(image, 'gz'))]
  const ends: string[] = []
  let afterFirst = held()
  for (let job = 0; job < 30; job += 1) {
    const request = { image: { location: images[job % images.length] ?? image }, targets: [card], options: testOptions() }
    const id = job % 5 === 4 ? await runner.startVerify(request) : startPlan(runner, await runner.planFlash(request))
    if (job % 4 === 3) setTimeout(() => runner.cancel(id), 20)
    ends.push((await runner.ended(id)).state)
    if (job === images.length * 2 - 1) afterFirst = held()
  }
  for (const state of ['done', 'failed', 'cancelled']) assert.ok(ends.includes(state), `${state}: ${ends}`)
  const atLast = held()
  // Two threads are kept for the next job, each with a handful of descriptors; which jobs came last decides whether they are there.
  assert.ok(atLast.descriptors <= afterFirst.descriptors + 12, `${atLast.descriptors} after ${afterFirst.descriptors}`)
  assert.ok(atLast.threads <= afterFirst.threads + 4, `${atLast.threads} after ${afterFirst.threads}`)
  const peak = Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * 1024
  assert.ok(peak < boundBytes, `${peak} bytes`)
})
