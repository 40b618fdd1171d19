import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cachedDevice } from '../../native-helpers/block/cached.ts'
import { memoryDevice } from '../support/file-device.ts'
import { noise } from '../support/memory-device.ts'
import { seeded } from '../support/tools.ts'

const KiB = 1024

test('whatever is asked for in whatever order, a cached device gives the bytes of the one below', () => {
  const bytes = Buffer.from(noise(3 * 1024 * KiB + 777))
  const device = cachedDevice(memoryDevice(bytes), { limitBytes: 512 * KiB })
  const random = seeded(7)
  for (let count = 0; count < 5000; count += 1) {
    const length = Math.floor(random() ** 4 * 300 * KiB)
    const offset = Math.floor(random() * (bytes.length - length))
    const into = Buffer.alloc(length)
    device.readSync(into, offset)
    assert.ok(into.equals(bytes.subarray(offset, offset + length)), `${length} at ${offset}`)
  }
  assert.throws(() => device.readSync(new Uint8Array(2), bytes.length - 1), RangeError)
})

test('a list that is spread over a card costs a page for each place, and neighbours cost one reading', () => {
  const device = cachedDevice(memoryDevice(new Uint8Array(16 * 1024 * KiB)))
  const entry = new Uint8Array(16)
  for (let at = 0; at < device.size; at += 1024 * KiB) device.readSync(entry, at + 100)
  assert.equal(device.bytesRead, 16 * 4 * KiB)
  for (let at = 0; at < device.size; at += 1024 * KiB) device.readSync(entry, at + 200)
  assert.equal(device.bytesRead, 16 * 4 * KiB)
  const before = device.bytesRead
  for (let at = 0; at < 60 * KiB; at += 512) device.readSync(entry, 5 * 1024 * KiB + at)
  assert.equal(device.bytesRead - before, 64 * KiB)
})

test('a bad sector hides only itself', () => {
  const bytes = Buffer.from(noise(256 * KiB))
  const bad = 100 * KiB
  const below = memoryDevice(bytes)
  const device = cachedDevice({
    ...below,
    readSync(into, offset) {
      if (offset <= bad && offset + into.length > bad) throw new Error('EIO')
      below.readSync(into, offset)
    },
  })
  const into = Buffer.alloc(512)
  for (const offset of [bad - 512, bad + 512, bad - 4096]) {
    device.readSync(into, offset)
    assert.ok(into.equals(bytes.subarray(offset, offset + 512)))
  }
  assert.throws(() => device.readSync(into, bad), /EIO/)
})
