import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { zstdDecompressSync } from 'node:zlib'
import { areaChunk, entriesPerArea } from '../../native-helpers/volumes/snapshot-exceptions.ts'
import {
  continueSnapshotStore,
  makeSnapshotStore,
  setStoreValid,
  type WritableStore,
} from '../../native-helpers/volumes/snapshot-make.ts'
import { dmsetupStatus, readSnapshotStore, type SnapshotStore, storeCapacity } from '../../native-helpers/volumes/snapshot-store.ts'

const fixtures = fileURLToPath(new URL('../fixtures/dm-snapshot/', import.meta.url))
const chunkBytes = 4096

function overlay(name: string): Buffer {
  return Buffer.from(zstdDecompressSync(readFileSync(join(fixtures, `${name}.overlay.zst`))))
}

interface Recorder extends WritableStore {
  bytes: Buffer
  /** What happened, in its order. */
  log: string[]
}

function device(bytes: Buffer): Recorder {
  const log: string[] = []
  return {
    size: bytes.length,
    sectorSize: 512,
    bytes,
    log,
    readSync: (into, offset) => void into.set(bytes.subarray(offset, offset + into.length)),
    writeSync(from, offset) {
      if (offset + from.length > bytes.length) throw new RangeError(`${from.length} bytes at ${offset}`)
      log.push(`write ${offset / chunkBytes}`)
      bytes.set(from, offset)
    },
    flushSync: () => void log.push('flush'),
  }
}

function read(store: WritableStore): SnapshotStore {
  const { value, problem } = readSnapshotStore(store)
  assert.ok(value, problem?.detail)
  return value
}

/** The kernel's entries in the order in which it made them. */
function entriesOf(store: Buffer): { origin: number; copy: number }[] {
  const perArea = entriesPerArea(chunkBytes)
  const entries: { origin: number; copy: number }[] = []
  for (let index = 0; ; index += 1) {
    const at = areaChunk(chunkBytes, Math.floor(index / perArea)) * chunkBytes + (index % perArea) * 16
    if (at + 16 > store.length) return entries
    const copy = Number(store.readBigUInt64LE(at + 8))
    if (copy === 0) return entries
    entries.push({ origin: Number(store.readBigUInt64LE(at)), copy })
  }
}

for (const name of ['fresh', 'half', 'full-flipped']) {
  test(`the store "${name}" of a kernel is made again, entry by entry`, () => {
    const original = overlay(name)
    const made = device(Buffer.alloc(original.length, 0xa5))
    const writer = makeSnapshotStore(made)
    const entries = entriesOf(original)
    const inOrder = entries.every(({ copy }, index) => index === 0 || copy > (entries[index - 1]?.copy ?? 0))
    for (const { origin, copy } of entries) writer.append(origin, original.subarray(copy * chunkBytes, (copy + 1) * chunkBytes))
    writer.commit()
    const ours = entriesOf(made.bytes)
    assert.deepEqual(
      ours.map(({ origin }) => origin),
      entries.map(({ origin }) => origin),
    )
    // Copies that a kernel has in flight together end in any order, so entry and place may be swapped among them: then only what they mean is equal.
    if (inOrder) assert.deepEqual(ours, entries)
    for (const [index, { copy }] of ours.entries()) {
      const theirs = (entries[index]?.copy ?? 0) * chunkBytes
      assert.ok(
        made.bytes.subarray(copy * chunkBytes, (copy + 1) * chunkBytes).equals(original.subarray(theirs, theirs + chunkBytes)),
        `copy ${index}`,
      )
    }
    assert.deepEqual(made.bytes.subarray(0, chunkBytes), original.subarray(0, chunkBytes))
    assert.equal(dmsetupStatus(read(made), 524288), dmsetupStatus(read(device(original)), 524288))
  })
}

test('copies are on the medium before the entries that tell of them, and the next area is cleared before the last entry', () => {
  const store = device(Buffer.alloc(600 * chunkBytes, 0xff))
  const writer = makeSnapshotStore(store)
  assert.deepEqual(store.log.splice(0), ['write 1', 'flush', 'write 0', 'flush'])
  const chunk = new Uint8Array(chunkBytes)
  writer.append(7, chunk)
  writer.commit()
  writer.commit()
  assert.deepEqual(store.log.splice(0), ['write 2', 'flush', 'write 1', 'flush'])
  for (let origin = 100; origin < 355; origin += 1) writer.append(origin, chunk)
  assert.deepEqual(store.log.splice(-5), ['flush', 'write 258', 'flush', 'write 1', 'flush'])
  store.log.length = 0
  writer.append(9, chunk)
  writer.commit()
  assert.deepEqual(store.log, ['write 259', 'flush', 'write 258', 'flush'])
  assert.equal(dmsetupStatus(read(store), 10000), '0 10000 snapshot 2080/4800 24')
})

test('a store is never filled so far that a kernel would give it up', () => {
  for (const chunks of [2, 3, 257, 258, 259, 260, 514, 515, 516]) {
    const store = device(Buffer.alloc(chunks * chunkBytes))
    const writer = makeSnapshotStore(store)
    const capacity = storeCapacity(chunks, chunkBytes)
    for (let origin = 0; origin < capacity; origin += 1) {
      assert.equal(writer.freeChunks, capacity - origin)
      writer.append(origin, new Uint8Array(chunkBytes))
    }
    assert.equal(writer.freeChunks, 0)
    assert.throws(() => writer.append(capacity, new Uint8Array(chunkBytes)), { code: 'store-full' })
    writer.commit()
    const { exceptions, freeChunks, unregistrable } = read(store)
    assert.deepEqual([exceptions.count, freeChunks, unregistrable], [capacity, 0, false], `${chunks} chunks`)
  }
})

test('a store that was read is gone on with where it stands, and one that no kernel goes on with is not', () => {
  const half = device(overlay('half'))
  const before = read(half)
  const writer = continueSnapshotStore(half, before)
  assert.equal(writer.freeChunks, before.freeChunks)
  const chunk = Buffer.alloc(chunkBytes, 0x77)
  const fresh = Array.from({ length: 300 }, (_, at) => at + 20_000).filter((origin) => before.exceptions.find(origin) === null)
  for (const origin of fresh) writer.append(origin, chunk)
  writer.commit()
  const after = read(half)
  assert.equal(after.exceptions.count, before.exceptions.count + fresh.length)
  assert.equal(after.exceptions.damageCount, 0)
  assert.ok(fresh.every((origin) => after.exceptions.find(origin) !== null))
  assert.throws(() => continueSnapshotStore(device(overlay('full-invalid')), read(device(overlay('full-invalid')))), {
    code: 'store-damaged',
  })
  const blank = device(Buffer.alloc(100 * chunkBytes))
  const first = continueSnapshotStore(blank, read(blank))
  first.append(1, chunk)
  first.commit()
  assert.equal(read(blank).exceptions.find(1), 2)
})

test('one word makes a store invalid, and valid again', () => {
  const store = device(overlay('full-flipped'))
  setStoreValid(store, false)
  assert.ok(store.bytes.equals(overlay('full-invalid')))
  setStoreValid(store, true)
  assert.ok(store.bytes.equals(overlay('full-flipped')))
})
