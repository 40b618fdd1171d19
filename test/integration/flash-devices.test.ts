import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import type { Job } from '../../native-helpers/contract.ts'
import { isMarkerBlock } from '../../native-helpers/imaging/first-block.ts'
import { cannotLoop, cannotZram, withLoop, withZram } from '../support/devices.ts'
import { driveTarget, flash, startPlan, testOptions, testRunner } from '../support/flash.ts'
import { noise } from '../support/memory-device.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'

const mib = 1024 * 1024
const noLoop = cannotLoop()

/** A real disk image: a partition table and an ext4 filesystem, as what blkid and file recognise. */
function diskImage(folder: string, sizeBytes = 24 * mib): string {
  const path = join(folder, 'disk.img')
  writeFileSync(path, noise(sizeBytes))
  tool('mkfs.ext4', ['-q', '-F', '-L', 'LIVECARD', path, String(Math.floor(sizeBytes / 1024))])
  return path
}

function errorCode(job: Job, index = 0): string | undefined {
  return job.targets[index]?.error?.code
}

/** What blkid sees on a device: nothing, or its line. */
function recognised(path: string): string {
  try {
    return tool('blkid', ['-p', path])
  } catch {
    return ''
  }
}

function openDescriptorsOn(path: string): string[] {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === path
    } catch {
      return false
    }
  })
}

test('an image reaches a loop device byte for byte, is verified, and is recognised there', {
  skip: noLoop ?? missingTools('mkfs.ext4', 'cmp') ?? false,
}, async (t) => {
  const folder = testFolder(t)
  const image = diskImage(folder)
  const loop = withLoop(t, { sizeBytes: 40 * mib })
  const runner = testRunner(t)
  const seen: Job[] = []
  runner.onJob((job) => seen.push(job))
  const job = await flash(runner, image, [await driveTarget(loop.path)])
  assert.equal(job.state, 'done', JSON.stringify(job))
  assert.equal(job.progress.fraction, 1)
  assert.deepEqual(
    job.checks.map(({ id, state }) => `${id} ${state}`),
    ['identity ok', 'read-back ok'],
  )
  tool('cmp', ['-n', String(24 * mib), image, loop.path])
  assert.match(recognised(loop.path), /LIVECARD/)
  assert.deepEqual(openDescriptorsOn(loop.path), [])
  assert.ok(seen.slice(0, -1).every(({ progress }) => (progress.fraction ?? 0) < 1))
  assert.deepEqual(seen.at(-1), job)
  assert.deepEqual((await runner.history())[0], job)
})

test('an image of odd length reaches a zram device, whose sectors are 4096 bytes', { skip: cannotZram() ?? false }, async (t) => {
  const folder = testFolder(t)
  const bytes = noise(9 * mib + 1000)
  const image = join(folder, 'odd.img')
  writeFileSync(image, bytes)
  const path = await withZram(t, { sizeBytes: 32 * mib })
  const job = await flash(testRunner(t), image, [await driveTarget(path)])
  assert.equal(job.state, 'done', JSON.stringify(job))
  const onDevice = tool('sh', ['-c', 'head -c "$1" "$2" | sha256sum', 'sh', String(bytes.length), path]).split(' ')[0]
  assert.equal(onDevice, createHash('sha256').update(bytes).digest('hex'))
})

test('one compressed image goes to a loop device, a card file and a zram device at once', {
  skip: noLoop ?? cannotZram() ?? false,
}, async (t) => {
  const folder = testFolder(t)
  const bytes = noise(20 * mib)
  const image = join(folder, 'image.img.gz')
  writeFileSync(image, gzipSync(bytes, { level: 1 }))
  const loop = withLoop(t, { sizeBytes: 32 * mib })
  const zram = await withZram(t, { sizeBytes: 32 * mib })
  const file = join(folder, 'card.img')
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  const targets = [
    await driveTarget(loop.path),
    await driveTarget(zram),
    { kind: 'file' as const, path: file, sizeBytes: 30 * mib },
  ]
  const job = await flash(testRunner(t), image, targets, { sha256 })
  assert.equal(job.state, 'done', JSON.stringify(job))
  assert.equal(job.checks.find(({ id }) => id === 'sum-sha256')?.state, 'ok')
  for (const path of [loop.path, zram, file]) {
    assert.equal(tool('sh', ['-c', 'head -c "$1" "$2" | sha256sum', 'sh', String(bytes.length), path]).split(' ')[0], sha256, path)
  }
  assert.equal(readFileSync(file).length, 30 * mib)
})

