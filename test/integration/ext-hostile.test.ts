/** Ext volumes and journals that were made to lead a reader around, each with one lie. */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { replayedInMemory } from '../../native-helpers/volumes/ext-replay.ts'
import { type ExtOpened, openExt } from '../../native-helpers/volumes/ext-tree.ts'
import { findNode, walkTree } from '../../native-helpers/volumes/tree.ts'
import { memoryDevice } from '../support/file-device.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'

const KiB = 1024
const mebibyte = 1024 * 1024
const maxMilliseconds = 5000
const skip = missingTools('mke2fs', 'debugfs') ?? false
const mapOffset = 0x28
const sizeOffset = 0x04
const sizeHighOffset = 0x6c

interface Sample {
  image: Buffer
  opened: ExtOpened
  /** Where the inode of a path lies. */
  inode(path: string): number
}

function sample(t: TestContext, options: readonly string[], sizeMiB = 64): Sample {
  const folder = testFolder(t)
  const tree = join(folder, 'tree')
  mkdirSync(join(tree, 'a', 'b', 'c'), { recursive: true })
  writeFileSync(join(tree, 'file'), Buffer.alloc(20_000, 1))
  writeFileSync(join(tree, 'other'), Buffer.alloc(300_000, 2))
  const path = join(folder, 'volume.img')
  writeFileSync(path, '')
  truncateSync(path, sizeMiB * mebibyte)
  tool('mke2fs', ['-q', '-F', '-d', tree, '-b', '1024', ...options, path])
  const image = readFileSync(path)
  const opened = openExt(memoryDevice(image)).value ?? assert.fail('the sample cannot be read')
  return {
    image,
    opened,
    inode(inside) {
      const id = findNode(opened.tree, inside)?.id ?? assert.fail(inside)
      return opened.volume.inode(id).value?.offset ?? assert.fail(inside)
    },
  }
}

/** Of this process, so that a machine that does something else meanwhile does not count. */
function cpuMilliseconds(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since)
  return (user + system) / 1000
}

/** What the reader says after the change, and that it says it soon. */
function soon<T>(image: Buffer, ask: (opened: ExtOpened) => T): T {
  const started = process.cpuUsage()
  const before = process.memoryUsage.rss()
  const answer = ask(openExt(memoryDevice(image)).value ?? assert.fail('it cannot be opened any more'))
  const took = cpuMilliseconds(started)
  assert.ok(took < maxMilliseconds, `${took} ms`)
  assert.ok(process.memoryUsage.rss() - before < 400 * mebibyte)
  return answer
}

const fileProblem = (path: string) => (opened: ExtOpened) => findNode(opened.tree, path)?.open().problem?.detail
const ext2 = ['-t', 'ext2', '-I', '256']
const ext4 = ['-t', 'ext4', '-O', '^metadata_csum']

test('a map that leads back to itself ends', { skip }, (t) => {
  const { image, inode } = sample(t, ext2)
  const at = inode('other')
  const indirect = image.readUInt32LE(at + mapOffset + 12 * 4)
  image.writeUInt32LE(indirect, at + mapOffset + 13 * 4)
  image.writeUInt32LE(2_000_000_000, at + sizeOffset)
  assert.match(soon(image, fileProblem('other')) ?? '', /leads back to itself/)
  // Now every number in it is its own.
  for (let place = 0; place < KiB; place += 4) image.writeUInt32LE(indirect, indirect * KiB + place)
  image.writeUInt32LE(0, at + mapOffset + 12 * 4)
  image.writeUInt32LE(indirect, at + mapOffset + 14 * 4)
  assert.match(soon(image, fileProblem('other')) ?? '', /leads back to itself/)
})

