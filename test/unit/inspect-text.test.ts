import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asciiStrokes, partitionPicture, roomBar, unicodeStrokes } from '../../native-helpers/cli/inspect-picture.ts'
import { reportText } from '../../native-helpers/cli/inspect-text.ts'
import { remedyText } from '../../native-helpers/cli/remedies.ts'
import { width } from '../../native-helpers/cli/words.ts'
import { type Report, type ReportPartition, report as reportSchema } from '../../native-helpers/contract.ts'

const MB = 1_000_000

function partition(number: number, start: number, size: number, more: Partial<ReportPartition> = {}): ReportPartition {
  const none = { type: null, partlabel: null, partuuid: null, fs: null, label: null, uuid: null, used: null, role: null }
  return { ...none, number, start: start * MB, size: size * MB, ...more }
}

const lampone: Report = reportSchema.parse({
  format: 1,
  target: { kind: 'drive', path: '/dev/sdb', size: 32_000 * MB, sectorSize: 512 },
  table: { type: 'mbr', id: '12345678', problems: [], unusedTail: 24_000 * MB },
  partitions: [
    partition(1, 1, 268, { type: '0C', fs: 'vfat', label: 'UEFI Boot', used: 12 * MB, role: 'start' }),
    partition(2, 270, 2100, { type: '83', fs: 'iso9660', label: 'SK-SYSTEM1', used: 2100 * MB, role: 'system' }),
    partition(3, 2370, 268, { type: '83', fs: 'iso9660', label: 'SK-SYSTEM2', used: 40 * MB, role: 'kernel' }),
    partition(4, 2640, 5000, { type: '83', fs: 'ext4', label: 'persistence', used: 4900 * MB, role: 'persistence' }),
  ],
  system: { id: 'lampone', name: 'Lampone Pi', generation: 'MBR layout', evidence: ['a clause'] },
  kernels: [
    { where: 'system', partition: 2, version: '4.19.0-8-arm64', path: 'live/vmlinuz', starts: false, modules: 'present' },
    { where: 'kernel', partition: 3, version: '5.6.0-0.bpo.2-arm64', path: 'live/vmlinuz', starts: true, modules: 'missing' },
  ],
  overlays: [
    {
      path: 'rw',
      partition: 4,
      kind: 'ext4-rw',
      state: 'nearly-full',
      usedBytes: 4900 * MB,
      totalBytes: 5000 * MB,
      snapshot: null,
      filesystem: { type: 'ext4', clean: true, needsRecovery: false, usedBytes: 4900 * MB, totalBytes: 5000 * MB },
    },
  ],
  rooms: [
    { id: 'persistence', title: 'Changes', usedBytes: 4999 * MB, totalBytes: 5000 * MB, note: 'Room for what the system saves.' },
  ],
  slots: [{ id: 'a', title: 'Slot A', starts: true, bootable: false, release: 'Debian 12' }],
  findings: [
    {
      id: 'kernel-without-modules',
      severity: 'error',
      title: 'The kernel that starts has no modules.',
      detail: 'Version 5.6.0-0.bpo.2-arm64 is nowhere in rw or in the system.',
      meaning:
        'The system starts without network, sound and most drivers, because their modules do not lie where it looks for them.',
      remedy: 'repair',
      partition: 3,
    },
  ],
  facts: [
    {
      label: 'Boot menu',
      value: 'efi/boot/grub.cfg names 2020-06-01-10-11-12-00 and a long list of words that goes on and on for a while',
    },
  ],
  jobs: ['repair', 'enlarge'],
  reading: { bytesRead: 3_200_000, milliseconds: 210 },
})

test('no line is wider than the terminal, from 60 cells to 200, and everything is told at each width', () => {
  for (const strokes of [unicodeStrokes, asciiStrokes]) {
    for (const columns of [20, 60, 61, 72, 80, 97, 120, 160, 200, 400]) {
      const text = reportText(lampone, columns, strokes)
      const widest = Math.max(...text.split('\n').map(width))
      assert.ok(widest <= Math.min(200, Math.max(60, columns)), `${widest} cells at ${columns}\n${text}`)
      for (const word of [
        'Lampone Pi',
        'ERROR',
        'kernel-without-modules',
        '5.6.0-0.bpo.2-arm64',
        'persistence',
        '99 %',
        'missing',
        'CANNOT START',
        '24 GB',
      ]) {
        assert.ok(text.includes(word), `${word} at ${columns}`)
      }
    }
  }
})

test('nothing but ASCII where the terminal shows no more, and never a colour', () => {
  const text = reportText(lampone, 80, asciiStrokes)
  assert.match(text, /^[\x20-\x7e\n]*$/)
  assert.equal(reportText(lampone, 80, unicodeStrokes).includes('\u001b'), false)
})

test('findings come first, errors with what helps', () => {
  const text = reportText(lampone, 100, unicodeStrokes)
  assert.ok(text.indexOf('ERROR') < text.indexOf('Partitions'))
  assert.match(text, /What helps: /)
})

test('the picture is to scale, what is small can still be seen, and it is as wide as it may be', () => {
  for (const columns of [60, 80, 200]) {
    const picture = partitionPicture(lampone, columns, unicodeStrokes)
    assert.ok(picture)
    for (const line of picture) assert.equal(width(line), columns)
    const cells = (picture[2] ?? '').split('│').slice(1, -1).map(width)
    assert.equal(cells.length, 5)
    assert.ok(Math.min(...cells) >= 3)
    const [, system = 0, , persistence = 0, unused = 0] = cells
    assert.ok(unused > persistence && persistence > system)
    if (columns === 200) assert.ok(Math.abs(unused / persistence - 24_360 / 5000) < 0.3)
  }
})

test('a used part is filled by its share: full is full, a little is seen', () => {
  const [, , row = ''] = partitionPicture(lampone, 200, asciiStrokes) ?? []
  const [start = '', system = '', , persistence = '', unused = ''] = row.split('|').slice(1, -1)
  assert.equal(start[0], '#')
  assert.match(system, /^#+$/)
  assert.ok(persistence.split('#').length - 1 >= persistence.length - 1)
  assert.match(unused, /^ +$/)
  assert.equal(roomBar(0.5, 10, asciiStrokes), '#####...!.')
  assert.equal(roomBar(1, 10, asciiStrokes), '##########')
})

test('more partitions than there is room for are listed without a picture', () => {
  const many = Array.from({ length: 40 }, (_, index) => partition(index + 1, index * 100, 100, { type: '83' }))
  const crowded: Report = { ...lampone, partitions: many }
  assert.equal(partitionPicture(crowded, 60, unicodeStrokes), null)
  assert.match(reportText(crowded, 60, unicodeStrokes), /\n +40 /)
})

test('an extended partition is drawn as what it holds', () => {
  const inside: Report = {
    ...lampone,
    partitions: [
      partition(1, 1, 1000, { type: '83' }),
      partition(2, 1001, 3000, { type: '05' }),
      partition(5, 1002, 2999, { type: '83' }),
    ],
  }
  assert.match(partitionPicture(inside, 80, asciiStrokes)?.[1] ?? '', /^\|1 +\|5 +\|unused/)
})

test('a card on which nothing is wrong says so', () => {
  assert.match(reportText({ ...lampone, findings: [] }, 80, unicodeStrokes), /Nothing is wrong with it/)
})

test('what helps is said as it would be typed, with a path that a shell takes', () => {
  assert.equal(remedyText('flash', '/dev/sdb'), 'livecard flash IMAGE /dev/sdb')
  assert.equal(remedyText('flash', "/media/anna's stick"), "livecard flash IMAGE '/media/anna'\\''s stick'")
})
