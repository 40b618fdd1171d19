import assert from 'node:assert/strict'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { LivecardError } from '../../native-helpers/errors.ts'
import { blockCodec } from '../../native-helpers/volumes/squashfs/block-codec.ts'
import { openSquashfs } from '../../native-helpers/volumes/squashfs/squashfs.ts'
import { memoryDevice } from '../support/file-device.ts'
import { makeTree, pseudoEntries } from '../support/squashfs-tree.ts'
import { missingTools, seeded, testFolder, tool } from '../support/tools.ts'

const plainTables = ['-noI', '-noId', '-noX', '-noF', '-noD']
/** Without packing, damage reaches the structures; with it, the decoders: those of the codec, and those that do without. */
const images = [
  { args: ['-comp', 'gzip', ...plainTables, '-b', '4K'], rounds: 2500 },
  { args: ['-comp', 'zstd', '-b', '16K', '-no-fragments'], rounds: 400 },
  { args: ['-comp', 'gzip', '-b', '8K', '-always-use-fragments'], rounds: 400 },
  { args: ['-comp', 'xz', '-b', '64K'], rounds: 250 },
  { args: ['-comp', 'xz', '-b', '64K'], rounds: 100, codec: null },
  { args: ['-comp', 'lzma', '-b', '64K'], rounds: 250 },
  { args: ['-comp', 'lzma', '-b', '64K'], rounds: 100, codec: null },
  { args: ['-comp', 'lz4', '-b', '16K'], rounds: 400 },
  { args: ['-comp', 'lzo', '-b', '16K'], rounds: 400 },
]
const superblockBytes = 96
const mebibyte = 1024 * 1024

function makeImage(folder: string, args: readonly string[], manyEntries = 30): Buffer {
  const tree = join(folder, `tree-${manyEntries}`)
  mkdirSync(tree)
  makeTree(tree, { manyEntries })
  const path = join(folder, 'image.squashfs')
  const pseudo = pseudoEntries.flatMap((entry) => ['-p', entry])
  // Large files would only make each round longer.
  const without = ['-e', 'files/sparse', 'files/zeros', 'files/text-1048581', 'files/text-400000', 'files/noise-300000']
  tool('mksquashfs', [tree, path, '-noappend', '-quiet', '-no-progress', ...pseudo, ...args, ...without])
  return readFileSync(path)
}

/** Everything that can be asked of an image; answers the code of the error that ended it. */
async function readAll(bytes: Uint8Array, codec = blockCodec()): Promise<string> {
  try {
    const image = await openSquashfs(memoryDevice(bytes), { contentCacheBytes: mebibyte, metadataCacheBytes: mebibyte, codec })
    const window = new Uint8Array(10_000)
    for (const { inode } of image.walk()) {
      image.xattrs(inode)
      image.byNumber(inode.number)
      if (inode.type === 'symlink') image.readlink(inode)
      if (inode.type !== 'file') continue
      const file = image.fileDevice(inode)
      const part = window.subarray(0, Math.min(window.length, file.size))
      for (const place of new Set([0, Math.floor((file.size - part.length) / 2), file.size - part.length]))
        file.readSync(part, place)
    }
    return 'whole'
  } catch (thrown) {
    assert(thrown instanceof LivecardError, `raw ${thrown instanceof Error ? thrown.stack : String(thrown)}`)
    assert.equal(thrown.kind, 'data')
    return thrown.code
  }
}

test('an image with damage at random is read as far as it goes, or refused with a name', async (t) => {
  const missing = missingTools('mksquashfs', 'setfattr')
  if (missing) return t.skip(missing)
  const began = performance.now()
  const before = process.memoryUsage().rss
  const codes = new Map<string, number>()
  let slowestMs = 0
  for (const [index, { args, rounds, codec }] of images.entries()) {
    if (/lz4|lzo/.test(args.join()) && !blockCodec()) continue
    const good = makeImage(join(testFolder(t)), args)
    assert.equal(await readAll(good, codec), 'whole')
    const random = seeded(1000 + index)
    for (let round = 0; round < rounds; round += 1) {
      const started = performance.now()
      const code = await readAll(damage(good, random), codec)
      slowestMs = Math.max(slowestMs, performance.now() - started)
      codes.set(code, (codes.get(code) ?? 0) + 1)
    }
  }
  const grown = process.memoryUsage().rss - before
  const seconds = (performance.now() - began) / 1000
  t.diagnostic(
    `${JSON.stringify([...codes])}, ${seconds.toFixed(1)} s, slowest ${slowestMs.toFixed(0)} ms, ${Math.round(grown / mebibyte)} MiB`,
  )
  assert(slowestMs < 5000, `one image took ${slowestMs} ms`)
  assert(grown < 300 * mebibyte, `memory grew by ${grown}`)
  assert((codes.get('squashfs-damaged') ?? 0) > 500)
})