test('a map of as many pieces as blocks is given up in time', { skip }, (t) => {
  const { image, inode } = sample(t, ext2, 400)
  const at = inode('other')
  // Blocks from here on are maps of each other, and none of two that follow is beside the other.
  const first = 200_000
  const blocks = 200_003
  for (let index = 0; index < blocks; index += 1)
    for (let child = 0; child < 256; child += 1)
      image.writeUInt32LE(first + ((3 * (index * 256 + child + 1)) % blocks), (first + index) * KiB + child * 4)
  image.writeUInt32LE(first, at + mapOffset + 14 * 4)
  image.writeUInt32LE(0xffff_ffff, at + sizeOffset)
  image.writeUInt32LE(3, at + sizeHighOffset)
  assert.match(soon(image, fileProblem('other')) ?? '', /the map of inode/)
})

/** An extent tree of one leaf in a block, with as many runs as fit, all of them of the same blocks. */
function repeatRuns(image: Buffer, at: number, leaf: number, start: number, length: number): number {
  const count = Math.floor(KiB / 12) - 1
  const header = (offset: number, entries: number, depth: number) => {
    for (const [index, value] of [0xf30a, entries, depth === 0 ? count : 4, depth, 0, 0].entries())
      image.writeUInt16LE(value, offset + index * 2)
  }
  header(at + mapOffset, 1, 1)
  image.writeUInt32LE(0, at + mapOffset + 12)
  image.writeUInt32LE(leaf, at + mapOffset + 16)
  image.writeUInt32LE(0, at + mapOffset + 20)
  header(leaf * KiB, count, 0)
  for (let index = 0; index < count; index += 1) {
    const entry = leaf * KiB + 12 + index * 12
    image.writeUInt32LE(index * length, entry)
    image.writeUInt16LE(length, entry + 4)
    image.writeUInt16LE(0, entry + 6)
    image.writeUInt32LE(start, entry + 8)
  }
  const bytes = count * length * KiB
  image.writeUInt32LE(bytes % 2 ** 32, at + sizeOffset)
  return bytes
}

test('a directory of gigabytes that are always the same blocks is given up in time', { skip }, (t) => {
  const { image, inode, opened } = sample(t, ext4)
  const at = inode('a')
  repeatRuns(image, at, 60_000, 30_000, 32_768)
  // Empty blocks, then blocks with entries.
  for (let block = 30_000; block < 62_768; block += 1) image.writeUInt32LE(KiB, block * KiB + 4)
  repeatRuns(image, at, 10_000, 30_000, 32_768)
  const list = (now: ExtOpened) => findNode(now.tree, 'a')?.list()
  assert.match(soon(image, list)?.problem?.detail ?? '', /larger than is looked at/)
  assert.equal(
    soon(image, (now) => findNode(now.tree, 'a/none')),
    null,
  )
  const id = findNode(opened.tree, 'file')?.id ?? 0
  for (let block = 30_000; block < 62_768; block += 1) {
    for (let place = 0; place < KiB; place += 16) {
      image.writeUInt32LE(id, block * KiB + place)
      image.writeUInt16LE(16, block * KiB + place + 4)
      image.write('\x01\x01x', block * KiB + place + 6, 'latin1')
    }
  }
  const listed = soon(image, list)
  assert.match(listed?.problem?.detail ?? '', /more than 1000000 entries/)
  assert.equal(listed?.entries.length, 1_000_000)
})

test('sizes that cannot be, and directories within themselves, are noticed', { skip }, (t) => {
  const { image, inode, opened } = sample(t, ext4)
  const file = inode('file')
  image.writeUInt32LE(0x7fff_ffff, file + sizeHighOffset)
  assert.match(soon(image, fileProblem('file')) ?? '', /empty or damaged/)
  image.writeUInt32LE(0, file + sizeHighOffset)
  const extents = findNode(opened.tree, 'file')?.extents().value
  image.writeUInt32LE(image.length / KiB - 1, file + mapOffset + 12 + 8)
  assert.match(soon(image, fileProblem('file')) ?? '', /leads out of the volume/)
  assert.equal(extents?.length, 1)

  // "c" is "a" again.
  const below = findNode(opened.tree, 'a/b')?.id ?? 0
  const block = opened.volume.map(opened.volume.inode(below).value ?? assert.fail('b')).subarray(20, 24)
  const place = Buffer.from(block).readUInt32LE() * KiB
  const entry = image.indexOf(Buffer.from('\x01\x02c', 'latin1'), place) - 6
  assert.equal(image.readUInt32LE(entry), findNode(opened.tree, 'a/b/c')?.id)
  image.writeUInt32LE(findNode(opened.tree, 'a')?.id ?? 0, entry)
  const problems = soon(image, ({ tree }) => walkTree(tree, () => {}))
  assert.deepEqual(
    problems.map(({ code }) => code),
    ['tree-loop'],
  )
})

