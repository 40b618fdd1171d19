import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openFat } from '../../native-helpers/volumes/fat-tree.ts'
import { makeFat, type NewFat } from '../../native-helpers/volumes/making/fat.ts'
import type { NewEntry } from '../../native-helpers/volumes/making/new-entry.ts'
import { walkTree } from '../../native-helpers/volumes/tree.ts'
import { withFileDevice } from '../support/file-device.ts'
import { noise } from '../support/memory-device.ts'
import { withNewDevice } from '../support/new-device.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'

const MiB = 1024 * 1024
const needs = missingTools('fsck.fat', 'mcopy', 'blkid')

/** Names that only just fit, that only differ where short names do not, of every script, and more of them than a sector of entries holds. */
function sampleEntries(): NewEntry[] {
  const names = [
    'AUTOEXEC.BAT',
    'autoboot.txt',
    'a.b.c.d',
    'Gemüse & Größe.text',
    '東京.cfg',
    'no extension at all',
    'x'.repeat(255),
    `${'y'.repeat(251)}.img`,
    '.hidden',
    'thirteen chars',
    'thirteen.chars',
    '+,;=[].txt',
    ...Array.from({ length: 130 }, (_, at) => `overlay-LIVE-${at}-ABCD`),
  ]
  return [
    ...names.map((name, at): NewEntry => ({ kind: 'file', path: `many/${name}`, content: noise(at * 97, at + 1) })),
    { kind: 'file', path: 'EFI/BOOT/grub.cfg', content: Buffer.from('set default=0\n') },
    { kind: 'file', path: 'LiveOS/large.img', content: noise(5 * MiB + 17, 3) },
    { kind: 'file', path: 'empty', content: new Uint8Array() },
    { kind: 'folder', path: 'deep/a/b/c/d/e' },
  ]
}

const volumes: [number, string, NewFat][] = [
  [8, 'FAT16', {}],
  [16, 'FAT12', { bits: 12, sectorsPerCluster: 16 }],
  [32, 'FAT16', { label: 'BOOTCONFIG' }],
  [256, 'FAT16', { label: 'UEFI Boot' }],
  [300, 'FAT32', { bits: 32, label: 'LIVE' }],
  [2048, 'FAT32', { label: 'LIVE' }],
]

for (const [sizeMiB, type, options] of volumes) {
  test(`fsck.fat finds nothing in a new ${type} of ${sizeMiB} MiB, and mtools what went in`, { skip: needs ?? false }, (t) => {
    const folder = testFolder(t)
    const image = join(folder, 'fat.img')
    const entries = sampleEntries()
    withNewDevice(image, sizeMiB * MiB, (device) => makeFat(device, { ...options, entries, volumeId: 0x1234abcd }))
    const said = tool('fsck.fat', ['-n', '-v', image])
    assert.doesNotMatch(said, /dirty|differ|wrong|orphan|Reclaim|not correspond|boot sector and its backup/i)
    const blkid = (tag: string) => tool('blkid', ['-p', '-s', tag, '-o', 'value', image]).trim()
    assert.deepEqual([blkid('TYPE'), blkid('VERSION'), blkid('UUID')], ['vfat', type, '1234-ABCD'])
    if (options.label) assert.equal(blkid('LABEL'), options.label)
    const out = join(folder, 'out')
    mkdirSync(out)
    tool('mcopy', ['-s', '-n', '-i', image, '::/', out], { env: { LC_ALL: 'C.UTF-8' } })
    for (const entry of entries) {
      if (entry.kind === 'folder') assert.ok(statSync(join(out, entry.path)).isDirectory())
      else if (entry.kind === 'file' && entry.content instanceof Uint8Array)
        assert.ok(readFileSync(join(out, entry.path)).equals(entry.content), entry.path)
    }
    withFileDevice(image, 512, (device) => {
      const { value } = openFat(device)
      assert.ok(value)
      const found: string[] = []
      assert.deepEqual(
        walkTree(value, (path, node) => node.kind === 'file' && found.push(path)),
        [],
      )
      assert.deepEqual(found.sort(), entries.flatMap((entry) => (entry.kind === 'file' ? [entry.path] : [])).sort())
    })
  })
}

test('a new FAT is the same each time, when it gets the same times', { skip: needs ?? false }, (t) => {
  const folder = testFolder(t)
  const entries = sampleEntries().map((entry): NewEntry => ({ ...entry, modifiedSeconds: 1_600_000_001 }))
  const sums = ['one', 'two'].map((name) => {
    const image = join(folder, name)
    const given = name === 'one' ? entries : entries.toReversed()
    withNewDevice(image, 64 * MiB, (device) =>
      makeFat(device, { entries: given, volumeId: 7, label: 'SAME', madeSeconds: 1_600_000_000 }),
    )
    return tool('sha256sum', [image]).split(' ')[0]
  })
  assert.equal(sums[0], sums[1])
})

test('what a FAT cannot hold is refused', (t) => {
  const image = join(testFolder(t), 'fat.img')
  const refused = (entries: NewEntry[], sizeMiB = 8, options: NewFat = {}) =>
    withNewDevice(image, sizeMiB * MiB, (device) => assert.throws(() => makeFat(device, { ...options, entries })))
  refused([{ kind: 'link', path: 'a', target: 'b' }])
  refused([{ kind: 'file', path: 'large', content: noise(9 * MiB) }])
  refused([
    { kind: 'file', path: 'a', content: noise(1) },
    { kind: 'file', path: 'A', content: noise(1) },
  ])
  refused([{ kind: 'file', path: 'a:b', content: noise(1) }])
  refused([{ kind: 'file', path: 'dot.', content: noise(1) }])
  refused([{ kind: 'file', path: 'x'.repeat(256), content: noise(1) }])
  refused(Array.from({ length: 600 }, (_, at): NewEntry => ({ kind: 'file', path: `F${at}`, content: noise(1) })))
  refused([], 8, { label: 'twelve chars' })
  refused([], 8, { bits: 32 })
})
