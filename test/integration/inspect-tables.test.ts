import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { closeSync, openSync, readSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Report, report as reportSchema } from '../../native-helpers/contract.ts'
import { inspect } from '../../native-helpers/jobs/inspect.ts'
import { cannotLoop, loopOf } from '../support/devices.ts'
import { blkidAt, emptyCard, putVolume, type SfdiskTable, sfdiskTable, volumeMakers, volumeTools } from '../support/many-volumes.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'

const MiB = 1024 * 1024
const cardMiB = 600
const needs = missingTools(...volumeTools)

async function reportOn(path: string): Promise<Report> {
  return reportSchema.parse(await inspect({ path }))
}

function findingIds({ findings }: Report): string[] {
  return findings.map(({ id }) => id)
}

/** Compares every partition with what sfdisk(8) and blkid(8) say of it. */
function compareWithTools(card: string, { table, partitions }: Report, theirs = sfdiskTable(card)): void {
  const sectorSize = theirs.sectorsize
  assert.equal(table.type, theirs.label === 'dos' ? 'mbr' : 'gpt')
  // blkid calls an MBR without a signature nameless, sfdisk calls it 0x00000000.
  assert.equal(table.id ?? '00000000', theirs.id?.replace(/^0x/, '').toLowerCase())
  assert.equal(partitions.filter(({ number }) => number > 0).length, theirs.partitions.length)
  for (const their of theirs.partitions) {
    const number = Number(/(\d+)$/.exec(their.node)?.[1])
    const ours = partitions.find((partition) => partition.number === number)
    assert.ok(ours, their.node)
    const { start, size, type, partlabel, partuuid, fs, label, uuid } = ours
    assert.deepEqual({ start, size }, { start: their.start * sectorSize, size: their.size * sectorSize }, their.node)
    const same = theirs.label === 'dos' ? Number.parseInt(type ?? '', 16) === Number.parseInt(their.type, 16) : type === their.type
    assert.ok(same, `${their.node}: ${type} and ${their.type}`)
    assert.equal(partlabel, their.name ?? null)
    if (their.uuid) assert.equal(partuuid, their.uuid.toLowerCase())
    if (type !== '05' && type !== '0F') assert.deepEqual({ fs, label, uuid }, blkidAt(card, start, size), their.node)
  }
}

/** `device` is what has the sectors: the card itself, or a loop device over it. */
function fillGpt(card: string, device = card): SfdiskTable {
  const lines = volumeMakers.map(({ sizeMiB, fs }, index) => `size=${sizeMiB}MiB, name="${fs} no ${index}"`)
  tool('sfdisk', ['-q', device], { input: `label: gpt\n${lines.join('\n')}\n` })
  const table = sfdiskTable(device)
  for (const [index, { start }] of table.partitions.entries()) {
    const maker = volumeMakers[index]
    if (maker) putVolume(card, start * table.sectorsize, maker.sizeMiB, maker.make)
  }
  return table
}

function gptCard(t: TestContext): string {
  const card = emptyCard(testFolder(t), cardMiB * MiB)
  fillGpt(card)
  return card
}

test('every partition of a GPT is named as sfdisk and blkid name it, and its usage is that of dumpe2fs', async (t) => {
  if (needs) return t.skip(needs)
  const card = gptCard(t)
  const report = await reportOn(card)
  compareWithTools(card, report)
  assert.deepEqual([report.target.sectorSize, report.table.problems], [512, []])
  const ext = report.partitions.find(({ label }) => label === 'root a')
  assert.ok(ext)
  const piece = join(testFolder(t), 'ext.img')
  tool('dd', [`if=${card}`, `of=${piece}`, 'bs=1M', `skip=${ext.start / MiB}`, `count=${ext.size / MiB}`])
  const facts = new Map(
    tool('dumpe2fs', ['-h', piece])
      .split('\n')
      .map((line) => line.split(/:\s+/) as [string, string]),
  )
  const free = Number(facts.get('Free blocks')) * Number(facts.get('Block size'))
  const total = Number(facts.get('Block count')) * Number(facts.get('Block size'))
  assert.equal(ext.used, total - free)
})