const extremes = [0, 1, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff]

/** A few bits, bytes, or numbers; half of the time where the tables are, sometimes the end cut off. */
function damage(good: Buffer, random: () => number): Buffer {
  const pick = (limit: number) => Math.floor(random() * limit)
  if (random() < 0.05) return Buffer.from(good.subarray(0, pick(good.length)))
  const bytes = Buffer.from(good)
  const tables = Number(bytes.readBigUInt64LE(64))
  const end = Number(bytes.readBigUInt64LE(40))
  for (let count = 1 + pick(4); count > 0; count -= 1) {
    const where = random()
    const place = where < 0.15 ? pick(superblockBytes) : where < 0.8 ? tables + pick(end - tables) : pick(end)
    const how = random()
    if (how < 0.3) bytes[place] = (bytes[place] ?? 0) ^ (1 << pick(8))
    else if (how < 0.6) bytes[place] = pick(256)
    else if (how < 0.8) bytes.writeUInt32LE(extremes[pick(extremes.length)] ?? 0, Math.min(place, bytes.length - 4))
    else bytes.copyWithin(place, pick(end - 8), pick(end - 8) + 8)
  }
  return bytes
}

test('a superblock that lies about counts, sizes and places is refused without memory for them', async (t) => {
  const missing = missingTools('mksquashfs', 'setfattr')
  if (missing) return t.skip(missing)
  const good = makeImage(testFolder(t), ['-comp', 'gzip'])
  const before = process.memoryUsage().rss
  const lies: [name: string, offset: number, value: bigint, code: string][] = [
    ['its magic number', 0, 0n, 'squashfs-none'],
    ['an old version', 28, 3n, 'squashfs-unsupported'],
    ['a compressor that does not exist', 20, 9n, 'squashfs-unsupported'],
    ['no inodes', 4, 0n, 'squashfs-damaged'],
    ['a huge count of fragments', 16, 0xffffffffn, 'squashfs-damaged'],
    ['a block size of a gibibyte', 12, 1n << 30n, 'squashfs-damaged'],
    ['a length near 2^64', 40, (1n << 64n) - 2n, 'squashfs-truncated'],
    ['a length of nothing', 40, 1n, 'squashfs-damaged'],
    ['a root in another place', 32, (1n << 47n) + 5n, 'squashfs-damaged'],
    ['a root beyond numbers', 32, (1n << 64n) - 1n, 'squashfs-damaged'],
    ['a table of owners near 2^64', 48, (1n << 64n) - 2n, 'squashfs-damaged'],
    ['inodes after folders', 64, BigInt(good.length), 'squashfs-damaged'],
    ['extended attributes at the end', 56, good.readBigUInt64LE(40), 'squashfs-damaged'],
  ]
  for (const [name, offset, value, code] of lies) {
    const bytes = Buffer.from(good)
    if (offset >= 32) bytes.writeBigUInt64LE(value, offset)
    else if (offset >= 20) bytes.writeUInt16LE(Number(value), offset)
    else bytes.writeUInt32LE(Number(value), offset)
    assert.equal(await readAll(bytes), code, name)
  }
  assert(process.memoryUsage().rss - before < 100 * mebibyte)
  for (const length of [0, 1, 95, 96]) assert.match(await readAll(good.subarray(0, length)), /^squashfs-(none|truncated)$/)
})

test('a folder that contains itself is refused, and so is a name that leads elsewhere', async (t) => {
  const missing = missingTools('mksquashfs', 'setfattr')
  if (missing) return t.skip(missing)
  const good = makeImage(testFolder(t), ['-comp', 'gzip', ...plainTables])
  const place = good.indexOf('empty folder', Number(good.readBigUInt64LE(72))) - 8
  assert(place > 0)
  const circle = Buffer.from(good)
  // The root's inode is the last of all, in the same block where they are so few.
  circle.writeUInt16LE(Number(good.readBigUInt64LE(32) & 0xffffn), place)
  await assert.rejects(async () => {
    for (const _ of (await openSquashfs(memoryDevice(circle))).walk());
  }, /two places in the tree/)
  for (const name of ['empty/folder', '..\0\0\0\0\0\0\0\0\0\0']) {
    const leading = Buffer.from(good)
    leading.write(name, place + 8)
    assert.equal(await readAll(leading), 'squashfs-damaged')
  }
})
