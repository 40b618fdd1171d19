import assert from 'node:assert/strict'
import { closeSync, copyFileSync, openSync, readSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { StreamDevice } from '../../native-helpers/block/device.ts'
import { openCardFile } from '../../native-helpers/drives/card-file.ts'
import { LivecardError } from '../../native-helpers/errors.ts'
import { isMarkerBlock, markerBlock } from '../../native-helpers/imaging/first-block.ts'
import { type TargetState, WorkState } from '../../native-helpers/imaging/flash-state.ts'
import { defaultLimits } from '../../native-helpers/imaging/limits.ts'
import { openImage } from '../../native-helpers/imaging/open-image.ts'
import { evenSpans, workInThreads, worthThreadsBytes } from '../../native-helpers/imaging/piece-threads.ts'
import { flashImage } from '../../native-helpers/imaging/pipeline.ts'
import { probeImage } from '../../native-helpers/imaging/probe.ts'
import { verifyImage } from '../../native-helpers/imaging/verify.ts'
import { cannotLoop } from '../support/devices.ts'
import { noise } from '../support/memory-device.ts'
import { difference } from '../support/sample-images.ts'
import { testFolder, tool } from '../support/tools.ts'

const mib = 1024 * 1024
/** Of odd length, so that the last piece is not of whole sectors. */
const imageBytes = worthThreadsBytes + 3 * mib + 700
const cardBytes = worthThreadsBytes + 8 * mib

interface Bench {
  image: string
  card: string
}

function bench(t: TestContext): Bench {
  const folder = testFolder(t)
  const image = join(folder, 'image.img')
  const card = join(folder, 'card.img')
  writeFileSync(image, noise(imageBytes))
  writeFileSync(card, '')
  truncateSync(card, cardBytes)
  return { image, card }
}

interface Run {
  kind: 'flash' | 'verify'
  /** The card as the job sees it. */
  device?: (real: StreamDevice) => StreamDevice
  signal?: AbortSignal
}

async function run({ image, card }: Bench, { kind, device = (real) => real, signal }: Run): Promise<TargetState> {
  const facts = await probeImage({ location: image })
  const state = new WorkState(['card'], facts.contentBytes, facts.storedBytes)
  const [own] = state.targets as [TargetState]
  const opened = device(await openCardFile(card, { write: kind === 'flash' }))
  const shared = {
    stream: await openImage(facts),
    targets: [{ device: opened, state: own }],
    state,
    map: null,
    checkDigests: () => {},
    signal: signal ?? new AbortController().signal,
  }
  const work = kind === 'flash' ? flashImage({ ...shared, verify: true }) : verifyImage(shared)
  await work.catch(() => {})
  return own
}

function errorOf(state: TargetState): LivecardError {
  assert.ok(state.error instanceof LivecardError, `${state.state}: ${state.error}`)
  return state.error
}

/** Flips a bit of each of these bytes. */
function spoil(path: string, ...offsets: number[]): void {
  const fd = openSync(path, 'r+')
  const byte = Buffer.alloc(1)
  for (const offset of offsets) {
    readSync(fd, byte, 0, 1, offset)
    writeSync(fd, Buffer.from([(byte[0] ?? 0) ^ 1]), 0, 1, offset)
  }
  closeSync(fd)
}

function startOf(path: string): Uint8Array {
  const fd = openSync(path, 'r')
  const bytes = Buffer.alloc(4096)
  readSync(fd, bytes, 0, bytes.length, 0)
  closeSync(fd)
  return bytes
}

/** The card changes, or something else happens, after everything but its first block was written and flushed. */
function afterWriting(happens: () => void): (real: StreamDevice) => StreamDevice {
  return (real) => {
    let flushes = 0
    const flush = async () => {
      await real.flush()
      flushes += 1
      if (flushes === 2) happens()
    }
    return { ...real, flush }
  }
}

test('a large image is read back by threads, to its last byte', async (t) => {
  const made = bench(t)
  const state = await run(made, { kind: 'flash' })
  assert.equal(state.state, 'done', `${state.error}`)
  assert.equal(difference(made.image, made.card), null)
  assert.equal(state.verifiedBytes, imageBytes)
})

test('a bit that changed after it was written is found wherever it is, and the lowest place is named', async (t) => {
  for (const offsets of [[mib], [imageBytes - 1], [20 * mib + 5, 21 * mib, 30 * mib]]) {
    const made = bench(t)
    const state = await run(made, { kind: 'flash', device: afterWriting(() => spoil(made.card, ...offsets)) })
    const { code, message } = errorOf(state)
    assert.equal(code, 'verify-mismatch')
    const cell = Math.floor((offsets[0] ?? 0) / 65536) * 65536
    assert.match(message, new RegExp(`from byte ${cell}\\b`))
    assert.ok(isMarkerBlock(startOf(made.card)), 'the card says that it is not finished')
  }
})

test('a card that ends while it is read back is named with the place', async (t) => {
  const made = bench(t)
  const state = await run(made, { kind: 'flash', device: afterWriting(() => truncateSync(made.card, 16 * mib)) })
  const { code, message } = errorOf(state)
  assert.equal(code, 'drive-io')
  assert.match(message, new RegExp(`${16 * mib}`))
})

test('a cancel while threads read back leaves the mark, and the descriptor is closed after them', async (t) => {
  const made = bench(t)
  const stop = new AbortController()
  let closedWhileLent = false
  let lent = 0
  const state = await run(made, {
    kind: 'flash',
    signal: stop.signal,
    device: (real) => ({
      ...real,
      lend(doing, use) {
        if (real.lend === undefined) throw new Error('a card file has a descriptor')
        if (doing === 'writing') return real.lend(doing, use)
        lent += 1
        setImmediate(() => stop.abort())
        return real.lend(doing, use).finally(() => {
          lent -= 1
        })
      },
      async close() {
        await real.close()
        closedWhileLent ||= lent > 0
      },
    }),
  })
  assert.equal(state.state, 'cancelled')
  assert.ok(isMarkerBlock(startOf(made.card)))
  assert.equal(closedWhileLent, false)
})

test('a cancel while threads write leaves the mark and no drive held', async (t) => {
  const made = bench(t)
  const stop = new AbortController()
  const device = (real: StreamDevice): StreamDevice => ({
    ...real,
    lend(doing, use) {
      if (real.lend === undefined) throw new Error('a card file has a descriptor')
      if (doing === 'writing') setImmediate(() => stop.abort())
      return real.lend(doing, use)
    },
  })
  assert.equal((await run(made, { kind: 'flash', signal: stop.signal, device })).state, 'cancelled')
  assert.ok(isMarkerBlock(startOf(made.card)))
  assert.equal((await run(made, { kind: 'flash' })).state, 'done')
  assert.equal(difference(made.image, made.card), null)
})

test('an image that shrinks while it is written is named as the image, and the card keeps the mark', async (t) => {
  const made = bench(t)
  const device = (real: StreamDevice): StreamDevice => ({
    ...real,
    lend(doing, use) {
      truncateSync(made.image, 20 * mib + 1)
      if (real.lend === undefined) throw new Error('a card file has a descriptor')
      return real.lend(doing, use)
    },
  })
  assert.equal(errorOf(await run(made, { kind: 'flash', device })).code, 'image-changed')
  assert.ok(isMarkerBlock(startOf(made.card)))
})

test('a card file for which there is no room is named as full', { skip: cannotLoop() ?? false }, async (t) => {
  const made = bench(t)
  const small = testFolder(t)
  tool('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', small])
  try {
    const card = join(small, 'card.img')
    writeFileSync(card, '')
    truncateSync(card, cardBytes)
    const { code, message } = errorOf(await run({ ...made, card }, { kind: 'flash' }))
    assert.equal(code, 'target-full')
    assert.match(message, /at byte \d+/)
    assert.ok(isMarkerBlock(startOf(card)))
  } finally {
    tool('umount', [small])
  }
})

