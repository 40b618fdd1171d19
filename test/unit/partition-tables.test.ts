import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crc32 } from 'node:zlib'
import { parseGptEntries, parseGptHeader, readGpt } from '../../native-helpers/volumes/gpt.ts'
import { readMbr } from '../../native-helpers/volumes/mbr.ts'
import { memoryDevice } from '../support/file-device.ts'
import { seeded } from '../support/tools.ts'

interface Entry {
  type: number
  start: number
  sectors: number
}

function writeRecord(disk: Buffer, sector: number, entries: Entry[]): void {
  const record = disk.subarray(sector * 512, (sector + 1) * 512)
  record.writeUInt16LE(0xaa55, 510)
  for (const [slot, { type, start, sectors }] of entries.entries()) {
    const offset = 446 + 16 * slot
    record.writeUInt8(type, offset + 4)
    record.writeUInt32LE(start, offset + 8)
    record.writeUInt32LE(sectors, offset + 12)
  }
}

function diskWithExtended(): Buffer {
  const disk = Buffer.alloc(4096 * 512)
  writeRecord(disk, 0, [
    { type: 0x83, start: 8, sectors: 92 },
    { type: 5, start: 100, sectors: 3900 },
  ])
  return disk
}

function codesOf(disk: Buffer): string[] {
  return readMbr(memoryDevice(disk)).value?.problems.map(({ code }) => code) ?? ['none']
}

test('a chain of logical partitions that goes astray ends, and keeps what came before', () => {
  const successors: [string, Entry[], string][] = [
    ['to itself', [{ type: 5, start: 100, sectors: 10 }], 'mbr-chain-loop'],
    ['to the first record', [{ type: 5, start: 0, sectors: 10 }], 'mbr-chain-loop'],
    ['out of its container', [{ type: 5, start: 3900, sectors: 10 }], 'mbr-chain-broken'],
    ['beyond the end', [{ type: 5, start: 0xffffffff, sectors: 10 }], 'mbr-chain-broken'],
    ['to nothing', [{ type: 5, start: 200, sectors: 10 }], 'mbr-chain-broken'],
    [
      'two ways',
      [
        { type: 5, start: 200, sectors: 10 },
        { type: 5, start: 300, sectors: 10 },
      ],
      'mbr-chain-broken',
    ],
    ['to another partition', [{ type: 0x83, start: 200, sectors: 10 }], 'mbr-chain-broken'],
  ]
  for (const [name, links, code] of successors) {
    const disk = diskWithExtended()
    writeRecord(disk, 100, [
      { type: 0x83, start: 1, sectors: 50 },
      { type: 5, start: 100, sectors: 100 },
    ])
    writeRecord(disk, 200, [{ type: 0x83, start: 1, sectors: 50 }, ...links])
    const table = readMbr(memoryDevice(disk)).value
    assert.deepEqual(
      table?.problems.map((problem) => problem.code),
      [code],
      name,
    )
    assert.deepEqual(
      table?.partitions.map(({ number, startSector }) => [number, startSector]).slice(0, 3),
      [
        [1, 8],
        [2, 100],
        [5, 101],
      ],
      name,
    )
  }
})

test('a logical partition that leaves its place is not told', () => {
  for (const own of [
    { type: 0x83, start: 0, sectors: 50 },
    { type: 0x83, start: 1, sectors: 0xffffffff },
    { type: 0x83, start: 1, sectors: 100 },
  ]) {
    const disk = diskWithExtended()
    writeRecord(disk, 100, [own, { type: 5, start: 100, sectors: 100 }])
    writeRecord(disk, 200, [{ type: 0x83, start: 1, sectors: 50 }])
    assert.deepEqual(codesOf(disk), ['mbr-chain-broken'])
    assert.equal(readMbr(memoryDevice(disk)).value?.partitions.length, 2)
  }
})

test('an endless chain of logical partitions is cut off', () => {
  const disk = Buffer.alloc(4096 * 512)
  writeRecord(disk, 0, [{ type: 0x0f, start: 10, sectors: 4000 }])
  for (let sector = 10; sector < 4000; sector += 2) {
    writeRecord(disk, sector, [
      { type: 0x83, start: 1, sectors: 1 },
      { type: 5, start: sector - 10 + 2, sectors: 2 },
    ])
  }
  assert.deepEqual(codesOf(disk), ['mbr-chain-long'])
})