test('a wrong checksum fails the job, and the card says that it is not finished', {
  skip: noLoop ?? missingTools('mkfs.ext4', 'blkid') ?? false,
}, async (t) => {
  const image = diskImage(testFolder(t))
  const loop = withLoop(t, { sizeBytes: 32 * mib })
  tool('mkfs.ext4', ['-q', '-F', loop.path])
  const job = await flash(testRunner(t), image, [await driveTarget(loop.path)], { sha256: 'f'.repeat(64) })
  assert.equal(job.state, 'failed')
  assert.equal(job.error?.code, 'checksum-mismatch')
  assert.equal(job.error?.kind, 'data')
  assert.match(job.error?.meaning ?? '', /unverified image/)
  assert.ok(isMarkerBlock(readFileSync(loop.backing)))
  assert.equal(recognised(loop.path), '')
})

test('cancelling in any phase leaves a card on which nothing is recognised', {
  skip: noLoop ?? missingTools('mkfs.ext4', 'blkid') ?? false,
}, async (t) => {
  const image = diskImage(testFolder(t), 64 * mib)
  const runner = testRunner(t)
  for (const moment of ['at once', 'preparing', 'writing', 'verifying'] as const) {
    const loop = withLoop(t, { sizeBytes: 80 * mib })
    tool('mkfs.ext4', ['-q', '-F', loop.path])
    const plan = await runner.planFlash({
      image: { location: image },
      targets: [await driveTarget(loop.path)],
      options: testOptions(),
    })
    const id = startPlan(runner, plan)
    if (moment !== 'at once') {
      while (!['ended', moment].includes(runner.list().find((job) => job.id === id)?.progress.phase ?? 'ended')) await sleep(1)
    }
    runner.cancel(id)
    const job = await runner.ended(id)
    // On a fast machine the job may have been through before it could be stopped; then it must be whole.
    if (job.state === 'done') {
      tool('cmp', ['-n', String(64 * mib), image, loop.path])
      continue
    }
    assert.equal(job.state, 'cancelled', moment)
    assert.equal(job.error?.code, 'cancelled')
    const start = readFileSync(loop.backing).subarray(0, 4096)
    if (isMarkerBlock(start)) assert.equal(recognised(loop.path), '', moment)
    else assert.equal(job.targets[0]?.writtenBytes, 0, `${moment}: written to without a marker`)
    assert.deepEqual(openDescriptorsOn(loop.path), [])
  }
})

test('a card whose storage is full gives a named error, and the other card is finished', {
  skip: noLoop ?? missingTools('mount') ?? false,
}, async (t) => {
  const folder = testFolder(t)
  const image = join(folder, 'image.img')
  writeFileSync(image, noise(24 * mib))
  const full = join(folder, 'full')
  mkdirSync(full)
  tool('mount', ['-t', 'tmpfs', '-o', 'size=12m', 'tmpfs', full])
  try {
    const bad = withLoop(t, { sizeBytes: 32 * mib, folder: full })
    const good = withLoop(t, { sizeBytes: 32 * mib })
    const job = await flash(testRunner(t), image, [await driveTarget(bad.path), await driveTarget(good.path)])
    assert.equal(job.state, 'failed')
    assert.equal(job.error, null, JSON.stringify(job))
    assert.match(errorCode(job, 0) ?? '', /^(drive-io|target-full)$/, JSON.stringify(job.targets))
    assert.equal(job.targets[0]?.state, 'failed')
    assert.equal(job.targets[1]?.state, 'done', JSON.stringify(job.targets[1]))
    tool('cmp', ['-n', String(24 * mib), image, good.path])
    assert.equal(recognised(bad.path), '')
    bad.detach()
    rmSync(bad.backing)

    const file = { kind: 'file' as const, path: join(full, 'card.img'), sizeBytes: 32 * mib }
    const runner = testRunner(t)
    const plan = { image: { location: image }, targets: [file], options: testOptions() }
    await assert.rejects(runner.planFlash(plan), { code: 'no-room', kind: 'refused' })
    const squeezed = await flash(runner, image, [file], { skipUnused: true })
    assert.equal(errorCode(squeezed), 'target-full', JSON.stringify(squeezed.targets))
    assert.ok(isMarkerBlock(readFileSync(file.path)))
  } finally {
    tool('umount', ['-l', full])
  }
})