test('a plain image is compared with a card by threads: the same, different, cut off, unfinished', async (t) => {
  const made = bench(t)
  const folder = testFolder(t)
  const verify = (card: string) => run({ ...made, card }, { kind: 'verify' })
  const card = join(folder, 'right.img')
  copyFileSync(made.image, card)
  const same = await verify(card)
  assert.equal(same.state, 'done', `${same.error}`)
  assert.equal(same.verifiedBytes, imageBytes)

  // Two in one block of 4096 bytes, one in another, and the very last byte.
  spoil(card, 5 * mib + 4095, 5 * mib + 17, 33 * mib, imageBytes - 1)
  const different = errorOf(await verify(card))
  assert.equal(different.kind, 'differs')
  const blocks = Math.ceil(imageBytes / 4096)
  assert.match(different.message, new RegExp(`3 of ${blocks} blocks .* first at byte ${5 * mib + 17}\\.`))

  truncateSync(card, 8 * mib)
  assert.equal(errorOf(await verify(card)).code, 'target-too-small')

  const unfinished = join(folder, 'unfinished.img')
  copyFileSync(made.image, unfinished)
  const fd = openSync(unfinished, 'r+')
  writeSync(fd, markerBlock(mib), 0, mib, 0)
  closeSync(fd)
  assert.match(errorOf(await verify(unfinished)).meaning, /never came to its end/)
})

test('an image that shrinks while it is compared is named as the image, not as the card', async (t) => {
  const made = bench(t)
  copyFileSync(made.image, made.card)
  const state = await run(made, {
    kind: 'verify',
    device: (real) => ({
      ...real,
      lend(doing, use) {
        truncateSync(made.image, 2 * mib)
        if (real.lend === undefined) throw new Error('a card file has a descriptor')
        return real.lend(doing, use)
      },
    }),
  })
  assert.equal(errorOf(state).code, 'image-changed')
})

test('a card that does not answer is given up, and its descriptor stays open for what is still with it', async (t) => {
  const made = bench(t)
  const real = await openCardFile(made.card, { write: false })
  let settle: () => void = () => {}
  const hanging: StreamDevice = {
    ...real,
    // As when a request is with the card for ever: the threads never come back.
    lend: <T>(doing: 'reading' | 'writing', use: (fd: number) => Promise<T>) =>
      (real.lend as NonNullable<StreamDevice['lend']>)(doing, async (fd) => {
        const answer = await use(fd)
        await new Promise<void>((resolve) => {
          settle = resolve
        })
        return answer
      }),
  }
  const stop = new AbortController()
  const comparing = workInThreads({
    device: hanging,
    spans: evenSpans(cardBytes, 2 * mib),
    doing: 'reading',
    work: { is: 'compare-file', image: { name: 'card.img', fd: real.fd ?? -1 } },
    limits: defaultLimits,
    signal: stop.signal,
    onMoved: () => {},
  })
  setTimeout(() => stop.abort(), 500)
  await assert.rejects(comparing, (thrown: unknown) => thrown instanceof LivecardError && thrown.code === 'cancelled')
  let closed = false
  const closing = real.close().then(() => {
    closed = true
  })
  await new Promise((resolve) => setTimeout(resolve, 100))
  assert.equal(closed, false)
  settle()
  await closing
})
