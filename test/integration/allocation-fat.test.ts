import assert from 'node:assert/strict'
import { closeSync, mkdirSync, openSync, readSync, rmSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { allocationWriteMap } from '../../native-helpers/imaging/allocation.ts'
import type { ByteRange } from '../../native-helpers/imaging/write-map.ts'
import { parseFatBoot } from '../../native-helpers/volumes/fat-boot.ts'
import { gapsBetween, passThrough, totalBytes, writeThrough } from '../support/map-target.ts'
import { treeContent, writeSampleTree } from '../support/sample-tree.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'

const MiB = 1024 * 1024
const needs = missingTools('mkfs.fat', 'fsck.fat', 'mcopy', 'mdeltree')
const noChecks = { MTOOLS_SKIP_CHECK: '1' }

/** name, what mkfs.fat is asked for, MiB, the least share of the free clusters to be left out, bits of an entry */
const kinds: [string, string[], number, number, number][] = [
  ['FAT12', ['-F', '12', '-s', '64'], 100, 0.8, 12],
  ['FAT12 with small clusters', ['-F', '12', '-s', '16'], 30, 0.5, 12],
  ['FAT16', ['-F', '16'], 100, 0.8, 16],
  ['FAT16 with small clusters', ['-F', '16', '-s', '1'], 31, 0.5, 16],
  ['FAT32', ['-F', '32'], 200, 0.8, 32],
  ['FAT32 with clusters of one sector', ['-F', '32', '-s', '1'], 64, 0.5, 32],
  ['FAT32 with one table', ['-F', '32', '-f', '1'], 100, 0.8, 32],
  ['FAT32 with sectors of 4096 bytes', ['-F', '32', '-S', '4096', '-s', '1'], 300, 0.8, 32],
]

for (const [name, options, sizeMiB, leastShare, entryBits] of kinds) {
  test(`skipping unused clusters keeps every file and check of ${name}`, { skip: needs ?? false }, async (t) => {
    const image = makeImage(testFolder(t), options, sizeMiB)
    const fat = parseFatBoot(startOf(image)).value
    assert.equal(fat?.entryBits, entryBits)
    await keepsEverything(t, image, leastShare)
  })
}

test('skipping unused clusters keeps what is left after files were deleted', { skip: needs ?? false }, async (t) => {
  const image = makeImage(testFolder(t), ['-F', '32', '-s', '1'], 100)
  for (const gone of ['d1', 'd4']) tool('mdeltree', ['-i', image, `::/${gone}`], { env: noChecks })
  await keepsEverything(t, image, 0.8)
})

test('a FAT32 volume with as few clusters as FAT16, which mtools cannot read, stays clean', { skip: needs ?? false }, async (t) => {
  const image = join(testFolder(t), 'image.img')
  tool('mkfs.fat', ['-C', '-F', '32', '-s', '8', image, String(64 * 1024)])
  const needed = await writeThrough(image, allocationWriteMap(), `${image}.target`, MiB)
  assert.ok(totalBytes(needed) < 2 * MiB)
  tool('fsck.fat', ['-n', `${image}.target`])
})

test('a FAT volume that is in use, damaged or not understood is written whole', { skip: needs ?? false }, async (t) => {
  const folder = testFolder(t)
  /** What is changed in the image: sector, offset in it, bytes; FAT32 has its table behind 32 reserved sectors. */
  const changes: [string, number, number, number[]][] = [
    ['the clean flag of the table cleared', 32, 4, [0xff, 0xff, 0xff, 0xf7]],
    ['the error flag of the table set', 32, 4, [0xff, 0xff, 0xff, 0xfb]],
    ['the state in the boot sector dirty', 0, 65, [1]],
    ['tables that are not kept equal', 0, 40, [0x81]],
    ['another media byte in the table', 32, 0, [0xf0]],
    ['a chain that leaves the volume', 32, 12, [0xff, 0xff, 0xff, 0x00]],
    ['a root directory that is free', 32, 8, [0, 0, 0, 0]],
    ['an old LUKS header', 0, 0, [...Buffer.from('LUKS\xba\xbe', 'latin1')]],
  ]
  for (const [name, sector, offset, bytes] of changes) {
    const image = makeImage(folder, ['-F', '32', '-s', '1'], 64)
    patch(image, sector * 512 + offset, bytes)
    const map = allocationWriteMap()
    assert.deepEqual(await passThrough(image, map, MiB), [{ start: 0, end: statSync(image).size }], name)
  }
})

test('a cluster that only one copy of the table calls free is written', { skip: needs ?? false }, async (t) => {
  const image = makeImage(testFolder(t), ['-F', '32', '-s', '1'], 64)
  const fat = parseFatBoot(startOf(image)).value
  assert.ok(fat)
  const before = gapsBetween(await neededOf(image, MiB), statSync(image).size)
  const gap = before.at(-1)
  assert.ok(gap && gap.end - gap.start > 8 * MiB)
  const offset = gap.start + 4 * MiB
  const cluster = Math.floor((offset - fat.dataStart) / fat.clusterBytes) + 2
  const secondTable = (fat.reservedSectors + fat.fatSectors) * fat.sectorBytes
  patch(image, secondTable + cluster * 4, [0xff, 0xff, 0xff, 0x0f])
  const after = await neededOf(image, MiB)
  assert.ok(after.some(({ start, end }) => start <= offset && offset + fat.clusterBytes <= end))
  assert.ok(totalBytes(after) > 0 && totalBytes(after) < statSync(image).size / 2)
})

function makeImage(folder: string, options: string[], sizeMiB: number): string {
  const tree = join(folder, 'tree')
  const image = join(folder, 'image.img')
  rmSync(tree, { recursive: true, force: true })
  rmSync(image, { force: true })
  mkdirSync(tree)
  writeSampleTree(tree, 11, { files: 50, links: false })
  tool('mkfs.fat', ['-C', ...options, image, String(sizeMiB * 1024)])
  const folders = Array.from({ length: 7 }, (_, index) => join(tree, `d${index}`))
  tool('mcopy', ['-s', '-i', image, ...folders, '::/'], { env: noChecks })
  return image
}

function patch(image: string, offset: number, bytes: readonly number[]): void {
  const file = openSync(image, 'r+')
  writeSync(file, Uint8Array.from(bytes), 0, bytes.length, offset)
  closeSync(file)
}

function neededOf(image: string, blockBytes: number): Promise<ByteRange[]> {
  return passThrough(image, allocationWriteMap(), blockBytes)
}

/** By oracles: fsck.fat for the structure, mtools for the files; and by the table itself that all that was left out is free. */
async function keepsEverything(t: TestContext, image: string, leastShare: number): Promise<void> {
  const target = `${image}.target`
  t.after(() => rmSync(target, { force: true }))
  const needed = await writeThrough(image, allocationWriteMap(), target, MiB)
  for (const blockBytes of [64 * 1024, 4 * MiB]) assert.deepEqual(await neededOf(image, blockBytes), needed)

  const said = /(\d+)\/(\d+) clusters/.exec(tool('fsck.fat', ['-n', target]))
  const skipped = totalBytes(gapsBetween(needed, statSync(image).size))
  const fat = parseFatBoot(startOf(image)).value
  assert.ok(fat && said)
  const freeBytes = (Number(said[2]) - Number(said[1])) * fat.clusterBytes
  assert.ok(skipped <= freeBytes && skipped >= leastShare * freeBytes, `${skipped} of ${freeBytes} free bytes skipped`)

  const before = filesOf(image)
  assert.ok(before.size > 40)
  assert.deepEqual(filesOf(target), before)
}

function startOf(image: string): Uint8Array {
  const bytes = new Uint8Array(512)
  const file = openSync(image, 'r')
  readSync(file, bytes, 0, bytes.length, 0)
  closeSync(file)
  return bytes
}

function filesOf(image: string): Map<string, string> {
  const folder = `${image}.files`
  mkdirSync(folder)
  try {
    tool('mcopy', ['-s', '-n', '-i', image, '::/', folder], { env: noChecks })
    return treeContent(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