test('a table with sectors of 4096 bytes is read from the drive, and from its image in a file', async (t) => {
  const why = needs ?? cannotLoop()
  if (why) return t.skip(why)
  const card = emptyCard(testFolder(t), cardMiB * MiB)
  const loop = loopOf(t, card, false, 4096)
  const theirs = fillGpt(card, loop.path)
  assert.equal(theirs.sectorsize, 4096)
  for (const path of [card, loop.path]) {
    const report = await reportOn(path)
    compareWithTools(card, report, theirs)
    assert.deepEqual([report.target.sectorSize, report.table.problems], [4096, []])
  }
})

test('primary, extended and logical partitions of an MBR are named as sfdisk and blkid name them', async (t) => {
  if (needs) return t.skip(needs)
  const card = emptyCard(testFolder(t), 552 * MiB)
  const lines = [
    'size=32MiB, type=c, bootable',
    'size=300MiB, type=b',
    'size=200MiB, type=5',
    'size=16MiB, type=83',
    'size=64MiB',
    'size=16MiB',
  ]
  tool('sfdisk', ['-q', card], { input: `label: dos\nlabel-id: 0x1b2c3d4e\n${lines.join('\n')}\n` })
  const { partitions } = sfdiskTable(card)
  const makers = [0, 1, null, 3, 2, 3].map((index) => (index === null ? null : volumeMakers[index]))
  for (const [index, maker] of makers.entries()) {
    const start = partitions[index]?.start
    if (maker && start !== undefined) putVolume(card, start * 512, maker.sizeMiB, maker.make)
  }
  const report = await reportOn(card)
  compareWithTools(card, report)
  assert.equal(report.table.id, '1b2c3d4e')
  assert.deepEqual(findingIds(report), [])
})

test('a filesystem on the whole of a card is partition 0', async (t) => {
  if (needs) return t.skip(needs)
  for (const { fs, sizeMiB, make } of volumeMakers) {
    const card = emptyCard(testFolder(t), sizeMiB * MiB)
    make(card)
    const { table, partitions } = await reportOn(card)
    assert.equal(table.type, 'none', fs)
    assert.equal(partitions.length, 1)
    const [{ number, start, size, fs: type, label, uuid } = partitions[0] ?? assert.fail()] = partitions
    assert.deepEqual({ number, start, size }, { number: 0, start: 0, size: sizeMiB * MiB })
    assert.deepEqual({ fs: type, label, uuid }, blkidAt(card, 0, sizeMiB * MiB))
  }
})

test('a hybrid ISO has the volume around it and the partitions in it, and nothing is wrong with that', async (t) => {
  const why = missingTools('xorriso', 'sfdisk', 'blkid', 'mkfs.vfat')
  if (why) return t.skip(why)
  const folder = testFolder(t)
  const efi = emptyCard(folder, 4 * MiB, 'efi.img')
  tool('mkfs.vfat', ['-n', 'ESP', efi])
  writeFileSync(join(folder, 'file'), Buffer.alloc(3 * MiB, 7))
  for (const options of [['-appended_part_as_gpt'], ['-partition_offset', '16']]) {
    const iso = join(folder, `hybrid${options.length}.iso`)
    tool('xorriso', [
      '-as',
      'mkisofs',
      '-quiet',
      '-R',
      '-V',
      'LIVE',
      ...options,
      '-append_partition',
      '2',
      '0xef',
      efi,
      '-o',
      iso,
      join(folder, 'file'),
    ])
    const report = await reportOn(iso)
    compareWithTools(iso, report)
    assert.deepEqual(report.partitions.map(({ fs, label }) => [fs, label]).filter(([fs]) => fs !== null)[0], ['iso9660', 'LIVE'])
    assert.equal(report.partitions[0]?.number, 0)
    assert.ok(report.partitions.some(({ label }) => label === 'ESP'))
    assert.deepEqual(
      report.findings.filter(({ severity }) => severity !== 'info'),
      [],
    )
  }
})

