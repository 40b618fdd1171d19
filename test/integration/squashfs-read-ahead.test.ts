import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { BlockDevice } from '../../native-helpers/block/device.ts'
import type { AheadOptions } from '../../native-helpers/volumes/squashfs/read-ahead.ts'
import { openSquashfs, type Squashfs } from '../../native-helpers/volumes/squashfs/squashfs.ts'
import { memoryDevice } from '../support/file-device.ts'
import { noise } from '../support/memory-device.ts'
import { missingTools, seeded, testFolder, tool } from '../support/tools.ts'

const skip = missingTools('mksquashfs') ?? false
const blockBytes = 16 * 1024
const idleMs = 300

/** 200 blocks that pack to about a half, zeros among them, and an end that is no whole block. */
const content = Buffer.concat([
  ...Array.from({ length: 200 }, (_, at) =>
    at % 17 === 5
      ? Buffer.alloc(blockBytes)
      : Buffer.concat([noise(blockBytes / 2, at + 1), Buffer.alloc(blockBytes / 2, `block ${at} `)]),
  ),
  Buffer.from('the end'),
])

function image(t: TestContext, compressor: string): Buffer {
  const folder = testFolder(t)
  const tree = join(folder, 'tree')
  mkdirSync(tree)
  writeFileSync(join(tree, 'large'), content)
  const path = join(folder, 'image.squashfs')
  tool('mksquashfs', [tree, path, '-comp', compressor, '-b', String(blockBytes), '-noappend', '-no-progress', '-quiet'])
  return readFileSync(path)
}

async function opened(bytes: Uint8Array, readAhead: AheadOptions): Promise<{ squashfs: Squashfs; large: BlockDevice }> {
  const squashfs = await openSquashfs(memoryDevice(bytes), { readAhead, contentCacheBytes: blockBytes })
  const file = squashfs.lookup('large')
  assert.ok(file?.type === 'file')
  return { squashfs, large: squashfs.fileDevice(file) }
}

function readThrough(device: BlockDevice, pieceBytes: number): Buffer {
  const all = Buffer.alloc(device.size)
  for (let at = 0; at < all.length; at += pieceBytes) device.readSync(all.subarray(at, at + pieceBytes), at)
  return all
}

test('a file that is read from its beginning to its end is unpacked ahead by threads, which end by themselves', {
  skip,
}, async (t) => {
  const bytes = image(t, 'xz')
  for (const pieceBytes of [5000, blockBytes, 300_000, content.length]) {
    const { squashfs, large } = await opened(bytes, { threads: 2, idleMs })
    assert.ok(readThrough(large, pieceBytes).equals(content), `in pieces of ${pieceBytes}`)
    assert.ok(squashfs.readAhead.started >= 2)
    for (let waits = 0; squashfs.readAhead.running > 0 && waits < 600; waits += 1) await pause(100)
    assert.equal(squashfs.readAhead.running, 0, 'they end when nothing is read any more')
    assert.ok(readThrough(large, pieceBytes).equals(content), 'and begin again')
  }
})

test('jumping to and fro between long reads gives what is there, and small reads here and there start nothing', {
  skip,
}, async (t) => {
  const bytes = image(t, 'xz')
  const { squashfs, large } = await opened(bytes, { threads: 3, idleMs })
  const random = seeded(11)
  const read = (length: number) => {
    const at = Math.floor(random() * (content.length - length))
    const piece = Buffer.alloc(length)
    large.readSync(piece, at)
    assert.ok(piece.equals(content.subarray(at, at + length)), `${length} bytes at ${at}`)
  }
  for (let count = 0; count < 200; count += 1) read(4096)
  assert.equal(squashfs.readAhead.started, 0)
  for (let count = 0; count < 40; count += 1) read(Math.floor(random() * 12 * blockBytes))
  assert.ok(squashfs.readAhead.started >= 3)
})

test('what unpacks quickly is not read ahead', { skip }, async (t) => {
  const { squashfs, large } = await opened(image(t, 'zstd'), { threads: 2, idleMs })
  assert.ok(readThrough(large, 100_000).equals(content))
  assert.equal(squashfs.readAhead.started, 0)
})

test('a damaged block is told when it is reached, not before, and in the same words', { skip }, async (t) => {
  const bytes = image(t, 'xz')
  bytes.fill(0xa5, bytes.length / 2, bytes.length / 2 + 100)
  const failures = async (threads: number) => {
    const { large } = await opened(bytes, { threads, idleMs })
    const found: string[] = []
    const block = Buffer.alloc(blockBytes)
    for (let at = 0; at < 200 * blockBytes; at += blockBytes) {
      try {
        large.readSync(block, at)
        assert.ok(block.equals(content.subarray(at, at + blockBytes)))
      } catch (thrown) {
        found.push(`${at / blockBytes}: ${thrown}`)
      }
    }
    return found
  }
  const alone = await failures(0)
  assert.match(alone.join(), /^\d\d+: LivecardError: The squashfs image is damaged/)
  assert.deepEqual(await failures(2), alone)
})
