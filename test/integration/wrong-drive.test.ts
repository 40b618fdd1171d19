import assert from 'node:assert/strict'
import { existsSync, linkSync, mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Target } from '../../native-helpers/contract.ts'
import { findDrive } from '../../native-helpers/drives/find.ts'
import { listDrives } from '../../native-helpers/drives/list.ts'
import { openForWriting } from '../../native-helpers/drives/open.ts'
import { cannotLoop, loopOf, withLoop } from '../support/devices.ts'
import { driveTarget, startPlan, testOptions, testRunner } from '../support/flash.ts'
import { noise } from '../support/memory-device.ts'
import { slowImage } from '../support/slow-image-server.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'

const mib = 1024 * 1024
const skip = cannotLoop() ?? missingTools('mkfs.ext4', 'mount') ?? false

function imageIn(folder: string): string {
  const path = join(folder, 'image.img')
  writeFileSync(path, noise(2 * mib))
  return path
}

/** Mounts the devices one over the other while something is tried. */
async function whileMounted(devices: string[], at: string, tried: () => Promise<void>): Promise<void> {
  mkdirSync(at)
  for (const device of devices) tool('mount', [device, at])
  try {
    await tried()
  } finally {
    for (const _ of devices) tool('umount', ['-l', at])
  }
}

const file = (path: string, sizeBytes: number | null = null): Target => ({ kind: 'file', path, sizeBytes })

test('a card that took the place of the confirmed one is not written, however alike, and although it was listed meanwhile', {
  skip,
}, async (t) => {
  const folder = testFolder(t)
  const runner = testRunner(t)
  const image = imageIn(folder)
  const first = withLoop(t, { sizeBytes: 8 * mib })
  const plan = await runner.planFlash({
    image: { location: image },
    targets: [await driveTarget(first.path)],
    options: testOptions(),
  })
  const precious = join(folder, 'precious.img')
  writeFileSync(precious, noise(8 * mib))
  const before = readFileSync(precious)
  first.detach()
  tool('losetup', [first.path, precious])
  t.after(() => tool('losetup', ['--detach', first.path]))
  await listDrives()
  const job = await runner.ended(startPlan(runner, plan))
  assert.equal(job.state, 'failed')
  assert.equal(job.targets[0]?.error?.code, 'drive-changed')
  assert.equal(job.checks.find(({ id }) => id === 'identity')?.state, 'differs')
  assert.ok(readFileSync(precious).equals(before))
})

test('a comparison does not call a drive the confirmed one that is another', { skip }, async (t) => {
  const runner = testRunner(t)
  const loop = withLoop(t, { sizeBytes: 8 * mib })
  const target = await driveTarget(loop.path)
  assert.ok(target.kind === 'drive')
  const other: Target = { kind: 'drive', identity: { ...target.identity, serial: 'of-another-drive' } }
  const image = { location: imageIn(testFolder(t)) }
  const job = await runner.ended(await runner.startVerify({ image, targets: [other], options: testOptions() }))
  assert.equal(job.targets[0]?.error?.code, 'drive-changed')
  assert.equal(job.checks.find(({ id }) => id === 'identity')?.state, 'differs')
})

test('a drive in use is not written by another name of it: a disk made of it, of its file, or the file itself', {
  skip,
}, async (t) => {
  const folder = testFolder(t)
  const image = imageIn(folder)
  const runner = testRunner(t)
  const disk = withLoop(t, { sizeBytes: 16 * mib })
  tool('mkfs.ext4', ['-q', '-F', disk.path])
  const over = loopOf(t, disk.path)
  const overThat = loopOf(t, over.path)
  const plan = async (target: Target) => runner.planFlash({ image: { location: image }, targets: [target], options: testOptions() })
  await assert.doesNotReject(plan(await driveTarget(overThat.path)))

  const link = join(folder, 'link.img')
  linkSync(disk.backing, link)
  const twin = loopOf(t, link)
  await whileMounted([disk.path], join(folder, 'mnt'), async () => {
    for (const { path } of [over, overThat, twin]) {
      await assert.rejects(plan(await driveTarget(path)), { code: 'drive-holder', kind: 'refused' }, path)
      const { identity } = await findDrive(path)
      await assert.rejects(openForWriting(identity, { allowVirtual: true }), { kind: 'refused' }, path)
    }
  })
  for (const path of [disk.backing, link]) await assert.rejects(plan(file(path)), { code: 'file-in-use', kind: 'refused' })
})

