import assert from 'node:assert/strict'
import { readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { readGpt } from '../../native-helpers/volumes/gpt.ts'
import { gptUsableLbas, makeGpt, type NewGptPartition } from '../../native-helpers/volumes/making/make-gpt.ts'
import { makeMbr } from '../../native-helpers/volumes/making/make-mbr.ts'
import { readMbr } from '../../native-helpers/volumes/mbr.ts'
import { withFileDevice } from '../support/file-device.ts'
import { withNewDevice } from '../support/new-device.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'

const MiB = 1024 * 1024
const needs = missingTools('sfdisk', 'sgdisk', 'blkid')
const noSfdisk = missingTools('sfdisk')

interface Dump {
  partitiontable: {
    label: string
    id: string
    firstlba?: number
    lastlba?: number
    partitions: {
      node: string
      start: number
      size: number
      type: string
      uuid?: string
      name?: string
      attrs?: string
      bootable?: boolean
    }[]
  }
}

/** Before the first partition, where the tables lie. */
function beginning(image: string): Buffer {
  const bytes = Buffer.alloc(MiB)
  withFileDevice(image, 512, (device) => device.readSync(bytes, 0))
  return bytes
}

function dumped(image: string): Dump['partitiontable'] {
  const { partitiontable }: Dump = JSON.parse(tool('sfdisk', ['--json', image]))
  return partitiontable
}

const basicData = 'EBD0A0A2-B9E5-4433-87C0-68B6B72699C7'
const linux = '0FC63DAF-8483-4772-8E79-3D69D8477DE4'
/** As rpi-image-gen lays a card out; sizes in MiB. */
const slots = [
  ['bootconfig', 8, 32, basicData, 4n],
  ['boot_a', 40, 128, basicData, 4n],
  ['boot_b', 168, 128, basicData, 4n],
  ['system_a', 296, 512, linux, 0n],
  ['system_b', 808, 512, linux, 1n << 60n],
  ['persistent äöü', 1320, 1024, linux, 1n << 62n],
] as const

function partitionsFor(sectorSize: number): NewGptPartition[] {
  return slots.map(([name, startMiB, sizeMiB, typeGuid, attributes], index) => ({
    name,
    typeGuid,
    uniqueGuid: `0000000${index}-1111-2222-3333-444444444444`,
    firstLba: (startMiB * MiB) / sectorSize,
    lastLba: ((startMiB + sizeMiB) * MiB) / sectorSize - 1,
    attributes,
  }))
}

test('a new GPT is read by sfdisk as it was asked for, and verified', { skip: noSfdisk ?? false }, (t) => {
  const image = join(testFolder(t), 'card.img')
  const diskGuid = '9A1B2C3D-4E5F-6071-8293-A4B5C6D7E8F9'
  withNewDevice(image, 4096 * MiB, (device) => makeGpt(device, { diskGuid, partitions: partitionsFor(512) }))
  const table = dumped(image)
  assert.deepEqual([table.label, table.id], ['gpt', diskGuid])
  assert.deepEqual([table.firstlba, table.lastlba], [34, (4096 * MiB) / 512 - 34])
  assert.deepEqual(
    table.partitions.map(({ name, start, size, type, uuid, attrs }) => [name, start, size, type, uuid, attrs]),
    slots.map(([name, startMiB, sizeMiB, type], index) => [
      name,
      startMiB * 2048,
      sizeMiB * 2048,
      type,
      `0000000${index}-1111-2222-3333-444444444444`,
      ['LegacyBIOSBootable', 'LegacyBIOSBootable', 'LegacyBIOSBootable', undefined, 'GUID:60', 'GUID:62'][index],
    ]),
  )
  assert.match(tool('sfdisk', ['--verify', image]), /No errors detected/)
  withFileDevice(image, 512, (device) => {
    const { value } = readGpt(device)
    assert.deepEqual([value?.problems, value?.copy, value?.partitions.length], [[], 'primary', 6])
  })
})

test('both copies of a new GPT are whole, also for sectors of 4096 bytes', { skip: needs ?? false }, (t) => {
  const folder = testFolder(t)
  for (const sectorSize of [512, 4096] as const) {
    const image = join(folder, `${sectorSize}.img`)
    const make = () =>
      withNewDevice(
        image,
        2400 * MiB,
        (device) => makeGpt(device, { diskGuid: '9A1B2C3D-4E5F-6071-8293-A4B5C6D7E8F9', partitions: partitionsFor(sectorSize) }),
        sectorSize,
      )
    make()
    if (sectorSize === 512) assert.match(tool('sgdisk', ['-v', image]), /No problems found/)
    const loop =
      process.getuid?.() === 0 ? tool('losetup', ['--find', '--show', '--sector-size', `${sectorSize}`, image]).trim() : null
    try {
      if (loop) {
        assert.match(tool('sgdisk', ['-v', loop]), /No problems found/)
        assert.equal(tool('blkid', ['-p', '-s', 'PTTYPE', '-o', 'value', loop]).trim(), 'gpt')
      }
    } finally {
      if (loop) tool('losetup', ['-d', loop])
    }
    const first = beginning(image)
    make()
    assert.ok(first.equals(beginning(image)), 'the same was asked for, so the same must be made')
  }
})

test('a GPT that was made for a smaller disk has its second copy where that would end', { skip: noSfdisk ?? false }, (t) => {
  const image = join(testFolder(t), 'card.img')
  withNewDevice(image, 4096 * MiB, (device) =>
    makeGpt(device, { diskGuid: '9A1B2C3D-4E5F-6071-8293-A4B5C6D7E8F9', partitions: partitionsFor(512), diskBytes: 2400 * MiB }),
  )
  withFileDevice(image, 512, (device) => {
    assert.deepEqual(
      readGpt(device).value?.problems.map(({ code }) => code),
      ['gpt-backup-not-at-end'],
    )
  })
  assert.equal(dumped(image).partitions.length, 6)
})

test('a GPT in which partitions would lie on each other or outside is not made', (t) => {
  const image = join(testFolder(t), 'card.img')
  const usable = gptUsableLbas(64 * MiB, 512)
  const one = { typeGuid: linux, uniqueGuid: linux, name: 'x' }
  const refused = (partitions: NewGptPartition[], code: string) =>
    withNewDevice(image, 64 * MiB, (device) => assert.throws(() => makeGpt(device, { diskGuid: linux, partitions }), { code }))
  refused([{ ...one, firstLba: usable.first - 1, lastLba: 100 }], 'gpt-make-place')
  refused([{ ...one, firstLba: 100, lastLba: usable.last + 1 }], 'gpt-make-place')
  refused(
    [
      { ...one, firstLba: 100, lastLba: 200 },
      { ...one, firstLba: 200, lastLba: 300 },
    ],
    'gpt-make-place',
  )
  refused([{ ...one, firstLba: 100, lastLba: 200, name: 'x'.repeat(37) }], 'gpt-make-name')
  refused([{ ...one, firstLba: 100, lastLba: 200, uniqueGuid: 'none' }], 'gpt-make-guid')
  refused([{ ...one, number: 129, firstLba: 100, lastLba: 200 }], 'gpt-make-number')
  assert.ok(readFileSync(image).every((byte) => byte === 0))
})

test('a new MBR is read by sfdisk as it was asked for', { skip: noSfdisk ?? false }, (t) => {
  const folder = testFolder(t)
  const image = join(folder, 'card.img')
  const partitions = [
    { type: 0x0c, startSector: 2048, sectors: 256 * 2048, active: true },
    { type: 0x83, startSector: 257 * 2048, sectors: 900 * 2048 },
    { type: 0x0f, startSector: 1300 * 2048, sectors: 14000 * 2048 },
    { type: 0, startSector: 0, sectors: 0 },
  ]
  const logical = [
    { type: 0x83, startSector: 1301 * 2048, sectors: 99 * 2048 },
    { type: 0x82, startSector: 1401 * 2048, sectors: 100 * 2048 },
    { type: 0x0b, startSector: 9000 * 2048, sectors: 6000 * 2048 },
  ]
  withNewDevice(image, 16384 * MiB, (device) => makeMbr(device, { diskSignature: 0xdeadbeef, partitions, logical }))
  const table = dumped(image)
  assert.deepEqual([table.label, table.id], ['dos', '0xdeadbeef'])
  assert.deepEqual(
    table.partitions.map(({ node, start, size, type, bootable }) => [
      Number(node.slice(image.length)),
      start,
      size,
      type,
      bootable ?? false,
    ]),
    [
      [1, 2048, 256 * 2048, 'c', true],
      [2, 257 * 2048, 900 * 2048, '83', false],
      [3, 1300 * 2048, 14000 * 2048, 'f', false],
      [5, 1301 * 2048, 99 * 2048, '83', false],
      [6, 1401 * 2048, 100 * 2048, '82', false],
      [7, 9000 * 2048, 6000 * 2048, 'b', false],
    ],
  )
  assert.match(tool('sfdisk', ['--verify', image]), /No errors detected/)
  withFileDevice(image, 512, (device) => {
    assert.deepEqual(readMbr(device).value?.problems, [])
  })
  // sfdisk writes the same table again: where cylinders, heads and sectors differ from its own, the bytes would.
  const again = join(folder, 'again.img')
  writeFileSync(again, '')
  truncateSync(again, 16384 * MiB)
  tool('sfdisk', ['--quiet', again], { input: tool('sfdisk', ['--dump', image]) })
  assert.ok(beginning(image).subarray(0, 512).equals(beginning(again).subarray(0, 512)))
})

test('an MBR in which partitions would lie on each other or outside is not made', (t) => {
  const image = join(testFolder(t), 'card.img')
  const refused = (partitions: { type: number; startSector: number; sectors: number }[], code: string) =>
    withNewDevice(image, 64 * MiB, (device) => assert.throws(() => makeMbr(device, { diskSignature: 1, partitions }), { code }))
  refused([{ type: 0x83, startSector: 0, sectors: 10 }], 'mbr-make-place')
  refused([{ type: 0x83, startSector: 1, sectors: 64 * 2048 }], 'mbr-make-place')
  refused(
    [
      { type: 0x83, startSector: 2, sectors: 10 },
      { type: 0x83, startSector: 11, sectors: 10 },
    ],
    'mbr-make-place',
  )
  refused(
    Array.from({ length: 5 }, (_, at) => ({ type: 0x83, startSector: 10 + at, sectors: 1 })),
    'mbr-make-count',
  )
})
