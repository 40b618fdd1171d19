import assert from 'node:assert/strict'
import { closeSync, mkdirSync, openSync, readFileSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { allocationWriteMap } from '../../native-helpers/imaging/allocation.ts'
import { crc16 } from '../../native-helpers/volumes/crc.ts'
import { extIncompat, extRoCompat } from '../../native-helpers/volumes/ext-superblock.ts'
import { checkRanges } from '../support/map-target.ts'
import { missingTools, seeded, testFolder, tool } from '../support/tools.ts'

const MiB = 1024 * 1024
const needs = missingTools('mke2fs', 'mkfs.fat', 'sfdisk')

/** Two ext volumes, with and without checksums, and a FAT, in an MBR with logical partitions or a GPT. */
function damageable(folder: string, label: 'dos' | 'gpt'): Buffer {
  const image = join(folder, `${label}.img`)
  writeFileSync(image, '')
  truncateSync(image, 32 * MiB)
  const starts = [2048, 22528, 43008]
  const parts = label === 'gpt' ? starts : [starts[0], 20480, starts[1], starts[2]]
  const script = parts.map(
    (start) => `start=${start}, size=${start === 20480 ? 44000 : 18000}, type=${start === 20480 ? 'f' : 'L'}`,
  )
  tool('sfdisk', ['-q', image], { input: `label: ${label}\n${script.join('\n')}\n` })
  const tree = join(folder, 'tree')
  mkdirSync(tree, { recursive: true })
  writeFileSync(join(tree, 'file'), Buffer.alloc(300_000, 1))
  const makers: [string, string[]][] = [
    ['mke2fs', ['-q', '-F', '-t', 'ext4', '-b', '1024', '-g', '1024', '-O', 'metadata_csum,64bit', '-d', tree]],
    ['mke2fs', ['-q', '-F', '-t', 'ext2', '-b', '1024', '-g', '1024', '-d', tree]],
    ['mkfs.fat', ['-F', '16', '-s', '1']],
  ]
  const file = openSync(image, 'r+')
  for (const [index, [name, args]] of makers.entries()) {
    const volume = join(folder, 'volume.img')
    writeFileSync(volume, '')
    truncateSync(volume, 18000 * 512)
    tool(name, [...args, volume])
    writeSync(file, readFileSync(volume), 0, 18000 * 512, (starts[index] ?? 0) * 512)
  }
  closeSync(file)
  return readFileSync(image)
}

function neededBytes(image: Uint8Array, blockBytes: number): number {
  const map = allocationWriteMap()
  let total = 0
  for (let offset = 0; offset < image.length; offset += blockBytes) {
    const block = image.subarray(offset, offset + blockBytes)
    const needed = map.needed(offset, block)
    assert.ok(Array.isArray(needed))
    checkRanges(needed, offset, block.length)
    for (const { start, end } of needed) total += end - start
  }
  return total
}

test('images with damaged structures are read without an error, and in no time', { skip: needs ?? false }, (t) => {
  const folder = testFolder(t)
  const random = seeded(4)
  const started = performance.now()
  for (const label of ['dos', 'gpt'] as const) {
    const sound = damageable(folder, label)
    assert.ok(neededBytes(sound, MiB) < 0.6 * sound.length)
    const volumes = [2048, 22528, 43008].map((sector) => sector * 512)
    for (let round = 0; round < 100; round += 1) {
      const image = Buffer.from(sound)
      for (let change = 0; change < 1 + (round % 5); change += 1) {
        const volume = volumes[Math.floor(random() * 3)] ?? 0
        const places = [
          Math.floor(random() * 1536),
          volume + Math.floor(random() * 512),
          volume + 1024 + Math.floor(random() * 1024),
          volume + 2048 + Math.floor(random() * 4096),
          volume + Math.floor(random() * 100_000),
          20480 * 512 + Math.floor(random() * 512),
        ]
        const at = places[Math.floor(random() * places.length)] ?? 0
        image[at] = random() < 0.5 ? Math.floor(random() * 256) : random() < 0.5 ? 0 : 0xff
      }
      assert.equal(neededBytes(image, 64 * 1024), neededBytes(image, 4 * MiB))
    }
  }
  assert.ok(performance.now() - started < 60_000)
})

test('every field of a superblock may hold the worst', { skip: needs ?? false }, (t) => {
  const sound = damageable(testFolder(t), 'dos')
  const started = performance.now()
  for (const superblock of [2048 * 512 + 1024, 22528 * 512 + 1024, 43008 * 512]) {
    const image = Buffer.from(sound.subarray(0, superblock + 65536))
    for (let offset = 0; offset < 1024; offset += 4) {
      const honest = image.readUInt32LE(superblock + offset)
      for (const worst of [0, 1, 0x7fffffff, 0x80000000, 0xffffffff]) {
        image.writeUInt32LE(worst, superblock + offset)
        assert.ok(neededBytes(image, 4 * MiB) <= image.length)
      }
      image.writeUInt32LE(honest, superblock + offset)
    }
  }
  assert.ok(performance.now() - started < 60_000)
})

/**
 * The start of an ext4 with 64 KiB blocks that claims a petabyte: as many groups as are looked at, of which only the first has a bitmap,
 * with its first 4096 blocks in use. All checksums are right.
 */
function petabyte(): Uint8Array {
  const groups = 32768
  const groupBlocks = 524288
  const blockBytes = 65536
  const bitmapBlock = 40
  const start = Buffer.alloc(4 * MiB)
  const superblock = start.subarray(1024, 2048)
  superblock.writeUInt32LE((groups * groupBlocks) / 0x1_0000_0000, 0x150)
  superblock.writeUInt32LE(6, 0x18)
  superblock.writeUInt32LE(groupBlocks, 0x20)
  superblock.writeUInt32LE(groupBlocks, 0x28)
  superblock.writeUInt16LE(0xef53, 0x38)
  superblock.writeUInt16LE(1, 0x3a)
  superblock.writeUInt32LE(1, 0x4c)
  superblock.writeUInt16LE(128, 0x58)
  superblock.writeUInt32LE(extIncompat.bit64, 0x60)
  superblock.writeUInt32LE(extRoCompat.gdtChecksum | extRoCompat.sparseSuper, 0x64)
  superblock.writeUInt16LE(64, 0xfe)
  for (let group = 0; group < groups; group += 1) {
    const descriptor = start.subarray(blockBytes + group * 64, blockBytes + (group + 1) * 64)
    const free = group === 0 ? groupBlocks - 4096 : groupBlocks
    for (const field of [0, 4, 8]) descriptor.writeUInt32LE(bitmapBlock, field)
    descriptor.writeUInt16LE(free % 0x1_0000, 0x0c)
    descriptor.writeUInt16LE(Math.floor(free / 0x1_0000), 0x2c)
    descriptor.writeUInt16LE(group === 0 ? 0 : 2, 0x12)
    const index = Buffer.alloc(4)
    index.writeUInt32LE(group)
    const parts = [superblock.subarray(0x68, 0x78), index, descriptor.subarray(0, 0x1e), descriptor.subarray(0x20)]
    descriptor.writeUInt16LE(
      parts.reduce((sum, part) => crc16(sum, part), 0xffff),
      0x1e,
    )
  }
  start.fill(0xff, bitmapBlock * blockBytes, bitmapBlock * blockBytes + 4096 / 8)
  return start
}

test('a filesystem that claims a petabyte costs neither time nor memory', () => {
  const start = petabyte()
  const zeros = new Uint8Array(4 * MiB)
  const rssBefore = process.memoryUsage.rss()
  const started = performance.now()
  const map = allocationWriteMap()
  let written = 0
  for (let offset = 0; offset < 512 * MiB; offset += zeros.length) {
    const needed = map.needed(offset, offset === 0 ? start : zeros)
    assert.ok(Array.isArray(needed))
    for (const { start, end } of needed) written += end - start
  }
  assert.equal(written, 256 * MiB)
  assert.deepEqual(map.volumes, [{ startBytes: 0, filesystem: 'ext4', problem: null }])
  assert.ok(performance.now() - started < 10_000)
  assert.ok(process.memoryUsage.rss() - rssBefore < 100 * MiB)
})