test('a card file that became a disk after it was planned is not written', { skip }, async (t) => {
  const folder = testFolder(t)
  const runner = testRunner(t)
  const card = join(folder, 'card.img')
  writeFileSync(card, Buffer.alloc(4 * mib))
  const plan = await runner.planFlash({ image: { location: imageIn(folder) }, targets: [file(card)], options: testOptions() })
  loopOf(t, card)
  const job = await runner.ended(startPlan(runner, plan))
  assert.equal(job.targets[0]?.error?.code, 'file-in-use')
  assert.ok(readFileSync(card).every((byte) => byte === 0))
})

test('a volume that lies over another one is not unmounted for it', { skip }, async (t) => {
  const folder = testFolder(t)
  const at = join(folder, 'mnt')
  const [below, above] = [withLoop(t, { sizeBytes: 16 * mib }), withLoop(t, { sizeBytes: 16 * mib })]
  for (const { path } of [below, above]) tool('mkfs.ext4', ['-q', '-F', path])
  await whileMounted([below.path, above.path], at, async () => {
    const { identity } = await findDrive(below.path)
    await assert.rejects(openForWriting(identity, { allowVirtual: true }), { code: 'drive-mounted', kind: 'refused' })
    assert.deepEqual((await findDrive(above.path)).whole.mounts, [at])
  })
})

test('no file is made among the devices, whatever way leads there', {
  skip: process.platform === 'win32' ? 'no /dev' : false,
}, async (t) => {
  const folder = testFolder(t)
  const image = imageIn(folder)
  const runner = testRunner(t)
  symlinkSync('/dev', join(folder, 'devices'))
  for (const path of ['/dev/livecard-no-such', join(folder, 'devices', 'livecard-no-such'), '/proc/self/mem']) {
    const request = { image: { location: image }, targets: [file(path, 4 * mib)], options: testOptions() }
    await assert.rejects(runner.planFlash(request), { code: 'not-a-file', kind: 'usage' }, path)
  }
  assert.equal(existsSync('/dev/livecard-no-such'), false)
})

test('one card file is one target: not twice in a job, by no name, and not in two jobs at once', async (t) => {
  const folder = testFolder(t)
  const runner = testRunner(t)
  const [card, link] = [join(folder, 'card.img'), join(folder, 'link.img')]
  writeFileSync(card, '')
  truncateSync(card, 8 * mib)
  linkSync(card, link)
  const image = { location: imageIn(folder) }
  await assert.rejects(runner.planFlash({ image, targets: [file(card), file(link)], options: testOptions() }), {
    code: 'target-twice',
  })

  const { url } = await slowImage(t, Buffer.from(noise(4 * mib)))
  const first = await runner.planFlash({ image: { location: url }, targets: [file(card)], options: testOptions() })
  const second = await runner.planFlash({ image, targets: [file(link)], options: testOptions() })
  const writing = startPlan(runner, first)
  while (runner.list().find(({ id }) => id === writing)?.progress.phase === 'preparing')
    await new Promise((go) => setTimeout(go, 5))
  assert.equal((await runner.ended(startPlan(runner, second))).targets[0]?.error?.code, 'file-in-use')
  runner.cancel(writing)
  assert.equal((await runner.ended(writing)).state, 'cancelled')
  const again = await runner.planFlash({ image, targets: [file(link)], options: testOptions() })
  assert.equal((await runner.ended(startPlan(runner, again))).state, 'done')
})
