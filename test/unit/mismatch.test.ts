import assert from 'node:assert/strict'
import { test } from 'node:test'
import { alignedBuffer } from '../../native-helpers/block/aligned.ts'
import { LivecardError } from '../../native-helpers/errors.ts'
import { cellSum, sumCellBytes, sumKeys } from '../../native-helpers/imaging/cell-sum.ts'
import { foldMultiplier, multiplier, pieceBytes } from '../../native-helpers/imaging/cell-sum-module.ts'
import { type TargetState, WorkState } from '../../native-helpers/imaging/flash-state.ts'
import { flashImage } from '../../native-helpers/imaging/pipeline.ts'
import { WrittenRanges } from '../../native-helpers/imaging/written-ranges.ts'
import { type Behaviour, memoryDevice, memoryImage, noise } from '../support/memory-device.ts'

const mib = 1024 * 1024

/** The error of a card on which an image does not read back as it was written. */
async function mismatchOf(
  image: Uint8Array,
  behaviour: Behaviour,
  afterWriting?: (bytes: Uint8Array) => void,
): Promise<LivecardError> {
  let flushes = 0
  const device = memoryDevice({
    ...behaviour,
    before: (request) => {
      // The marker, then the data.
      if (request === 'flush') flushes += 1
      if (request === 'flush' && flushes === 2) afterWriting?.(device.bytes)
    },
  })
  const state = new WorkState(['card'], image.length, null)
  await flashImage({
    stream: memoryImage(image),
    targets: [{ device, state: state.targets[0] as TargetState }],
    state,
    map: null,
    verify: true,
    checkDigests: () => {},
    signal: new AbortController().signal,
  })
  const error = state.targets[0]?.error
  assert.ok(error instanceof LivecardError, 'the difference was not noticed')
  assert.equal(error.code, 'verify-mismatch')
  return error
}

test('a card that answers with data of another place is called a counterfeit, with what it really holds', async () => {
  const holdsBytes = 6 * mib
  const error = await mismatchOf(noise(10 * mib), { sizeBytes: 16 * mib, place: (offset) => offset % holdsBytes })
  assert.match(error.message, /counterfeit/)
  assert.match(error.message, new RegExp(`belongs ${holdsBytes} bytes further on`))
  assert.match(error.message, /from byte 1048576\b/)
})

test('a card that keeps nothing beyond a point is called a counterfeit too', async () => {
  const keepsBytes = 5 * mib + sumCellBytes
  const place = (offset: number) => (offset < keepsBytes || offset >= 15 * mib ? offset : null)
  const error = await mismatchOf(noise(12 * mib), { sizeBytes: 16 * mib, place })
  assert.match(error.message, /holds only zeros/)
  assert.match(error.message, new RegExp(`from byte ${keepsBytes}\\b`))
})

test('a damaged place is told from a card that lost everything', async () => {
  const local = await mismatchOf(noise(6 * mib), { sizeBytes: 8 * mib }, (bytes) => bytes.fill(0x77, 2 * mib, 2 * mib + 9000))
  assert.match(local.message, /worn out/)
  const everywhere = await mismatchOf(noise(6 * mib), { sizeBytes: 8 * mib }, (bytes) => bytes.set(noise(6 * mib, 9), mib))
  assert.match(everywhere.message, /Everything looked at/)
})

test('a place that was wrong once and right the next time is the fault of reader or cable', async () => {
  let reads = 0
  const image = noise(4 * mib)
  const error = await mismatchOf(image, {
    sizeBytes: 8 * mib,
    place: (offset) => {
      if (offset === 2 * mib) reads += 1
      return offset === 2 * mib && reads === 2 ? 7 * mib : offset
    },
  })
  assert.match(error.message, /unreliably/)
})

/** NH and its combination as cell-sum-module.ts describes them, word by word. */
function sumByTheBook(bytes: Uint8Array): bigint {
  const padded = new Uint8Array(Math.ceil(bytes.length / pieceBytes) * pieceBytes)
  padded.set(bytes)
  const word = (from: Uint8Array, at: number) => BigInt(new DataView(from.buffer, from.byteOffset).getUint32(at, true))
  const keys = sumKeys()
  const hash: [bigint, bigint] = [0n, 0n]
  for (let piece = 0; piece < padded.length; piece += pieceBytes) {
    for (let group = 0; group < pieceBytes; group += 32) {
      for (let index = 0; index < 4; index += 1) {
        const at = group + index * 4
        const a = BigInt.asUintN(32, word(padded, piece + at) + word(keys, at))
        const b = BigInt.asUintN(32, word(padded, piece + at + 16) + word(keys, at + 16))
        hash[index % 2] = (hash[index % 2] ?? 0n) + a * b
      }
    }
    hash[0] *= multiplier
    hash[1] *= multiplier
  }
  return BigInt.asUintN(64, hash[0] + hash[1] * foldMultiplier)
}

test('the sum of a cell is the same wherever it lies, and that of the book', () => {
  for (const length of [1, 1023, 1024, 4096, 5000, sumCellBytes]) {
    const plain = noise(length, length)
    const expected = sumByTheBook(plain)
    for (const shared of [false, true]) {
      const memory = alignedBuffer(length + 4096, shared)
      memory.set(plain, 4096)
      assert.equal(cellSum(memory.subarray(4096)), expected, `${length}`)
    }
    assert.equal(cellSum(plain), expected, `${length}`)
  }
})

test('a sum notices every flipped bit and swapped pieces', () => {
  const cell = noise(sumCellBytes)
  const good = cellSum(cell)
  for (let bit = 0; bit < sumCellBytes * 8; bit += 997) {
    const byte = Math.floor(bit / 8)
    cell[byte] = (cell[byte] ?? 0) ^ (1 << (bit % 8))
    assert.notEqual(cellSum(cell), good)
    cell[byte] = (cell[byte] ?? 0) ^ (1 << (bit % 8))
  }
  const swapped = cell.slice()
  swapped.set(cell.subarray(0, pieceBytes), pieceBytes)
  swapped.set(cell.subarray(pieceBytes, 2 * pieceBytes), 0)
  assert.notEqual(cellSum(swapped), good)
})

test('ranges remember a sum per cell, whatever their shape', () => {
  const image = noise(mib)
  const written = new WrittenRanges()
  const add = (start: number, end: number) => written.add(start, image.subarray(start, end))
  add(0, 131072)
  add(131072, 200704)
  add(200704, 204800)
  add(300032, 300544)
  assert.deepEqual(written.ranges, [
    { start: 0, end: 200704 },
    { start: 200704, end: 204800 },
    { start: 300032, end: 300544 },
  ])
  assert.equal(written.totalBytes, 204800 + 512)
  for (const { offset, end, sum } of written.cells()) assert.equal(sum, cellSum(image.subarray(offset, end)))
  assert.deepEqual(
    [...written.cellsFrom(131072, 2)].map(({ offset }) => offset),
    [131072, 196608],
  )
  assert.deepEqual(
    written.spreadFrom(0, 100).map(({ offset }) => offset),
    [...written.cells()].map(({ offset }) => offset).filter((offset) => offset % sumCellBytes === 0),
  )
})
