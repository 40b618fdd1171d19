import assert from 'node:assert/strict'
import {
  closeSync,
  copyFileSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { allocationWriteMap } from '../../native-helpers/imaging/allocation.ts'
import { readGpt } from '../../native-helpers/volumes/gpt.ts'
import { readMbr } from '../../native-helpers/volumes/mbr.ts'
import { withFileDevice } from '../support/file-device.ts'
import { cannotMount } from '../support/kernel-mount.ts'
import { gapsBetween, passThrough, totalBytes, writeThrough } from '../support/map-target.ts'
import { writeSampleTree } from '../support/sample-tree.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'

const MiB = 1024 * 1024
const needs = missingTools('sfdisk', 'mke2fs', 'e2fsck', 'mkfs.fat', 'fsck.fat')

interface SfdiskPartition {
  node: string
  start: number
  size: number
  type: string
  uuid?: string
  name?: string
}

const mbrScript = `label: dos
label-id: 0x1234abcd
start=63, size=20000, type=c, bootable
start=22528, size=80000, type=83
start=104448, size=130000, type=f
start=106496, size=40000, type=83
start=148480, size=20000, type=c
start=170496, size=60000, type=83
`
const gptScript = `label: gpt
start=2048, size=30000, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, name=bootconfig
start=32768, size=80000, type=L, name="système α", attrs=LegacyBIOSBootable
start=114688, size=80000, type=L, name=system_b
`

test('the MBR with its logical partitions is read as sfdisk reads it', { skip: needs ?? false }, (t) => {
  const image = disk(testFolder(t), mbrScript)
  const table = withFileDevice(image, 512, readMbr).value
  assert.deepEqual(table?.problems, [])
  assert.equal(table?.diskSignature, 0x1234abcd)
  const read = table?.partitions.map(({ number, startSector, sectors, type }) => [number, startSector, sectors, type.toString(16)])
  assert.deepEqual(
    read,
    sfdiskPartitions(image).map(({ node, start, size, type }) => [numberOf(node), start, size, type]),
  )
})

test('the GPT is read as sfdisk reads it', { skip: needs ?? false }, (t) => {
  const image = disk(testFolder(t), gptScript)
  const table = withFileDevice(image, 512, readGpt).value
  assert.deepEqual(table?.problems, [])
  assert.equal(table?.copy, 'primary')
  const read = table?.partitions.map((partition) => ({
    number: partition.number,
    start: partition.firstLba,
    size: partition.lastLba - partition.firstLba + 1,
    type: partition.typeGuid.toUpperCase(),
    uuid: partition.uniqueGuid.toUpperCase(),
    name: partition.name,
  }))
  const expected = sfdiskPartitions(image).map(({ node, start, size, type, uuid, name }) => ({
    number: numberOf(node),
    start,
    size,
    type,
    uuid,
    name,
  }))
  assert.deepEqual(read, expected)
  assert.equal(table?.partitions[1]?.attributes, 4n)
})

test('a GPT whose first copy is damaged is read from the second, and problems are told', { skip: needs ?? false }, (t) => {
  const image = disk(testFolder(t), gptScript)
  patch(image, 512 + 60, [0xff])
  const damaged = withFileDevice(image, 512, readGpt).value
  assert.equal(damaged?.copy, 'backup')
  assert.equal(damaged?.partitions.length, 3)
  assert.deepEqual(
    damaged?.problems.map(({ code }) => code),
    ['gpt-primary-damaged'],
  )
  const enlarged = disk(testFolder(t), gptScript)
  truncateSync(enlarged, statSync(enlarged).size + 64 * MiB)
  assert.deepEqual(
    withFileDevice(enlarged, 512, readGpt).value?.problems.map(({ code }) => code),
    ['gpt-backup-not-at-end'],
  )
  const cut = disk(testFolder(t), gptScript)
  truncateSync(cut, statSync(cut).size - MiB)
  assert.ok(withFileDevice(cut, 512, readGpt).value?.problems.some(({ code }) => code === 'gpt-backup-damaged'))
})

test('the GPT of a drive with 4096-byte sectors is read from its image', { skip: needs ?? cannotMount() ?? false }, async (t) => {
  const image = join(testFolder(t), 'disk.img')
  writeFileSync(image, '')
  truncateSync(image, 300 * MiB)
  const loop = tool('losetup', ['--find', '--show', '--sector-size', '4096', image]).trim()
  try {
    tool('sfdisk', ['-q', loop], { input: 'label: gpt\nstart=256, size=25600, type=L\nstart=25856, size=38400, type=L\n' })
  } finally {
    tool('losetup', ['-d', loop])
  }
  const table = withFileDevice(image, 512, readGpt).value
  assert.equal(table?.sectorSize, 4096)
  assert.deepEqual(table?.problems, [])
  assert.deepEqual(
    table?.partitions.map(({ firstLba, lastLba }) => [firstLba, lastLba]),
    [
      [256, 25855],
      [25856, 64255],
    ],
  )
  putFilesystem(image, 'ext4', 256 * 4096, 25600 * 4096)
  const map = allocationWriteMap()
  assert.ok(totalBytes(await passThrough(image, map, MiB)) < 270 * MiB)
  assert.deepEqual(map.volumes.map(({ startBytes, filesystem }) => [startBytes, filesystem]).at(0), [MiB, 'ext4'])
})

test('skipping unused blocks finds the volumes in every kind of partition', { skip: needs ?? false }, async (t) => {
  const kinds: [string, [string, number, number][]][] = [
    [
      mbrScript,
      [
        ['fat', 63, 20000],
        ['ext4', 22528, 80000],
        ['ext3', 106496, 40000],
        ['fat', 148480, 20000],
        ['ext2', 170496, 60000],
      ],
    ],
    [
      gptScript,
      [
        ['fat', 2048, 30000],
        ['ext4', 32768, 80000],
        ['ext2', 114688, 80000],
      ],
    ],
  ]
  for (const [script, volumes] of kinds) {
    const image = disk(testFolder(t), script)
    for (const [kind, start, sectors] of volumes) putFilesystem(image, kind, start * 512, sectors * 512)
    const target = `${image}.target`
    const map = allocationWriteMap()
    const needed = await writeThrough(image, map, target, MiB)
    for (const blockBytes of [64 * 1024, 4 * MiB])
      assert.deepEqual(await passThrough(image, allocationWriteMap(), blockBytes), needed)
    assert.deepEqual(
      map.volumes.map(({ startBytes, filesystem, problem }) => [startBytes / 512, filesystem?.slice(0, 3), problem]).sort(byFirst),
      volumes.map(([kind, start]) => [start, kind.slice(0, 3), null]),
    )
    assert.equal(map.problem, null)
    const gaps = gapsBetween(needed, statSync(image).size)
    for (const [kind, start, sectors] of volumes) {
      const inside = gaps.filter((gap) => gap.start >= start * 512 && gap.end <= (start + sectors) * 512)
      assert.ok(totalBytes(inside) > sectors * 512 * 0.3, `${kind} at ${start}`)
      checkFilesystem(target, kind, start * 512, sectors * 512)
    }
  }
})

test('an image whose table is damaged, ambiguous or overlapping is written whole', { skip: needs ?? false }, async (t) => {
  const folder = testFolder(t)
  const sound = disk(folder, mbrScript)
  putFilesystem(sound, 'ext4', 22528 * 512, 80000 * 512)
  const gpt = join(folder, 'gpt.img')
  copyFileSync(disk(testFolder(t), gptScript), gpt)
  putFilesystem(gpt, 'ext4', 32768 * 512, 80000 * 512)
  const entry = (slot: number) => 446 + 16 * slot
  const changes: [string, string, number, number[]][] = [
    ['an overlapping partition', sound, entry(1) + 8, [0x20, 0x4e, 0, 0]],
    ['a partition over the table', sound, entry(0) + 8, [0, 0, 0, 0]],
    ['a hidden partition over another', sound, entry(3), [0, 0, 0, 0, 0, 0, 0, 0, 0, 0xb0, 0, 0, 0, 1, 0, 0]],
    ['an ISO image', sound, 32769, [...Buffer.from('CD001')]],
    ['two tables', gpt, entry(1), [0, 0, 0, 0, 0x83, 0, 0, 0, 0, 8, 0, 0, 0, 1, 0, 0]],
    ['a damaged GPT', gpt, 1024 + 200, [1]],
    ['a GPT without its protective entry', gpt, entry(0) + 4, [0x83]],
  ]
  assert.ok(gapsBetween(await passThrough(sound, allocationWriteMap(), MiB), statSync(sound).size).length > 0)
  assert.ok(gapsBetween(await passThrough(gpt, allocationWriteMap(), MiB), statSync(gpt).size).length > 0)
  for (const [name, from, offset, bytes] of changes) {
    const image = join(folder, 'changed.img')
    copyFileSync(from, image)
    patch(image, offset, bytes)
    const map = allocationWriteMap()
    assert.deepEqual(await passThrough(image, map, MiB), [{ start: 0, end: statSync(image).size }], name)
    assert.ok(map.problem, name)
  }
})

function disk(folder: string, script: string): string {
  const image = join(folder, 'disk.img')
  writeFileSync(image, '')
  truncateSync(image, 128 * MiB)
  tool('sfdisk', ['-q', image], { input: script })
  return image
}

function sfdiskPartitions(image: string): SfdiskPartition[] {
  const table = JSON.parse(tool('sfdisk', ['--json', image])) as { partitiontable: { partitions: SfdiskPartition[] } }
  return table.partitiontable.partitions
}

function numberOf(node: string): number {
  return Number(/(\d+)$/.exec(node)?.[1])
}

function byFirst(a: readonly unknown[], b: readonly unknown[]): number {
  return Number(a[0]) - Number(b[0])
}

/** Makes a filesystem with files in it in a part of an image. */
function putFilesystem(image: string, kind: string, offset: number, length: number): void {
  const volume = `${image}.volume`
  const tree = `${image}.tree`
  mkdirSync(tree, { recursive: true })
  writeSampleTree(tree, 5, { files: 20, links: false })
  writeFileSync(volume, '')
  truncateSync(volume, length)
  if (kind === 'fat') tool('mkfs.fat', [volume])
  else tool('mke2fs', ['-q', '-F', '-t', kind, '-d', tree, volume])
  const file = openSync(image, 'r+')
  writeSync(file, readFileSync(volume), 0, length, offset)
  closeSync(file)
  rmSync(volume)
}

function checkFilesystem(image: string, kind: string, offset: number, length: number): void {
  const volume = `${image}.volume`
  writeFileSync(volume, readFileSync(image).subarray(offset, offset + length))
  if (kind === 'fat') tool('fsck.fat', ['-n', volume])
  else tool('e2fsck', ['-fn', volume])
  rmSync(volume)
}

function patch(image: string, offset: number, bytes: readonly number[]): void {
  const file = openSync(image, 'r+')
  writeSync(file, Uint8Array.from(bytes), 0, bytes.length, offset)
  closeSync(file)
}
