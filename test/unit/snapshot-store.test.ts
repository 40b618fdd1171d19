import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mergedDevice, unreadableChunk } from '../../native-helpers/block/merged.ts'
import { areaChunk, entriesPerArea, isMetadataChunk } from '../../native-helpers/volumes/snapshot-exceptions.ts'
import { dmsetupStatus, isTrapSize, readSnapshotStore, storeCapacity } from '../../native-helpers/volumes/snapshot-store.ts'
import { memoryDevice } from '../support/file-device.ts'

const chunkBytes = 4096

interface Made {
  chunks: number
  chunkSectors?: number
  header?: Partial<{ magic: number; valid: number; version: number; chunkSectors: number }>
}

/** A store of the kernel's form with copies of these chunks, each filled with its number; as the kernel fills one in order. */
function madeStore(origins: readonly number[], { chunks, chunkSectors = 8, header = {} }: Made): Buffer {
  const bytes = chunkSectors * 512
  const store = Buffer.alloc(chunks * bytes)
  store.writeUInt32LE(header.magic ?? 0x70416e53, 0)
  store.writeUInt32LE(header.valid ?? 1, 4)
  store.writeUInt32LE(header.version ?? 1, 8)
  store.writeUInt32LE(header.chunkSectors ?? chunkSectors, 12)
  let next = 2
  for (const [index, origin] of origins.entries()) {
    if (isMetadataChunk(bytes, next)) next += 1
    const area = areaChunk(bytes, Math.floor(index / entriesPerArea(bytes))) * bytes
    setEntry(store, area + (index % entriesPerArea(bytes)) * 16, origin, next)
    store.fill(origin & 0xff, next * bytes, (next + 1) * bytes)
    next += 1
  }
  return store
}

function setEntry(store: Buffer, at: number, origin: number | bigint, copy: number | bigint): void {
  store.writeBigUInt64LE(BigInt(origin), at)
  store.writeBigUInt64LE(BigInt(copy), at + 8)
}

function read(store: Uint8Array, originBytes: number | null = null) {
  const { value, problem } = readSnapshotStore(memoryDevice(store), originBytes)
  assert.ok(value, problem?.detail)
  return value
}

function range(count: number, from = 0): number[] {
  return Array.from({ length: count }, (_, at) => from + at)
}

test('sectors allocated and used for metadata follow the numbers that a kernel was measured with', () => {
  for (const chunkSectors of [8, 16, 32, 128]) {
    const perArea = (chunkSectors * 512) / 16
    for (const copies of [0, 1, 2, 100, 254, 255, 256, 257, 258, 511, 512, 513, 770, 1500]) {
      const store = read(madeStore(range(copies), { chunks: 1600, chunkSectors }))
      const areas = Math.floor(copies / perArea)
      assert.equal(store.allocatedSectors, BigInt(chunkSectors * (2 + copies + areas)), `${copies} at ${chunkSectors}`)
      assert.equal(store.metadataSectors, chunkSectors * (2 + areas))
      assert.equal(store.exceptions.count, copies)
      assert.equal(store.freeChunks, store.capacityChunks - copies)
      assert.equal(store.exceptions.damageCount, 0)
    }
  }
})

test('capacity and trap sizes are those of the facts', () => {
  const traps = range(3900).filter((mebibytes) => isTrapSize(mebibytes * 256, chunkBytes))
  assert.deepEqual(traps, [256, 513, 770, 1027, 1284, 1541, 1798, 2055, 2312, 2569, 2826, 3083, 3340, 3597, 3854])
  for (let chunks = 2; chunks < 2000; chunks += 1) {
    assert.equal(storeCapacity(chunks, chunkBytes), chunks - 2 - Math.floor((chunks - 1) / 257))
  }
  assert.equal(storeCapacity(0, chunkBytes), 0)
})

test('a full store is known by its numbers, whatever its header says', () => {
  const chunks = 300
  const store = read(madeStore(range(storeCapacity(chunks, chunkBytes)), { chunks }))
  assert.equal(store.freeChunks, 0)
  assert.equal(store.valid, true)
  assert.equal(dmsetupStatus(store, 1000), '0 1000 snapshot 2400/2400 24')
})

test('a store at a trap size takes one copy less than there is room for', () => {
  const store = read(madeStore(range(255), { chunks: 258 }))
  assert.ok(store.trapSize)
  assert.equal(store.freeChunks, 0)
  const one = read(madeStore(range(254), { chunks: 258 }))
  assert.equal(one.freeChunks, 1)
})

