import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { closeSync, openSync, readFileSync, readSync, truncateSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Finding } from '../../native-helpers/contract.ts'
import { inspect } from '../../native-helpers/jobs/inspect.ts'
import { crc32c } from '../../native-helpers/volumes/crc.ts'
import { emptyCard } from '../support/many-volumes.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'

const MiB = 1024 * 1024

async function findingsOf(path: string): Promise<Finding[]> {
  return (await inspect({ path })).findings
}

async function idsOf(path: string): Promise<string[]> {
  return (await findingsOf(path)).map(({ id }) => id)
}

function patch(file: string, at: number, change: (byte: number) => number): void {
  const fd = openSync(file, 'r+')
  const byte = Buffer.alloc(1)
  readSync(fd, byte, 0, 1, at)
  writeSync(fd, Buffer.of(change(byte[0] ?? 0)), 0, 1, at)
  closeSync(fd)
}

test('a FAT that was pulled out says so, as fsck.fat does, and a clean one does not', async (t) => {
  const why = missingTools('mkfs.vfat', 'fsck.fat')
  if (why) return t.skip(why)
  const folder = testFolder(t)
  for (const [bits, stateAt] of [
    ['16', 37],
    ['32', 65],
  ] as const) {
    const image = emptyCard(folder, 64 * MiB, `fat${bits}.img`)
    tool('mkfs.vfat', ['-F', bits, image])
    assert.deepEqual(await idsOf(image), [])
    patch(image, stateAt, (byte) => byte | 1)
    assert.match(spawnSync('fsck.fat', ['-n', image], { encoding: 'utf8' }).stdout, /dirty bit is set/i)
    const [finding, ...more] = await findingsOf(image)
    assert.deepEqual([finding?.id, finding?.severity, finding?.remedy, finding?.partition], ['fat-dirty', 'info', 'repair', 0])
    assert.deepEqual(more, [])
  }
})

test('what dumpe2fs says of the state of an ext volume is found', async (t) => {
  const why = missingTools('mke2fs', 'debugfs', 'dumpe2fs')
  if (why) return t.skip(why)
  const cases: [change: string, told: RegExp, ids: string[], type: string][] = [
    ['show_super_stats -h', /Filesystem state: +clean\n/, [], 'ext4'],
    ['set_super_value state 2', /Filesystem state: +not clean with errors|with errors/, ['ext-errors'], 'ext4'],
    ['set_super_value error_count 3', /FS Error count: +3/, ['ext-errors'], 'ext4'],
    ['feature needs_recovery', /needs_recovery/, ['ext-needs-recovery'], 'ext4'],
    ['set_super_value state 0', /Filesystem state: +not clean/, ['ext-not-unmounted'], 'ext2'],
  ]
  const folder = testFolder(t)
  for (const [change, told, ids, type] of cases) {
    const image = emptyCard(folder, 32 * MiB, 'ext.img')
    tool('mke2fs', ['-q', '-F', '-t', type, image])
    tool('debugfs', ['-w', '-R', change, image])
    assert.match(tool('dumpe2fs', ['-h', image]), told, change)
    assert.deepEqual(await idsOf(image), ids, change)
  }
})

test('a filesystem that ends behind its place is an error, whatever its kind', async (t) => {
  const why = missingTools('mke2fs', 'mkfs.vfat', 'mksquashfs', 'mkfs.erofs', 'xorrisofs')
  if (why) return t.skip(why)
  const folder = testFolder(t)
  tool('dd', ['if=/dev/urandom', `of=${join(folder, 'noise')}`, 'bs=1M', 'count=6'])
  const makers: Record<string, (image: string) => void> = {
    ext: (image) => tool('mke2fs', ['-q', '-F', '-t', 'ext4', image]),
    fat: (image) => tool('mkfs.vfat', [image]),
    squashfs: (image) => tool('mksquashfs', [join(folder, 'noise'), image, '-noappend', '-quiet', '-no-progress']),
    erofs: (image) => {
      tool('mkdir', ['-p', join(folder, 'tree')])
      tool('cp', [join(folder, 'noise'), join(folder, 'tree')])
      tool('mkfs.erofs', ['--quiet', image, join(folder, 'tree')])
    },
    iso: (image) => tool('xorrisofs', ['-quiet', '-R', '-o', image, join(folder, 'noise')]),
  }
  for (const [kind, make] of Object.entries(makers)) {
    const image = emptyCard(folder, 32 * MiB, `${kind}.img`)
    make(image)
    truncateSync(image, 5 * MiB)
    const found = await findingsOf(image)
    assert.ok(
      found.some(({ id, severity }) => id === 'volume-cut-off' && severity === 'error'),
      `${kind}: ${JSON.stringify(found)}`,
    )
  }
})

