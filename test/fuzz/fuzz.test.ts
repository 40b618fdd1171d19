import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { memoryDevice } from '../support/file-device.ts'
import { missingTools, seeded, testFolder } from '../support/tools.ts'
import { sampleTools } from '../support/volume-samples.ts'
import { Coverage } from './coverage.ts'
import { fuzz } from './fuzz.ts'
import { type Find, Hunt } from './hunt.ts'
import { readProgress } from './progress.ts'
import { fuzzTools } from './seeds.ts'

const skip = missingTools(...sampleTools, ...fuzzTools) ?? false

test('damaged images of every kind lead to a report or a named error, soon, and with little memory', { skip }, async (t) => {
  const { images, seconds, finds, peakBytes, slowestMs, states } = await fuzz({
    images: 8000,
    seconds: 60,
    // Another one each day, so that the runs together see more than one of them does.
    seed: Math.floor(Date.now() / 86_400_000),
    processes: 2,
    only: [],
    guided: true,
    findsFolder: null,
  })
  t.diagnostic(
    `${images} images in ${Math.round(seconds)} s, slowest ${Math.round(slowestMs)} ms, ${Math.round(peakBytes / 1048576)} MiB`,
  )
  assert.deepEqual(finds, [])
  assert.ok(images > 1000, `${images} images`)
  for (const [name, { blocks }] of Object.entries(states)) assert.ok(blocks > 0, `${name} covers nothing`)
})

test('a run that was broken off is gone on with, with other chance', { skip }, async (t) => {
  const progressFile = join(testFolder(t), 'progress.json')
  const order = { seconds: 120, seed: 3, processes: 1, only: ['config'], guided: false, findsFolder: null, progressFile }
  const first = await fuzz({ ...order, images: 60 })
  assert.ok(first.images >= 60)
  const before = readProgress(progressFile)
  const { runs, images, finds, seconds } = await fuzz({ ...order, images: first.images + 60, before })
  assert.equal(runs, 2)
  assert.ok(images >= first.images + 60 && images < 2 * first.images + 1000, `${images} images`)
  assert.ok(seconds > first.seconds)
  assert.deepEqual(finds, [])
})

/** A parser with mistakes that only damage brings out, two of them behind a condition. */
function careless(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer)
  if (view.getUint8(0) === 0x4c) return
  if (view.getUint8(4) === 0xff) throw new TypeError('first mistake')
  if (view.getUint16(8, true) > 0x8000) throw new RangeError('second mistake')
}

test('the fuzzer finds mistakes, and says by which bytes', async () => {
  const finds: Find[] = []
  const seed = { name: 'zeros', device: memoryDevice(new Uint8Array(64)) }
  const target = {
    name: 'careless',
    seeds: [seed],
    weight: 1,
    read(device: { size: number; readSync(into: Uint8Array, offset: number): void }) {
      const bytes = new Uint8Array(64)
      device.readSync(bytes.subarray(0, Math.min(16, device.size)), 0)
      careless(bytes)
    },
  }
  const coverage = new Coverage()
  const hunt = new Hunt(
    target,
    seeded(5),
    coverage,
    (find) => finds.push(find),
    () => undefined,
  )
  await hunt.start()
  for (let batch = 0; batch < 40; batch += 1) await hunt.batch()
  coverage.close()
  assert.ok(finds.some(({ what }) => what.includes('first mistake')))
  assert.ok(finds.some(({ what }) => what.includes('second mistake')))
  const { mutation } = finds.find(({ what }) => what.includes('first mistake')) ?? assert.fail()
  const bytes = Buffer.alloc(128)
  for (const { offset, hex } of mutation.patches) Buffer.from(hex, 'hex').copy(bytes, offset)
  assert.equal(bytes[4], 0xff)
})
