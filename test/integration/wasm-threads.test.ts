/** How the programs live in their threads: what they may touch, what stops them, what they may take. */
import assert from 'node:assert/strict'
import { closeSync, constants, copyFileSync, fsyncSync, openSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { openFileDevice } from '../../native-helpers/block/file-device.ts'
import { slice } from '../../native-helpers/block/slice.ts'
import type { DeviceSpec } from '../../native-helpers/block/spec.ts'
import {
  checkVolume,
  describeVolume,
  makeVolume,
  perform,
  performSync,
  resizeVolume,
  smallestSize,
  tuneVolume,
} from '../../native-helpers/wasm/ext-programs.ts'
import type { CheckProgress } from '../../native-helpers/wasm/output.ts'
import { devicePath, runProgramSync } from '../../native-helpers/wasm/program.ts'
import { runProgram } from '../../native-helpers/wasm/run-program.ts'
import { cannotLoop, loopOf } from '../support/devices.ts'
import type { FailingDeviceOptions, FailingDeviceOutcome } from '../support/failing-device.ts'
import { testFolder, tool } from '../support/tools.ts'
import { allocatedBytes, cannotWasm, sha256OfFile } from '../support/wasm.ts'

const mebibyte = 1024 * 1024

async function imageOf(t: TestContext, sizeBytes: number): Promise<string> {
  const image = join(testFolder(t), 'card.img')
  writeFileSync(image, '')
  truncateSync(image, sizeBytes)
  await perform(makeVolume({ type: 'ext4', blockBytes: 4096 }), { kind: 'file', path: image, writable: true })
  return image
}

function failing(options: FailingDeviceOptions): DeviceSpec {
  return { kind: 'module', url: new URL('../support/failing-device.ts', import.meta.url).href, options }
}

function firstBlock(image: string, what: string): number {
  return Number(new RegExp(`${what} at (\\d+)`).exec(tool('dumpe2fs', [image]))?.[1]) * 4096
}

test('a volume is made, checked, labelled, described and resized in threads', async (t) => {
  const reason = cannotWasm('e2fsck')
  if (reason) return t.skip(reason)
  const image = await imageOf(t, 256 * mebibyte)
  const card: DeviceSpec = { kind: 'file', path: image, writable: true }
  await perform(tuneVolume(['-L', 'größer']), card)
  const progress: CheckProgress[] = []
  const { answer } = await perform(checkVolume({ mode: 'repair' }), card, { progress: (step) => progress.push(step) })
  assert.equal(answer.state, 'clean')
  assert.ok(progress.length > 0 && progress.every(({ pass, done, total }) => pass >= 1 && pass <= 5 && done <= total))
  assert.equal((await perform(describeVolume(), card)).answer.get('Filesystem volume name'), 'größer')
  const { answer: least } = await perform(smallestSize(), card)
  await perform(resizeVolume({ blocks: least + 100 }), card)
  assert.equal((await perform(describeVolume(), card)).answer.get('Block count'), String(least + 100))
  tool('e2fsck', ['-f', '-n', image])
})

test('a device without a way to write is not written to, and whoever tries is told so', async (t) => {
  const reason = cannotWasm('e2fsck')
  if (reason) return t.skip(reason)
  const image = await imageOf(t, 32 * mebibyte)
  const before = sha256OfFile(image)
  const card: DeviceSpec = { kind: 'file', path: image, writable: false }
  assert.equal((await perform(checkVolume({ mode: 'look' }), card)).answer.state, 'clean')
  const tried = await runProgram({ program: 'tune2fs', args: ['-L', 'changed', devicePath] }, card)
  assert.notEqual(tried.exitCode, 0)
  assert.match(tried.err, /Read-only file system/)
  assert.equal(sha256OfFile(image), before)
})

test('a repair ends at the first place that cannot be read, and writes nothing after it', async (t) => {
  const reason = cannotWasm('e2fsck', 'dumpe2fs')
  if (reason) return t.skip(reason)
  const image = await imageOf(t, 64 * mebibyte)
  const bad = firstBlock(image, 'Inode table')
  const options = { path: image, badFrom: bad, badTo: bad + 4096 }
  await assert.rejects(perform(checkVolume({ mode: 'repair' }), failing({ ...options, writable: true })), { code: 'drive-io' })
  // Left to itself, e2fsck -y answers its own question whether to write zeros over it.
  const told = await runProgram(
    { program: 'e2fsck', args: ['-fy', devicePath], onDeviceError: 'report' },
    failing({ ...options, writable: true }),
  )
  assert.match(told.out, /Force rewrite\? yes/)
  assert.equal(told.deviceError?.code, 'drive-io')
  assert.ok((told.outcome as FailingDeviceOutcome).writesAfterFailure > 0)
  // Looking is told of it, and tells of the card rather than of what e2fsck makes of it.
  const before = sha256OfFile(image)
  const looked = await runProgram(checkVolume({ mode: 'look' }).run, failing({ ...options, writable: false }))
  assert.equal(looked.deviceError?.code, 'drive-io')
  await assert.rejects(perform(checkVolume({ mode: 'look' }), failing({ ...options, writable: false })), { code: 'drive-io' })
  assert.equal(sha256OfFile(image), before)
})

test('a cancel stops a program that waits for a slow card', async (t) => {
  const reason = cannotWasm('e2fsck')
  if (reason) return t.skip(reason)
  const image = await imageOf(t, 256 * mebibyte)
  const before = sha256OfFile(image)
  const slow = failing({ path: image, writable: true, badFrom: -2, badTo: -1, delayMs: 200 })
  const stop = new AbortController()
  const running = perform(checkVolume({ mode: 'repair' }), slow, { signal: stop.signal })
  setTimeout(() => stop.abort(), 700)
  const started = performance.now()
  await assert.rejects(running, { code: 'cancelled', kind: 'cancelled' })
  assert.ok(performance.now() - started < 3000)
  assert.equal(sha256OfFile(image), before)
  await assert.rejects(perform(checkVolume({ mode: 'look' }), slow, { signal: AbortSignal.abort() }), { code: 'cancelled' })
})

test('memory and output have bounds', async (t) => {
  const reason = cannotWasm('debugfs')
  if (reason) return t.skip(reason)
  const image = await imageOf(t, 1024 * mebibyte)
  const card: DeviceSpec = { kind: 'file', path: image, writable: false }
  const starved = await runProgram({ program: 'e2fsck', args: ['-fn', devicePath], memoryLimitBytes: 16 * mebibyte + 65536 }, card)
  assert.ok(starved.memoryBytes <= 16 * mebibyte + 65536)
  const long = await runProgram(
    {
      program: 'debugfs',
      args: ['-f', '/commands', devicePath],
      files: { '/commands': Buffer.from('stats\n'.repeat(200)) },
      outputLimitChars: 5000,
    },
    card,
  )
  assert.equal(long.out.length, 5000)
  assert.equal(long.truncated, true)
})

test('new inode tables are left to the kernel when a volume grows', async (t) => {
  const reason = cannotWasm('mke2fs')
  if (reason) return t.skip(reason)
  const image = join(testFolder(t), 'card.img')
  writeFileSync(image, '')
  truncateSync(image, 4096 * mebibyte)
  const card: DeviceSpec = { kind: 'file', path: image, writable: true }
  await perform(makeVolume({ type: 'ext4', blockBytes: 4096, blocks: 65536 }), card)
  const before = allocatedBytes(image)
  await perform(checkVolume({ mode: 'repair' }), card)
  await perform(resizeVolume('device'), card)
  // The tables of the new groups are 60 MiB.
  assert.ok(allocatedBytes(image) - before < 8 * mebibyte, `${allocatedBytes(image) - before} bytes were written`)
  tool('e2fsck', ['-f', '-n', image])
})

test('a partition far into a card is worked on through a slice, and nothing around it is touched', async (t) => {
  const reason = cannotWasm('e2fsck')
  if (reason) return t.skip(reason)
  const image = join(testFolder(t), 'card.img')
  writeFileSync(image, '')
  const offset = 5 * 1024 * mebibyte + 512
  const sizeBytes = 64 * mebibyte
  truncateSync(image, offset + sizeBytes + mebibyte)
  const whole = openFileDevice({ path: image, writable: true })
  t.after(() => whole.close())
  const guard = new Uint8Array(512).fill(0xa5)
  whole.writeSync?.(guard, offset - 512)
  whole.writeSync?.(guard, offset + sizeBytes)
  const partition: DeviceSpec = { kind: 'slice', of: { kind: 'file', path: image, writable: true }, offset, sizeBytes }
  await perform(makeVolume({ type: 'ext4', label: 'far' }), partition)
  assert.equal((await perform(checkVolume({ mode: 'repair' }), partition)).answer.state, 'clean')
  // The same in this thread.
  assert.equal(performSync(describeVolume(), slice(whole, offset, sizeBytes)).get('Filesystem volume name'), 'far')
  for (const at of [offset - 512, offset + sizeBytes]) {
    const around = new Uint8Array(512)
    whole.readSync(around, at)
    assert.deepEqual(around, guard)
  }
  const cut = join(testFolder(t), 'partition.img')
  tool('dd', [`if=${image}`, `of=${cut}`, 'bs=1M', 'iflag=skip_bytes', `skip=${offset}`, 'count=64', 'conv=sparse', 'status=none'])
  tool('e2fsck', ['-f', '-n', cut])
})

test('a drive that was opened past the page cache is worked on through its descriptor', async (t) => {
  const reason = cannotWasm('e2fsck') ?? cannotLoop()
  if (reason) return t.skip(reason)
  const image = await imageOf(t, 32 * mebibyte)
  const copy = join(testFolder(t), 'copy.img')
  copyFileSync(image, copy)
  const loop = loopOf(t, image)
  const fd = openSync(loop.path, constants.O_RDWR | constants.O_DIRECT)
  const card: DeviceSpec = { kind: 'file', fd, writable: true, sizeBytes: 32 * mebibyte, sectorSize: 512, direct: true }
  try {
    // 1024-byte blocks at odd places: none of it is aligned by itself.
    await perform(makeVolume({ type: 'ext4', blockBytes: 1024, label: 'direct' }), card)
    assert.equal((await perform(checkVolume({ mode: 'repair' }), card)).answer.state, 'clean')
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
  loop.detach()
  tool('e2fsck', ['-f', '-n', image])
  assert.notDeepEqual(readFileSync(image).subarray(1024, 2048), readFileSync(copy).subarray(1024, 2048))
})

test('a program that asks for what cannot be, says so and ends', (t) => {
  const reason = cannotWasm()
  if (reason) return t.skip(reason)
  const nothing = runProgramSync({ program: 'e2fsck', args: ['-fn', devicePath] }, null)
  assert.equal(nothing.exitCode, 8)
  assert.match(nothing.err, /No such file or directory/)
  const empty = { size: 0, sectorSize: 512, readSync: () => {} }
  assert.equal(runProgramSync({ program: 'e2fsck', args: ['-fn', devicePath] }, empty).exitCode, 8)
  assert.throws(() => performSync(describeVolume(), empty), { code: 'ext-program' })
})