test('a card that vanishes under the job gives a named error, and the other card is finished', {
  skip: noLoop ?? false,
}, async (t) => {
  const folder = testFolder(t)
  const image = join(folder, 'image.img')
  writeFileSync(image, noise(200 * mib))
  const bad = withLoop(t, { sizeBytes: 256 * mib })
  const good = withLoop(t, { sizeBytes: 256 * mib })
  const runner = testRunner(t)
  const targets = [await driveTarget(bad.path), await driveTarget(good.path)]
  const plan = await runner.planFlash({ image: { location: image }, targets, options: testOptions() })
  const id = startPlan(runner, plan)
  while (!['verifying', 'ended'].includes(runner.list().find((job) => job.id === id)?.progress.phase ?? 'ended')) await sleep(1)
  // Reading where the file behind the device has ended is an I/O error for the kernel.
  truncateSync(bad.backing, 2 * mib)
  const job = await runner.ended(id)
  assert.match(errorCode(job, 0) ?? '', /^drive-(io|vanished)$/, JSON.stringify(job.targets[0]))
  assert.equal(job.targets[1]?.state, 'done')
  tool('cmp', ['-n', String(200 * mib), image, good.path])
})

test('a stream that unpacks to more than the card holds is stopped, and the card says so', { skip: noLoop ?? false }, async (t) => {
  const image = join(testFolder(t), 'bomb.img.gz')
  writeFileSync(image, gzipSync(Buffer.alloc(200 * mib)))
  const loop = withLoop(t, { sizeBytes: 16 * mib })
  const runner = testRunner(t)
  const job = await flash(runner, image, [await driveTarget(loop.path)]).catch((thrown) => thrown)
  // Known from the format: refused in the plan. Found out while unpacking: the target failed.
  assert.equal(job.code ?? errorCode(job), 'image-too-large', JSON.stringify(job))
  if (job.code === undefined) assert.ok(isMarkerBlock(readFileSync(loop.backing).subarray(0, 4096)))
})

test('what an ext4 filesystem calls free is left out, and the filesystem is sound on the card', {
  skip: noLoop ?? missingTools('mkfs.ext4', 'e2fsck') ?? false,
}, async (t) => {
  const image = diskImage(testFolder(t), 48 * mib)
  const loop = withLoop(t, { sizeBytes: 64 * mib })
  writeFileSync(loop.path, noise(64 * mib, 7))
  const job = await flash(testRunner(t), image, [await driveTarget(loop.path)], { skipUnused: true })
  assert.equal(job.state, 'done', JSON.stringify(job))
  assert.ok(job.progress.skippedBytes > 30 * mib, `${job.progress.skippedBytes} bytes were left out`)
  assert.equal((job.targets[0]?.writtenBytes ?? 0) + job.progress.skippedBytes, 48 * mib)
  tool('e2fsck', ['-f', '-n', loop.path])
})

test('a block map that cannot be read stops the plan', { skip: noLoop ?? false }, async (t) => {
  const folder = testFolder(t)
  const image = join(folder, 'image.img')
  writeFileSync(image, noise(mib))
  writeFileSync(join(folder, 'image.bmap'), 'no map at all')
  const loop = withLoop(t, { sizeBytes: 4 * mib })
  const request = { image: { location: image }, targets: [await driveTarget(loop.path)] }
  const options = testOptions({ bmap: join(folder, 'image.bmap') })
  await assert.rejects(testRunner(t).planFlash({ ...request, options }), /bmap|block map/i)
  assert.ok(readFileSync(loop.backing).every((byte) => byte === 0))
})

test('compared with its image, a card is right, or the first difference is named, and nothing is written', {
  skip: noLoop ?? false,
}, async (t) => {
  const folder = testFolder(t)
  const image = join(folder, 'image.img')
  writeFileSync(image, noise(10 * mib + 300))
  const loop = withLoop(t, { sizeBytes: 16 * mib, readOnly: false })
  const runner = testRunner(t)
  const target = await driveTarget(loop.path)
  assert.equal((await flash(runner, image, [target])).state, 'done')
  const request = { image: { location: image }, targets: [target], options: testOptions() }
  const same = await runner.ended(await runner.startVerify(request))
  assert.equal(same.state, 'done', JSON.stringify(same))
  assert.equal(same.progress.fraction, 1)
  assert.equal(same.targets[0]?.verifiedBytes, 10 * mib + 300)

  const at = 7 * mib + 4321
  tool('dd', [`of=${loop.path}`, 'bs=1', `seek=${at}`, 'conv=notrunc', 'status=none'], { input: 'XY' })
  tool('dd', [`of=${loop.path}`, 'bs=1', `seek=${at + 20000}`, 'conv=notrunc', 'status=none'], { input: 'Z' })
  const before = createHash('sha256').update(readFileSync(loop.path)).digest('hex')
  const differs = await runner.ended(await runner.startVerify(request))
  assert.equal(differs.state, 'failed')
  assert.equal(differs.targets[0]?.error?.kind, 'differs')
  assert.match(differs.targets[0]?.error?.message ?? '', new RegExp(`2 of 2561 blocks .* byte ${at}\\b`))
  assert.equal(createHash('sha256').update(readFileSync(loop.path)).digest('hex'), before)
})

