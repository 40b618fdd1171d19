import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BlockDevice } from '../../native-helpers/block/device.ts'
import { extentsDevice } from '../../native-helpers/block/extents.ts'
import { stagedDevice } from '../../native-helpers/block/staged.ts'
import { memoryDevice } from '../support/file-device.ts'
import { seeded } from '../support/tools.ts'

function bytesOf(device: BlockDevice, offset = 0, length = device.size - offset): Buffer {
  const into = Buffer.alloc(length, 0xee)
  device.readSync(into, offset)
  return into
}

function numbered(length: number): Buffer {
  return Buffer.from(Array.from({ length }, (_, at) => (at * 31) & 0xff))
}

test('a file in pieces reads and writes as one, its holes as zeros', () => {
  const container = numbered(1000)
  const before = Buffer.from(container)
  const writable: BlockDevice = {
    ...memoryDevice(container),
    writeSync: (bytes, offset) => container.set(bytes, offset),
    flushSync() {},
  }
  const file = extentsDevice(writable, [
    { start: 500, lengthBytes: 100 },
    { start: null, lengthBytes: 50 },
    { start: 7, lengthBytes: 0 },
    { start: 10, lengthBytes: 30 },
    { start: 40, lengthBytes: 60 },
  ])
  const expected = Buffer.concat([before.subarray(500, 600), Buffer.alloc(50), before.subarray(10, 100)])
  assert.equal(file.size, 240)
  for (let offset = 0; offset < 240; offset += 7) {
    for (const length of [0, 1, 30, 100, 240 - offset]) {
      if (offset + length <= 240) assert.ok(bytesOf(file, offset, length).equals(expected.subarray(offset, offset + length)))
    }
  }
  file.writeSync?.(Buffer.from('abcdef'), 177)
  assert.equal(container.subarray(37, 43).toString(), 'abcdef')
  assert.throws(() => file.writeSync?.(Buffer.from('abc'), 99), /hole/)
  assert.throws(() => bytesOf(file, 200, 41), RangeError)
  assert.equal(extentsDevice(memoryDevice(container), [{ start: 0, lengthBytes: 10 }]).writeSync, undefined)
  assert.throws(() => extentsDevice(writable, [{ start: 990, lengthBytes: 11 }]), RangeError)
})

test('what is written to a staged device is seen there, never on the base, and told of as changes', () => {
  const random = seeded(11)
  const base = numbered(100_001)
  const before = Buffer.from(base)
  const staged = stagedDevice(memoryDevice(base), { limitBytes: 1 << 20 })
  const expected = Buffer.from(base)
  for (let round = 0; round < 300; round += 1) {
    const offset = Math.floor(random() * base.length)
    const length = Math.floor(random() ** 3 * Math.min(20_000, base.length - offset))
    const bytes = Buffer.alloc(length, round)
    staged.writeSync(bytes, offset)
    expected.set(bytes, offset)
    const from = Math.floor(random() * base.length)
    const count = Math.floor(random() * (base.length - from))
    assert.ok(bytesOf(staged, from, count).equals(expected.subarray(from, from + count)))
  }
  assert.ok(base.equals(before))
  let last = -1
  for (const { offset, bytes } of staged.changes(8192)) {
    assert.ok(offset > last && bytes.length <= 8192)
    last = offset
    base.set(bytes, offset)
  }
  assert.ok(base.equals(expected))
})

test('a staged device holds no more than it may', () => {
  const staged = stagedDevice(memoryDevice(new Uint8Array(1 << 20)), { limitBytes: 64 * 1024 })
  staged.writeSync(new Uint8Array(64 * 1024), 0)
  staged.writeSync(new Uint8Array(10), 100)
  assert.throws(() => staged.writeSync(new Uint8Array(1), 65536), { code: 'staged-limit' })
  assert.equal(staged.stagedBytes, 64 * 1024)
  assert.throws(() => staged.writeSync(new Uint8Array(2), (1 << 20) - 1), RangeError)
})
