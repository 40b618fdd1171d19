import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StreamDevice } from '../../native-helpers/block/device.ts'
import { LivecardError } from '../../native-helpers/errors.ts'
import { firstBlockBytes, isMarkerBlock } from '../../native-helpers/imaging/first-block.ts'
import { type TargetState, WorkState } from '../../native-helpers/imaging/flash-state.ts'
import { type FlashWork, flashImage } from '../../native-helpers/imaging/pipeline.ts'
import type { WriteMap } from '../../native-helpers/imaging/write-map.ts'
import { type MemoryImage, memoryDevice, memoryImage, noise } from '../support/memory-device.ts'

const mib = 1024 * 1024
const limits = { inFlight: 2, answerWithinMs: 60_000 }

function work(devices: StreamDevice[], given: Partial<FlashWork> & { stream: MemoryImage }): FlashWork {
  const state = new WorkState(
    devices.map(({ label }) => label),
    given.stream.contentBytes,
    null,
  )
  return {
    targets: devices.map((device, index) => ({ device, state: state.targets[index] as TargetState })),
    state,
    map: null,
    verify: true,
    checkDigests: () => {},
    signal: new AbortController().signal,
    limits,
    ...given,
  }
}

function codeOf(state: TargetState | undefined): string | null {
  return state?.error instanceof LivecardError ? state.error.code : null
}

function fresh(sizeBytes: number, label?: string) {
  return memoryDevice({ sizeBytes, label })
}

test('the first block is written after everything else was flushed and read back', async () => {
  const image = noise(5 * mib + 700)
  const device = memoryDevice({ sizeBytes: 16 * mib, sectorSize: 512, direct: true })
  const job = work([device], { stream: memoryImage(image) })
  await flashImage(job)
  assert.deepEqual(device.bytes.subarray(0, image.length), image)
  assert.equal(job.state.targets[0]?.state, 'done')
  const firstWrite = device.log.lastIndexOf(`write 0+${firstBlockBytes}`)
  const lastRead = device.log.findLastIndex((entry) => entry.startsWith('read') && entry !== `read 0+${firstBlockBytes}`)
  const dataFlush = device.log.indexOf('flush', device.log.indexOf('flush') + 1)
  assert.ok(device.log[0] === `write 0+${firstBlockBytes}`, 'the marker comes first of all')
  assert.ok(dataFlush < lastRead && lastRead < firstWrite, device.log.join('\n'))
  assert.deepEqual(device.log.slice(firstWrite), [`write 0+${mib}`, 'flush', `read 0+${mib}`, 'close'])
})

test('the old end of a card, where a backup partition table may be, is cleared before anything is written', async () => {
  const device = fresh(8 * mib)
  device.bytes.fill(0xaa)
  await flashImage(work([device], { stream: memoryImage(noise(2 * mib)) }))
  assert.ok(device.bytes.subarray(7 * mib).every((byte) => byte === 0))
  assert.equal(device.log[1], `write ${7 * mib}+${mib}`)
})

test('an image of any length arrives whole, also one that is shorter than the first block or fills the card', async () => {
  for (const length of [1, 511, 512, 4096, mib - 1, mib, mib + 1, 3 * mib + 4095, 4 * mib]) {
    const image = noise(length, length)
    const device = memoryDevice({ sizeBytes: 4 * mib, sectorSize: 4096, direct: true })
    const job = work([device], { stream: memoryImage(image) })
    await flashImage(job)
    assert.equal(job.state.targets[0]?.state, 'done', `length ${length}: ${job.state.targets[0]?.error}`)
    assert.deepEqual(device.bytes.subarray(0, length), image, `length ${length}`)
    assert.equal(job.state.targets[0]?.writtenBytes, length)
    assert.equal(job.state.targets[0]?.verifiedBytes, length)
  }
})

test('a card file whose length is no multiple of a sector is not written beyond its end', async () => {
  const image = noise(2 * mib + 100)
  const device = fresh(2 * mib + 100)
  await flashImage(work([device], { stream: memoryImage(image) }))
  assert.deepEqual(device.bytes, image)
})

test('each target fails alone', async () => {
  const image = noise(12 * mib)
  const good = fresh(16 * mib, 'good')
  const bad = memoryDevice({
    sizeBytes: 16 * mib,
    label: 'bad',
    before: (request, offset) => {
      if (request === 'write' && offset >= 6 * mib && offset < 15 * mib) throw new Error('EIO')
    },
  })
  const stream = memoryImage(image)
  const job = work([bad, good], { stream })
  await flashImage(job)
  assert.deepEqual(
    job.state.targets.map(({ state }) => state),
    ['failed', 'done'],
  )
  assert.deepEqual(good.bytes.subarray(0, image.length), image)
  assert.ok(isMarkerBlock(bad.bytes))
  assert.equal(stream.held, 0)
  assert.ok(bad.log.includes('close'))
})