test('a plan is refused, before anything is written, for every target that must not be written', {
  skip: noLoop ?? false,
}, async (t) => {
  const folder = testFolder(t)
  const image = join(folder, 'image.img')
  writeFileSync(image, noise(2 * mib))
  const runner = testRunner(t)
  const loop = withLoop(t, { sizeBytes: 4 * mib })
  const small = withLoop(t, { sizeBytes: mib })
  const locked = withLoop(t, { sizeBytes: 4 * mib, readOnly: true })
  const card = join(folder, 'card.img')
  writeFileSync(card, Buffer.alloc(mib))
  const target = await driveTarget(loop.path)
  const plan = (targets: Parameters<typeof runner.planFlash>[0]['targets'], options = testOptions()) =>
    runner.planFlash({ image: { location: image }, targets, options })

  await assert.rejects(plan([target], testOptions({ allowVirtual: false })), { code: 'drive-virtual', kind: 'refused' })
  await assert.rejects(plan([target, target]), { code: 'target-twice' })
  await assert.rejects(plan([await driveTarget(small.path)]), { code: 'image-too-large', kind: 'refused' })
  await assert.rejects(plan([await driveTarget(locked.path)]), { code: 'drive-read-only', kind: 'refused' })
  assert.ok(target.kind === 'drive')
  const changed = { kind: 'drive' as const, identity: { ...target.identity, sizeBytes: 5 * mib } }
  await assert.rejects(plan([changed]), { code: 'drive-changed', kind: 'refused' })
  const file = (path: string, sizeBytes: number | null) => ({ kind: 'file' as const, path, sizeBytes })
  await assert.rejects(plan([file(card, null)]), { code: 'image-too-large' })
  await assert.rejects(plan([file(card, 8 * mib)]), { code: 'file-exists' })
  await assert.rejects(plan([file(image, null)]), { code: 'image-on-target', kind: 'refused' })
  await assert.rejects(plan([file(join(folder, 'no', 'card.img'), 4 * mib)]), { code: 'folder-not-found' })
  await assert.rejects(plan([file(join(folder, 'new.img'), null)]), { code: 'size-needed' })
  assert.equal(existsSync(join(folder, 'new.img')), false)
  assert.ok(readFileSync(loop.backing).every((byte) => byte === 0))

  const good = await plan([target])
  assert.ok(good.steps.length >= 3 && good.targets[0]?.sizeBytes === 4 * mib)
  assert.throws(() => runner.startFlash(good.planId, []), { code: 'drive-changed' })
  assert.throws(() => runner.startFlash(good.planId, [changed.identity]), { code: 'drive-changed' })
  assert.throws(() => runner.startFlash('unheard-of', []), { code: 'plan-unknown' })
  const id = startPlan(runner, good)
  assert.throws(() => startPlan(runner, good), { code: 'plan-unknown' })
  assert.equal((await runner.ended(id)).state, 'done')
})

test('an image on the very card that is to be written is refused', {
  skip: noLoop ?? missingTools('mkfs.ext4', 'mount') ?? false,
}, async (t) => {
  const loop = withLoop(t, { sizeBytes: 32 * mib })
  tool('mkfs.ext4', ['-q', '-F', '-L', 'SOURCE', loop.path])
  const mount = join(testFolder(t), 'mnt')
  mkdirSync(mount)
  tool('mount', [loop.path, mount])
  try {
    const image = join(mount, 'image.img')
    writeFileSync(image, noise(mib))
    const runner = testRunner(t)
    const request = { image: { location: image }, targets: [await driveTarget(loop.path)], options: testOptions() }
    await assert.rejects(runner.planFlash(request), { code: 'image-on-target', kind: 'refused' })
  } finally {
    tool('umount', ['-l', mount])
  }
})

test('the system disk is refused by name', { skip: existsSync('/dev/vda') ? false : 'no /dev/vda here' }, async (t) => {
  const image = join(testFolder(t), 'image.img')
  writeFileSync(image, noise(mib))
  const request = { image: { location: image }, targets: [await driveTarget('/dev/vda')], options: testOptions() }
  await assert.rejects(testRunner(t).planFlash(request), { code: 'drive-system', kind: 'refused' })
})
