import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readlinkSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { BlockIndex } from '../../native-helpers/block/block-index.ts'
import type { BlockDevice } from '../../native-helpers/block/device.ts'
import { stagedDevice } from '../../native-helpers/block/staged.ts'
import { noise } from '../support/memory-device.ts'
import { seeded, testFolder, tool } from '../support/tools.ts'

const MiB = 1024 * 1024
const TiB = 1024 ** 4

const blockBytes = 4096

/** As long as is asked, and in every block the bytes that its number gives. */
function endlessDevice(size: number): BlockDevice {
  return { size, sectorSize: 512, readSync: (into, offset) => readBlocks(baseBlock, into, offset) }
}

function baseBlock(block: number): Uint8Array {
  return new Uint8Array(blockBytes).fill((block * 7 + Math.floor(block / 2 ** 20)) & 0xff)
}

function readBlocks(blockOf: (block: number) => Uint8Array, into: Uint8Array, offset: number): void {
  for (let at = 0; at < into.length; ) {
    const block = Math.floor((offset + at) / blockBytes)
    const within = offset + at - block * blockBytes
    const part = blockOf(block).subarray(within, within + into.length - at)
    into.set(part, at)
    at += part.length
  }
}

function openIn(folder: string): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const path = readlinkSync(join('/proc/self/fd', fd))
      return path.startsWith(folder) ? [path] : []
    } catch {
      return []
    }
  })
}

test('what does not fit into memory is read back as it was written, at places that lie far apart', (t) => {
  const folder = testFolder(t)
  const size = 6 * TiB + 1000
  const places = [0, 2 ** 31 - MiB, 2 ** 32 - 1000, 3 * TiB + 77, size - 3 * MiB - 5]
  const staged = stagedDevice(endlessDevice(size), { memoryBytes: 2 * MiB, folder })
  const model = new Map<number, Uint8Array>()
  const modelBlock = (block: number) => model.get(block) ?? baseBlock(block)
  const isAsModel = (bytes: Uint8Array, offset: number) => {
    const expected = new Uint8Array(bytes.length)
    readBlocks(modelBlock, expected, offset)
    return Buffer.compare(bytes, expected) === 0
  }
  const random = seeded(5)
  const somewhere = () => (places[Math.floor(random() * places.length)] ?? 0) + Math.floor(random() * 3 * MiB)
  for (let round = 0; round < 400; round += 1) {
    const offset = somewhere()
    const bytes = noise(1 + Math.floor(random() ** 3 * Math.min(300_000, size - offset - 1)), round + 1)
    staged.writeSync(bytes, offset)
    for (let at = 0; at < bytes.length; ) {
      const block = Math.floor((offset + at) / blockBytes)
      const within = offset + at - block * blockBytes
      const held = Uint8Array.from(modelBlock(block))
      held.set(bytes.subarray(at, at + blockBytes - within), within)
      model.set(block, held)
      at += blockBytes - within
    }
    const from = somewhere()
    const read = new Uint8Array(Math.min(200_000, size - from))
    staged.readSync(read, from)
    assert.ok(isAsModel(read, from), `round ${round}`)
  }
  assert.ok(staged.stagedBytes > 4 * MiB, 'it did not spill')
  const changed = new Set<number>()
  let last = -1
  for (const { offset, bytes } of staged.changes(256 * 1024)) {
    assert.ok(offset > last && bytes.length <= 256 * 1024 && offset % blockBytes === 0)
    last = offset
    assert.ok(isAsModel(bytes, offset), `a change at ${offset}`)
    for (let at = 0; at < bytes.length; at += blockBytes) changed.add((offset + at) / blockBytes)
  }
  assert.deepEqual(changed, new Set([...model.keys()].sort((a, b) => a - b)))
  const written = staged.takeWritten()
  assert.equal(
    written.reduce((sum, { lengthBytes }) => sum + Math.ceil(lengthBytes / blockBytes), 0),
    model.size,
  )
  assert.deepEqual(staged.takeWritten(), [])
  staged.close()
})

test('the file has no name while it is used, and its descriptor is closed at the end', { skip: !isLinux() }, (t) => {
  const folder = testFolder(t)
  const staged = stagedDevice(endlessDevice(TiB), { memoryBytes: MiB, folder })
  staged.writeSync(noise(MiB), 0)
  assert.deepEqual(openIn(folder), [], 'what fits into memory needs no file')
  staged.writeSync(noise(3 * MiB), 5 * MiB)
  assert.deepEqual(readdirSync(folder), [])
  assert.equal(openIn(folder).length, 1)
  staged.close()
  assert.deepEqual(openIn(folder), [])
  assert.throws(() => staged.writeSync(noise(10), 0), TypeError)
  staged.close()
})

test('a disk that is full, and a folder that is not there, are named', { skip: !isLinux() || process.getuid?.() !== 0 }, (t) => {
  const folder = smallDisk(t)
  const staged = stagedDevice(endlessDevice(TiB), { memoryBytes: MiB, folder })
  assert.throws(() => staged.writeSync(noise(12 * MiB), 0), { code: 'scratch-no-room', message: new RegExp(folder) })
  const nowhere = stagedDevice(endlessDevice(TiB), { memoryBytes: MiB, folder: join(folder, 'nowhere') })
  assert.throws(() => nowhere.writeSync(noise(3 * MiB), 0), { code: 'scratch-unusable', message: /ENOENT/ })
  staged.close()
  tool('umount', [folder])
})

test('blocks keep their numbers, however far apart they are', () => {
  const index = new BlockIndex()
  const random = seeded(3)
  const model = new Map<number, number>()
  for (let round = 0; round < 5000; round += 1) {
    const block = Math.floor(random() ** 4 * 2 ** 40)
    const value = Math.floor(random() * 0xfffffffe)
    index.set(block, value)
    model.set(block, value)
    const other = Math.floor(random() ** 4 * 2 ** 40)
    assert.equal(index.get(other), model.get(other) ?? -1)
  }
  assert.equal(index.count, model.size)
  assert.deepEqual(
    [...index.blocks()],
    [...model.keys()].sort((a, b) => a - b),
  )
  index.clear()
  assert.deepEqual([...index.blocks()], [])
})

function isLinux(): boolean {
  return process.platform === 'linux'
}

function smallDisk(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'livecard-small-'))
  t.after(() => rmdirSync(folder))
  tool('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', folder])
  return folder
}