test('partitions on the table, on each other and beyond the end are problems', () => {
  const disk = Buffer.alloc(1000 * 512)
  writeRecord(disk, 0, [
    { type: 0x83, start: 0, sectors: 500 },
    { type: 0x83, start: 10, sectors: 10 },
    { type: 0x83, start: 400, sectors: 601 },
  ])
  assert.deepEqual(codesOf(disk), ['mbr-covers-table', 'mbr-overlap', 'mbr-beyond-end', 'mbr-overlap'])
  assert.equal(readMbr(memoryDevice(new Uint8Array(100))).problem?.code, 'mbr-short')
  assert.equal(readMbr(memoryDevice(new Uint8Array(512))).problem?.code, 'mbr-none')
})

/** A header that is right in itself, with the fields changed. */
function gptHeader(change: (header: DataView) => void): Uint8Array {
  const sector = Buffer.alloc(512)
  sector.write('EFI PART')
  const view = new DataView(sector.buffer, sector.byteOffset, 512)
  view.setUint32(8, 0x10000, true)
  view.setUint32(12, 92, true)
  view.setBigUint64(24, 1n, true)
  view.setBigUint64(32, 2047n, true)
  view.setBigUint64(40, 34n, true)
  view.setBigUint64(48, 2014n, true)
  view.setBigUint64(72, 2n, true)
  view.setUint32(80, 128, true)
  view.setUint32(84, 128, true)
  change(view)
  view.setUint32(16, crc32(sector.subarray(0, Math.min(512, view.getUint32(12, true)))), true)
  return sector
}

test('a GPT header that lies is refused, even with a right checksum', () => {
  const lies: [string, (header: DataView) => void][] = [
    ['gpt-header-length', (header) => header.setUint32(12, 91, true)],
    ['gpt-header-length', (header) => header.setUint32(12, 513, true)],
    ['gpt-header-place', (header) => header.setBigUint64(24, 2n, true)],
    ['gpt-entry-size', (header) => header.setUint32(84, 0, true)],
    ['gpt-entry-size', (header) => header.setUint32(84, 129, true)],
    ['gpt-entry-size', (header) => header.setUint32(84, 0x80000000, true)],
    ['gpt-entry-count', (header) => header.setUint32(80, 0, true)],
    ['gpt-entry-count', (header) => header.setUint32(80, 0xffffffff, true)],
    ['gpt-header-range', (header) => header.setBigUint64(72, 0xffffffffffffffffn, true)],
    ['gpt-header-range', (header) => header.setBigUint64(32, 0xffffffffffffffffn, true)],
  ]
  assert.equal(
    parseGptHeader(
      gptHeader(() => {}),
      1,
    ).problem,
    null,
  )
  for (const [code, lie] of lies) assert.equal(parseGptHeader(gptHeader(lie), 1).problem?.code, code)
  const broken = gptHeader(() => {})
  broken[60] = 1
  assert.equal(parseGptHeader(broken, 1).problem?.code, 'gpt-header-crc')
  assert.equal(parseGptHeader(broken.subarray(0, 100), 1).problem?.code, 'gpt-none')
  const { value: header } = parseGptHeader(
    gptHeader(() => {}),
    1,
  )
  assert.ok(header)
  assert.equal(parseGptEntries(new Uint8Array(100), header).problem?.code, 'gpt-entries-short')
  assert.equal(parseGptEntries(new Uint8Array(128 * 128).fill(1), header).problem?.code, 'gpt-entries-crc')
})

test('tables with bytes changed at random are read or refused, never anything else', () => {
  const random = seeded(99)
  const sound = diskWithExtended()
  writeRecord(sound, 100, [
    { type: 0x83, start: 1, sectors: 50 },
    { type: 5, start: 100, sectors: 100 },
  ])
  writeRecord(sound, 200, [{ type: 0x83, start: 1, sectors: 50 }])
  const started = performance.now()
  for (let round = 0; round < 3000; round += 1) {
    const disk = Buffer.from(sound)
    sound.copy(disk)
    disk.set(
      gptHeader((header) => header.setUint8(Math.floor(random() * 92), Math.floor(random() * 256))),
      512,
    )
    for (const sector of [0, 100, 200]) disk[sector * 512 + 446 + Math.floor(random() * 64)] = Math.floor(random() * 256)
    const device = memoryDevice(disk.subarray(0, random() < 0.1 ? Math.floor(random() * disk.length) : undefined))
    assert.ok(readMbr(device))
    assert.ok(readGpt(device))
  }
  assert.ok(performance.now() - started < 20_000)
})
