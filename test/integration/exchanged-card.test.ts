import assert from 'node:assert/strict'
import { readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { listDrives } from '../../native-helpers/drives/list.ts'
import { cannotLoop, withLoop } from '../support/devices.ts'
import { driveTarget, startPlan, testOptions, testRunner } from '../support/flash.ts'
import { noise } from '../support/memory-device.ts'
import { testFolder, tool } from '../support/tools.ts'

const mib = 1024 * 1024

test('another card in the same place after the plan is refused, also when a list has shown it since', {
  skip: cannotLoop() ?? false,
}, async (t) => {
  const folder = testFolder(t)
  const image = join(folder, 'system.img')
  writeFileSync(image, noise(4 * mib))
  const loop = withLoop(t, { sizeBytes: 16 * mib })
  const runner = testRunner(t)
  const plan = await runner.planFlash({
    image: { location: image },
    targets: [await driveTarget(loop.path)],
    options: testOptions(),
  })

  tool('losetup', ['--detach', loop.path])
  truncateSync(loop.backing, 0)
  truncateSync(loop.backing, 16 * mib)
  tool('losetup', [loop.path, loop.backing])
  await listDrives()

  const job = await runner.ended(startPlan(runner, plan))
  assert.equal(job.targets[0]?.error?.code, 'drive-changed', JSON.stringify(job.targets))
  assert.ok(
    readFileSync(loop.backing).every((byte) => byte === 0),
    'nothing of it was written',
  )
})