test('a slow target does not stop the others before the bounded memory is used up', async () => {
  const image = noise(6 * mib)
  let fastDone = 0
  let slowAt = 0
  const slow = memoryDevice({
    sizeBytes: 8 * mib,
    before: async (request, offset) => {
      if (request === 'write' && offset >= mib && offset < 7 * mib) {
        slowAt = offset
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    },
  })
  const fast = memoryDevice({
    sizeBytes: 8 * mib,
    before: (request, offset) => {
      if (request === 'write' && offset === 5 * mib) fastDone = slowAt
    },
  })
  const job = work([slow, fast], { stream: memoryImage(image, { slots: 8 }) })
  await flashImage(job)
  assert.ok(fastDone < 4 * mib, `the fast one was at its end while the slow one was at ${fastDone}`)
  assert.deepEqual(slow.bytes, fast.bytes)
})

test('never more blocks are alive than the decoder has room for, however slow a target is', async () => {
  const stream = memoryImage(noise(20 * mib), { slots: 4 })
  let most = 0
  const slow = memoryDevice({
    sizeBytes: 32 * mib,
    before: async () => {
      most = Math.max(most, stream.held)
      await new Promise((resolve) => setTimeout(resolve, 2))
    },
  })
  await flashImage(work([slow, fresh(32 * mib)], { stream }))
  assert.ok(most <= 4, `${most} blocks were alive`)
})

test('a target that hangs is given up, and the others go on to their end', async () => {
  const image = noise(12 * mib)
  const never = new Promise<void>(() => {})
  const hanging = memoryDevice({
    sizeBytes: 16 * mib,
    label: 'hanging',
    before: (request, offset) => (request === 'write' && offset === 3 * mib ? never : undefined),
  })
  const good = fresh(16 * mib)
  const stream = memoryImage(image, { slots: 4 })
  const job = work([hanging, good], { stream, limits: { inFlight: 2, answerWithinMs: 100 } })
  await flashImage(job)
  assert.equal(codeOf(job.state.targets[0]), 'drive-hangs')
  assert.equal(job.state.targets[1]?.state, 'done')
  assert.deepEqual(good.bytes.subarray(0, image.length), image)
})

test('a target that hangs while it is read back is given up too', async () => {
  const never = new Promise<void>(() => {})
  const hanging = memoryDevice({
    sizeBytes: 16 * mib,
    before: (request, offset) => (request === 'read' && offset > 0 ? never : undefined),
  })
  const good = fresh(16 * mib)
  const job = work([hanging, good], { stream: memoryImage(noise(9 * mib)), limits: { inFlight: 2, answerWithinMs: 100 } })
  await flashImage(job)
  assert.equal(codeOf(job.state.targets[0]), 'drive-hangs')
  assert.ok(isMarkerBlock(hanging.bytes))
  assert.equal(job.state.targets[1]?.state, 'done')
})

test('a checksum that differs leaves the card marked as not finished', async () => {
  const device = fresh(8 * mib)
  const wrong = new LivecardError('data', 'checksum-mismatch', { message: 'x', meaning: 'y', next: 'z' })
  const job = work([device], {
    stream: memoryImage(noise(4 * mib)),
    checkDigests: () => {
      throw wrong
    },
  })
  await assert.rejects(flashImage(job), wrong)
  assert.ok(isMarkerBlock(device.bytes))
  assert.equal(job.state.targets[0]?.error, wrong)
  assert.ok(device.log.includes('close'))
})

test('an image that turns out larger than the card stops there, and larger cards go on', async () => {
  const image = noise(6 * mib)
  const small = fresh(4 * mib)
  const large = fresh(8 * mib)
  const job = work([small, large], { stream: memoryImage(image, { hidesLength: true }) })
  await flashImage(job)
  assert.equal(codeOf(job.state.targets[0]), 'image-too-large')
  assert.ok(isMarkerBlock(small.bytes))
  assert.deepEqual(large.bytes.subarray(0, image.length), image)
})

test('an endless image is stopped as soon as no target has room for it', async () => {
  const stream = memoryImage(noise(64 * mib), { hidesLength: true })
  const job = work([fresh(4 * mib), fresh(5 * mib)], { stream })
  await flashImage(job)
  assert.ok(stream.storedBytesRead <= 8 * mib, `${stream.storedBytesRead} bytes were decoded`)
  assert.ok(stream.closed)
})

test('cancelling at any request leaves the marker, never a valid start', async () => {
  const image = noise(4 * mib)
  const whole = fresh(6 * mib)
  await flashImage(work([whole], { stream: memoryImage(image) }))
  const finalWrite = whole.log.lastIndexOf(`write 0+${mib}`)
  for (let at = 2; at <= whole.log.length; at += 1) {
    const controller = new AbortController()
    let requests = 0
    const device = memoryDevice({
      sizeBytes: 6 * mib,
      before: () => {
        requests += 1
        if (requests === at) controller.abort()
      },
    })
    const stream = memoryImage(image)
    const job = work([device], { stream, signal: controller.signal })
    await flashImage(job).catch((thrown) => assert.equal(thrown.code, 'cancelled'))
    const { state } = job.state.targets[0] as TargetState
    assert.ok(device.log.includes('close') && stream.closed)
    if (state === 'done') assert.ok(at > finalWrite, `done although cancelled at request ${at}`)
    else {
      assert.equal(state, 'cancelled')
      assert.ok(isMarkerBlock(device.bytes), `no marker after a cancel at request ${at}`)
    }
  }
})

test('what a map leaves out is neither written nor read back', async () => {
  const image = noise(6 * mib)
  const device = fresh(8 * mib)
  device.bytes.fill(0x5a)
  const map: WriteMap = {
    kind: 'bmap',
    needed: (offset, bytes) =>
      [
        { start: offset, end: offset + 8192 },
        { start: offset + 65536 + 4096, end: offset + 3 * 65536 },
      ].filter(({ end }) => end <= offset + bytes.length),
    finish: async () => {},
  }
  const job = work([device], { stream: memoryImage(image), map })
  await flashImage(job)
  assert.equal(job.state.targets[0]?.state, 'done')
  assert.deepEqual(device.bytes.subarray(0, mib), image.subarray(0, mib), 'the first block is written whole')
  for (let block = mib; block < 6 * mib; block += mib) {
    assert.deepEqual(device.bytes.subarray(block, block + 8192), image.subarray(block, block + 8192))
    assert.ok(device.bytes.subarray(block + 8192, block + 65536 + 4096).every((byte) => byte === 0x5a))
    assert.deepEqual(
      device.bytes.subarray(block + 65536 + 4096, block + 3 * 65536),
      image.subarray(block + 65536 + 4096, block + 3 * 65536),
    )
  }
  assert.equal(job.state.skippedBytes, 5 * (mib - 8192 - 2 * 65536 + 4096))
})

test('a map that does not belong to the image fails the job before the card becomes valid', async () => {
  const device = fresh(8 * mib)
  const foreign = new LivecardError('data', 'bmap-mismatch', { message: 'x', meaning: 'y', next: 'z' })
  const map: WriteMap = {
    kind: 'bmap',
    needed: (offset, bytes) => [{ start: offset, end: offset + bytes.length }],
    finish: () => Promise.reject(foreign),
  }
  await assert.rejects(flashImage(work([device], { stream: memoryImage(noise(3 * mib)), map })), foreign)
  assert.ok(isMarkerBlock(device.bytes))
})

test('a first block that cannot be read back is replaced by the marker again', async () => {
  const device = memoryDevice({ sizeBytes: 4 * mib })
  const read = device.read.bind(device)
  device.read = async (into, offset) => {
    await read(into, offset)
    if (offset === 0) into[77] = (into[77] ?? 0) ^ 1
  }
  const job = work([device], { stream: memoryImage(noise(2 * mib)) })
  await flashImage(job)
  assert.equal(codeOf(job.state.targets[0]), 'verify-mismatch')
  assert.match(String(job.state.targets[0]?.error), /at byte 77\b/)
  assert.ok(isMarkerBlock(device.bytes))
})

test('a source that fails is the failure of every target, and all are closed', async () => {
  const devices = [fresh(8 * mib), fresh(8 * mib)]
  const broken = new LivecardError('data', 'image-truncated', { message: 'x', meaning: 'y', next: 'z' })
  const stream = memoryImage(noise(6 * mib), {
    before: (offset) => {
      if (offset === 4 * mib) throw broken
    },
  })
  const job = work(devices, { stream })
  await assert.rejects(flashImage(job), broken)
  for (const [index, device] of devices.entries()) {
    assert.equal(job.state.targets[index]?.error, broken)
    assert.ok(isMarkerBlock(device.bytes) && device.log.includes('close'))
  }
})