test('a superblock with a wrong checksum is damage, and the report is told all the same', async (t) => {
  const why = missingTools('mke2fs', 'mkfs.erofs', 'dumpe2fs')
  if (why) return t.skip(why)
  const folder = testFolder(t)
  const image = emptyCard(folder, 32 * MiB, 'ext.img')
  tool('mke2fs', ['-q', '-F', '-t', 'ext4', '-O', 'metadata_csum', '-L', 'data', image])
  patch(image, 1024 + 0x30, (byte) => byte ^ 0xff)
  assert.match(spawnSync('dumpe2fs', ['-h', image], { encoding: 'utf8' }).output.join(''), /checksum/i)
  const report = await inspect({ path: image })
  assert.ok(report.findings.some(({ id }) => id === 'volume-damaged'))
  assert.equal(report.partitions.length, 1)
})

test('marks of two filesystems in one place are named, as blkid refuses them', async (t) => {
  const why = missingTools('mke2fs', 'mkfs.btrfs', 'blkid')
  if (why) return t.skip(why)
  const folder = testFolder(t)
  const image = emptyCard(folder, 128 * MiB)
  tool('mkfs.btrfs', ['-q', '-f', image])
  const superblock = readFileSync(image).subarray(65536, 65536 + 4096)
  tool('mke2fs', ['-q', '-F', '-t', 'ext4', image])
  const fd = openSync(image, 'r+')
  writeSync(fd, superblock, 0, superblock.length, 65536)
  closeSync(fd)
  assert.equal(spawnSync('blkid', ['-p', image], { env: { PATH: '/usr/sbin:/sbin:/usr/bin:/bin' } }).status, 8)
  assert.deepEqual(await idsOf(image), ['volume-ambiguous'])
})

test('a btrfs that was in use is told, as btrfs itself says', async (t) => {
  const why = missingTools('mkfs.btrfs', 'btrfs')
  if (why) return t.skip(why)
  const image = emptyCard(testFolder(t), 120 * MiB)
  tool('mkfs.btrfs', ['-q', '-f', image])
  assert.deepEqual(await idsOf(image), [])
  const place = 65536
  for (const copy of [place, 64 * MiB]) {
    const fd = openSync(image, 'r+')
    const superblock = Buffer.alloc(4096)
    readSync(fd, superblock, 0, 4096, copy)
    // The log's root, and the checksum over everything behind itself.
    superblock.writeUInt32LE(30_490_624, 96)
    superblock.writeUInt32LE((crc32c(0xffffffff, superblock.subarray(32)) ^ 0xffffffff) >>> 0, 0)
    writeSync(fd, superblock, 0, 4096, copy)
    closeSync(fd)
  }
  const said = tool('btrfs', ['inspect-internal', 'dump-super', image])
  assert.match(said, /csum\s+0x[0-9a-f]+ \[match\]/)
  assert.match(said, /log_root\s+30490624/)
  assert.deepEqual(await idsOf(image), ['btrfs-unclean'])
})

test('an encrypted volume with one damaged header says so', async (t) => {
  const why = missingTools('cryptsetup')
  if (why) return t.skip(why)
  const folder = testFolder(t)
  const luks = emptyCard(folder, 20 * MiB, 'luks.img')
  tool('cryptsetup', ['luksFormat', '-q', '--type', 'luks2', '--pbkdf', 'pbkdf2', '--pbkdf-force-iterations', '1000', luks, '-'], {
    input: 'x',
  })
  assert.deepEqual(await idsOf(luks), [])
  patch(luks, 0x4000 + 300, (byte) => byte ^ 0xff)
  const [header] = await findingsOf(luks)
  assert.deepEqual([header?.id, header?.severity], ['luks-header', 'warning'])
})