test('a store that a kernel would refuse, clear or call invalid says so', () => {
  const problemOf = (bytes: Uint8Array) => readSnapshotStore(memoryDevice(bytes)).problem?.code
  assert.equal(problemOf(Buffer.alloc(8)), 'store-short')
  assert.equal(problemOf(madeStore([], { chunks: 10, header: { magic: 1 } })), 'store-none')
  assert.equal(problemOf(madeStore([], { chunks: 10, header: { version: 2 } })), 'store-version')
  for (const chunkSectors of [0, 3, 9, 0x400000, 0x80000000, 0xffffffff]) {
    assert.equal(problemOf(madeStore([], { chunks: 10, header: { chunkSectors } })), 'store-chunk-size')
  }
  const blank = read(Buffer.alloc(10 * chunkBytes))
  assert.ok(blank.blank && blank.valid)
  assert.equal(dmsetupStatus(blank, 8), '0 8 snapshot 16/80 16')
  assert.equal(dmsetupStatus(read(madeStore([1], { chunks: 10, header: { valid: 0 } })), 8), '0 8 snapshot Invalid')
  assert.equal(dmsetupStatus(read(madeStore([1], { chunks: 10, header: { valid: 2 } })), 8), '0 8 snapshot 24/80 16')
  const cutOff = read(madeStore(range(256), { chunks: 300 }).subarray(0, 258 * chunkBytes))
  assert.ok(cutOff.unregistrable)
  assert.equal(dmsetupStatus(cutOff, 8), null)
})

test('a header with the largest chunk size costs no memory', () => {
  const before = process.memoryUsage.rss()
  const store = read(madeStore([], { chunks: 1, header: { chunkSectors: 0x200000 } }))
  assert.ok(store.unregistrable)
  assert.ok(process.memoryUsage.rss() - before < 50 * 1024 * 1024)
})

test('entries that cannot be are told of, and what they stand for is not read', () => {
  const origin = memoryDevice(Buffer.alloc(100 * chunkBytes, 0xaa))
  const store = madeStore(range(10, 20), { chunks: 300 })
  const entry = (index: number) => chunkBytes + index * 16
  setEntry(store, entry(0), 20, 300)
  setEntry(store, entry(1), 21, 258)
  setEntry(store, entry(2), 22, 5)
  setEntry(store, entry(4), 23, 6)
  setEntry(store, entry(5), 100, 7)
  setEntry(store, entry(6), 1n << 40n, 8)
  setEntry(store, entry(20), 1, 9)
  const { exceptions } = read(store, origin.size)
  assert.deepEqual(
    exceptions.damage.map(({ kind, area, entry: place }) => `${kind} ${area}/${place}`).sort(),
    [
      'behind-end 0/10',
      'beyond-origin 0/5',
      'beyond-origin 0/6',
      'metadata 0/1',
      'origin-twice 0/4',
      'outside 0/0',
      'used-twice 0/3',
    ].sort(),
  )
  assert.deepEqual(
    [20, 21, 22, 23, 24, 27, 99].map((chunk) => exceptions.find(chunk)),
    [unreadableChunk, unreadableChunk, 5, 5, null, 9, null],
  )
  const merged = mergedDevice(origin, memoryDevice(store), exceptions)
  const into = new Uint8Array(chunkBytes)
  assert.throws(() => merged.readSync(into, 20 * chunkBytes), { code: 'store-chunk-missing' })
  merged.readSync(into, 27 * chunkBytes)
  assert.ok(into.every((byte) => byte === 27))
  merged.readSync(into, 24 * chunkBytes)
  assert.ok(into.every((byte) => byte === 0xaa))
})

test('an absurd chunk number counts as the kernel counts it', () => {
  const store = madeStore([1], { chunks: 10 })
  for (const [chunk, allocated] of [
    [0x1234_5678_9abc_def0n, 0x91a2_b3c4_d5e6_f788n],
    [0xffff_ffff_ffff_ffffn, 0n],
  ] as const) {
    setEntry(store, chunkBytes, 1, chunk)
    const { allocatedSectors, exceptions } = read(store)
    assert.equal(allocatedSectors, allocated)
    assert.equal(exceptions.find(1), unreadableChunk)
    assert.deepEqual(exceptions.damage, [{ kind: 'outside', area: 0, entry: 0 }])
  }
})

test('copies that were made in any order are seen in the right place, also across the edges of chunks', () => {
  const origin = Buffer.alloc(64 * chunkBytes + 100)
  for (let at = 0; at < origin.length; at += 1) origin[at] = (at * 7) & 0xff
  const chunks = [5, 4, 3, 63, 6, 7, 8, 0, 64, 30]
  const store = madeStore(chunks, { chunks: 300 })
  const expected = Buffer.from(origin)
  for (const chunk of chunks) expected.fill(chunk, chunk * chunkBytes, Math.min(expected.length, (chunk + 1) * chunkBytes))
  const { exceptions } = read(store, origin.length)
  const merged = mergedDevice(memoryDevice(origin), memoryDevice(store), exceptions)
  for (const [offset, length] of [
    [0, expected.length],
    [4095, 2],
    [12000, 30000],
    [63 * chunkBytes + 5, chunkBytes + 95],
    [1, 0],
  ] as const) {
    const into = Buffer.alloc(length)
    merged.readSync(into, offset)
    assert.ok(into.equals(expected.subarray(offset, offset + length)), `${length} at ${offset}`)
  }
  assert.throws(() => merged.readSync(new Uint8Array(2), expected.length - 1), RangeError)
  assert.deepEqual(
    [...exceptions.runs()],
    [
      { originChunk: 0, count: 1 },
      { originChunk: 3, count: 6 },
      { originChunk: 30, count: 1 },
      { originChunk: 63, count: 2 },
    ],
  )
})