test('a damaged copy of a GPT is named, and the other one is used', async (t) => {
  if (needs) return t.skip(needs)
  const damage: [at: number, id: string, severity: string][] = [
    [512 + 20, 'table-primary-damaged', 'error'],
    [1024 + 40, 'table-primary-damaged', 'error'],
    [cardMiB * MiB - 512 + 20, 'table-backup-damaged', 'warning'],
    [cardMiB * MiB - 33 * 512 + 40, 'table-backup-damaged', 'warning'],
  ]
  const card = gptCard(t)
  const before = await reportOn(card)
  for (const [at, id, severity] of damage) {
    const undo = flip(card, at)
    const report = await reportOn(card)
    assert.deepEqual(report.partitions, before.partitions, id)
    assert.deepEqual(
      report.findings.map((finding) => [finding.id, finding.severity]).filter(([, how]) => how !== 'info'),
      [[id, severity]],
    )
    assert.match(tool('sgdisk', ['-v', card]), /Problem|problems? found|invalid|corrupt/i)
    undo()
  }
  flip(card, 512 + 20)
  flip(card, cardMiB * MiB - 512 + 20)
  assert.deepEqual(findingIds(await reportOn(card)), ['table-damaged'])
})

test('an image that was written to a larger card, or cut off, says so', async (t) => {
  if (needs) return t.skip(needs)
  const card = gptCard(t)
  truncateSync(card, 1500 * MiB)
  const larger = await reportOn(card)
  assert.deepEqual(findingIds(larger).sort(), ['card-unused-tail', 'table-backup-not-at-end'])
  assert.match(tool('sgdisk', ['-v', card]), /not.* at the end|Secondary|backup/i)
  const last = sfdiskTable(card).partitions.at(-1)
  assert.ok(last)
  assert.equal(larger.table.unusedTail, 1500 * MiB - (last.start + last.size) * 512 - 33 * 512)

  truncateSync(card, (last.start + last.size) * 512 - 4 * MiB)
  const cut = await reportOn(card)
  const [first] = cut.findings
  assert.deepEqual([first?.id, first?.severity], ['card-cut-off', 'error'])
  assert.equal(findingIds(cut).includes('table-backup-damaged'), false)
  assert.equal(cut.partitions.length, volumeMakers.length)
})

test('partitions of an MBR that overlap or leave the card are named', async (t) => {
  const why = missingTools('sfdisk')
  if (why) return t.skip(why)
  const card = emptyCard(testFolder(t), 100 * MiB)
  tool('sfdisk', ['-q', card], { input: 'label: dos\nstart=2048, size=65536\nstart=67584, size=65536\n' })
  // The second one begins in the middle of the first.
  patch(card, 446 + 16 + 8, Buffer.of(0, 0x88, 0, 0))
  assert.match(spawnSync('sfdisk', ['--verify', card], { encoding: 'utf8' }).output.join(''), /overlap/i)
  assert.deepEqual(findingIds(await reportOn(card)), ['table-overlap'])
  tool('sfdisk', ['-q', card], { input: 'label: dos\nstart=2048, size=65536\nstart=67584\n' })
  truncateSync(card, 50 * MiB)
  const cut = await reportOn(card)
  assert.deepEqual(findingIds(cut), ['card-cut-off'])
  assert.equal(cut.table.unusedTail, 0)
})

test('an empty card, one of noise and one that is being written are told apart', async (t) => {
  const card = emptyCard(testFolder(t), 8 * MiB)
  assert.deepEqual(findingIds(await reportOn(card)), ['card-empty'])
  writeFileSync(card, Buffer.alloc(8 * MiB, 'noise without a meaning'))
  assert.deepEqual(findingIds(await reportOn(card)), ['card-unknown'])
  const { markerBlock } = await import('../../native-helpers/imaging/first-block.ts')
  writeFileSync(card, Buffer.concat([markerBlock(MiB), Buffer.alloc(7 * MiB)]))
  assert.deepEqual(findingIds(await reportOn(card)), ['card-unfinished'])
})

function patch(file: string, at: number, bytes: Uint8Array): void {
  const fd = openSync(file, 'r+')
  writeSync(fd, bytes, 0, bytes.length, at)
  closeSync(fd)
}

/** Turns a byte over; answers what turns it back. */
function flip(file: string, at: number): () => void {
  const turn = () => {
    const fd = openSync(file, 'r+')
    const byte = Buffer.alloc(1)
    readSync(fd, byte, 0, 1, at)
    writeSync(fd, Buffer.of((byte[0] ?? 0) ^ 0xff), 0, 1, at)
    closeSync(fd)
  }
  turn()
  return turn
}