/** A journal that fills its room with what `block` puts into each block of it, and the volume marked as not unmounted. */
function withJournal(t: TestContext, block: (view: DataView, index: number) => void): Buffer {
  const { image, opened } = sample(t, [...ext4, '-J', 'size=32'], 96)
  const { value: inode } = opened.volume.inode(8, true)
  const map = Buffer.from(opened.volume.map(inode ?? assert.fail('no journal')))
  assert.equal(map.readUInt16LE(6), 0)
  const pieces = map.readUInt16LE(2)
  let index = 0
  for (let piece = 0; piece < pieces; piece += 1) {
    const length = map.readUInt16LE(12 + piece * 12 + 4)
    const start = map.readUInt32LE(12 + piece * 12 + 8)
    for (let at = 0; at < length; at += 1, index += 1) {
      const view = new DataView(image.buffer, image.byteOffset + (start + at) * KiB, KiB)
      if (index === 0) {
        view.setUint32(0x18, 1)
        view.setUint32(0x1c, 1)
        continue
      }
      for (let byte = 0; byte < KiB; byte += 4) view.setUint32(byte, 0)
      view.setUint32(0, 0xc03b3998)
      block(view, index)
    }
  }
  image.writeUInt32LE(image.readUInt32LE(1024 + 0x60) | 4, 1024 + 0x60)
  return image
}

function soonReplayed(image: Buffer) {
  const started = process.cpuUsage()
  const before = process.memoryUsage.rss()
  const { value } = replayedInMemory(memoryDevice(image))
  assert.ok(cpuMilliseconds(started) < maxMilliseconds)
  assert.ok(process.memoryUsage.rss() - before < 200 * mebibyte)
  return value ?? assert.fail('nothing was replayed')
}

test('journals that never commit, or only commit, end', { skip }, (t) => {
  const descriptors = withJournal(t, (view) => {
    view.setUint32(4, 1)
    view.setUint32(8, 1)
    view.setUint32(12, 9000)
    view.setUint16(18, 8 | 2)
  })
  assert.deepEqual(soonReplayed(descriptors).transactions, 0)
  const commits = withJournal(t, (view, index) => {
    view.setUint32(4, 2)
    view.setUint32(8, index)
  })
  const view = soonReplayed(commits)
  assert.equal(view.blocks, 0)
  assert.ok(view.transactions > 30_000)
})

test('journals of nothing but revocations, or of blocks that do not exist, cost little', { skip }, (t) => {
  const revocations = withJournal(t, (view, index) => {
    const isLast = index === 30_000
    view.setUint32(4, isLast ? 2 : 5)
    view.setUint32(8, index > 30_000 ? 0 : 1)
    view.setUint32(12, KiB)
    for (let at = 16; at + 4 <= KiB; at += 4) view.setUint32(at, index * 256 + at)
  })
  assert.equal(soonReplayed(revocations).transactions, 1)
  const nowhere = withJournal(t, (view, index) => {
    view.setUint32(4, index % 4 === 3 ? 2 : 1)
    view.setUint32(8, 1 + Math.floor(index / 4))
    view.setUint32(12, 0xffff_ff00)
    view.setUint16(18, 8 | 2)
  })
  const view = soonReplayed(nowhere)
  assert.equal(view.blocks, 0)
  assert.ok(view.problems.length > 0 && view.problems.length <= 101)
})
