import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { closeSync, copyFileSync, mkdirSync, openSync, readFileSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { zstdDecompressSync } from 'node:zlib'
import { identify } from '../../native-helpers/volumes/identify.ts'
import { withFileDevice } from '../support/file-device.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'

const MiB = 1024 * 1024
const fixtures = fileURLToPath(new URL('../fixtures/dm-snapshot/', import.meta.url))

interface Expected {
  type: string
  label: string | null
  uuid: string | null
}

/** blkid(8) by its udev output, which loses nothing of a label. */
function blkid(image: string): Expected | 'ambiguous' | null {
  const ran = spawnSync('blkid', ['-p', '-o', 'udev', image], {
    encoding: 'utf8',
    env: { PATH: '/usr/sbin:/sbin:/usr/bin:/bin', LC_ALL: 'C' },
  })
  if (ran.status === 8) return 'ambiguous'
  const value = (name: string) => {
    const line = ran.stdout.split('\n').find((text) => text.startsWith(`${name}=`))
    return line ? unescaped(line.slice(name.length + 1)) || null : null
  }
  const type = value('ID_FS_TYPE')
  return type ? { type, label: value('ID_FS_LABEL_ENC'), uuid: value('ID_FS_UUID_ENC') } : null
}

function unescaped(text: string): string {
  const bytes = text.replace(/\\x([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return /[^\0-\x7f]/.test(text) ? bytes : Buffer.from(bytes, 'latin1').toString('utf8')
}

function ours(image: string): Expected | 'ambiguous' | null {
  return withFileDevice(image, 512, (device) => {
    const { volume, problem } = identify(device)
    return problem ? 'ambiguous' : volume
  })
}

function blank(folder: string, sizeBytes: number): string {
  const image = join(folder, 'volume.img')
  writeFileSync(image, '')
  truncateSync(image, sizeBytes)
  return image
}

function tree(folder: string): string {
  const root = join(folder, 'tree')
  mkdirSync(join(root, 'live'), { recursive: true })
  writeFileSync(join(root, 'live', 'vmlinuz'), Buffer.alloc(100_000, 3))
  return root
}

/** name, size in MiB, the command; IMAGE and TREE stand for the volume and a folder. */
const made: [string, number, string[]][] = [
  ['ext2', 8, ['mke2fs', '-q', '-F', '-t', 'ext2', '-L', 'two', 'IMAGE']],
  ['ext3', 16, ['mke2fs', '-q', '-F', '-t', 'ext3', '-L', 'exactly16letters', 'IMAGE']],
  ['ext4', 16, ['mke2fs', '-q', '-F', '-t', 'ext4', '-L', 'persistence', 'IMAGE']],
  ['ext4 without a journal, label or UUID', 16, ['mke2fs', '-q', '-F', '-t', 'ext4', '-O', '^has_journal', '-U', 'clear', 'IMAGE']],
  ['ext4 with a label of other letters', 16, ['mke2fs', '-q', '-F', '-t', 'ext4', '-L', 'Größe äß', 'IMAGE']],
  ['ext4 with blanks in its label', 16, ['mke2fs', '-q', '-F', '-t', 'ext4', '-L', '  a b  ', 'IMAGE']],
  ['an external journal', 16, ['mke2fs', '-q', '-F', '-O', 'journal_dev', '-L', 'log', 'IMAGE']],
  ['FAT12', 1, ['mkfs.fat', '-F', '12', '-n', 'TWELVE', 'IMAGE']],
  ['FAT16', 32, ['mkfs.fat', '-F', '16', '-n', 'BOOTCONFIG', 'IMAGE']],
  ['FAT16 without a label', 32, ['mkfs.fat', '-F', '16', '-i', '00000001', 'IMAGE']],
  ['FAT32', 64, ['mkfs.fat', '-F', '32', '-n', 'UEFI Boot', 'IMAGE']],
  ['FAT32 with sectors of 4096 bytes', 300, ['mkfs.fat', '-F', '32', '-S', '4096', '-s', '1', '-n', 'BIG', 'IMAGE']],
  ['exFAT', 32, ['mkfs.exfat', '-L', 'Karte grün', 'IMAGE']],
  ['exFAT without a label', 32, ['mkfs.exfat', 'IMAGE']],
  ['NTFS', 16, ['mkfs.ntfs', '-q', '-F', '-f', '-L', 'Win dows', 'IMAGE']],
  ['NTFS with large clusters', 32, ['mkfs.ntfs', '-q', '-F', '-f', '-c', '65536', 'IMAGE']],
  ['squashfs', 0, ['mksquashfs', 'TREE', 'IMAGE', '-quiet', '-no-progress', '-noappend']],
  ['EROFS', 0, ['mkfs.erofs', '-U', '2b4f8b2c-3b3c-4e3f-9e57-1f6c2f2f5c11', 'IMAGE', 'TREE']],
  ['btrfs', 120, ['mkfs.btrfs', '-q', '-f', '-L', 'var_lib_docker', 'IMAGE']],
  ['btrfs with sha256', 120, ['mkfs.btrfs', '-q', '-f', '--csum', 'sha256', 'IMAGE']],
  ['swap', 2, ['mkswap', '-q', '-L', 'tausch', 'IMAGE']],
  ['swap of a machine with large pages', 2, ['mkswap', '-q', '-p', '65536', 'IMAGE']],
  ['XFS', 300, ['mkfs.xfs', '-q', '-f', '-L', 'x label', 'IMAGE']],
  ['F2FS', 60, ['mkfs.f2fs', '-q', '-f', '-l', 'flash ü', 'IMAGE']],
  ['ISO 9660', 0, ['xorrisofs', '-quiet', '-R', '-V', 'LIVENG_SYSTEM', '-o', 'IMAGE', 'TREE']],
  ['ISO 9660 with Joliet', 0, ['xorrisofs', '-quiet', '-R', '-J', '-V', 'a-label', '-o', 'IMAGE', 'TREE']],
  [
    'ISO 9660 with a forced date',
    0,
    ['xorrisofs', '-quiet', '-R', '-V', 'SK-SYSTEM2', '--modification-date=2020060112304507', '-o', 'IMAGE', 'TREE'],
  ],
  [
    'ISO 9660 of genisoimage with Joliet',
    0,
    ['genisoimage', '-quiet', '-R', '-J', '-V', 'A label that is long', '-o', 'IMAGE', 'TREE'],
  ],
]

for (const [name, sizeMiB, [program = '', ...args]] of made) {
  const needs = missingTools('blkid', program)
  test(`${name} is called what blkid calls it`, { skip: needs ?? false }, (t) => {
    const folder = testFolder(t)
    const image = blank(folder, sizeMiB * MiB)
    const root = tree(folder)
    tool(
      program,
      args.map((arg) => (arg === 'IMAGE' ? image : arg === 'TREE' ? root : arg)),
      { env: { LC_ALL: 'C.UTF-8' } },
    )
    const expected = blkid(image)
    assert.ok(expected !== null && expected !== 'ambiguous')
    assert.deepEqual(ours(image), expected)
  })
}

const luks = missingTools('cryptsetup', 'blkid')
for (const type of ['luks1', 'luks2']) {
  test(`${type} is called what blkid calls it, also with its first header gone`, { skip: luks ?? false }, (t) => {
    const image = blank(testFolder(t), 20 * MiB)
    const label = type === 'luks2' ? ['--label', 'OSDATA_CRYPT'] : []
    const cheap = type === 'luks2' ? ['--pbkdf', 'pbkdf2'] : []
    tool('cryptsetup', ['luksFormat', '-q', '--type', type, ...label, ...cheap, '--pbkdf-force-iterations', '1000', image, '-'], {
      input: 'secret',
    })
    const expected = blkid(image)
    assert.ok(expected !== null && expected !== 'ambiguous' && expected.type === 'crypto_LUKS')
    assert.deepEqual(ours(image), expected)
    patch(image, 0, Buffer.alloc(4096))
    assert.deepEqual(ours(image), blkid(image))
  })
}

function patch(image: string, at: number, bytes: Uint8Array): void {
  const file = openSync(image, 'r+')
  writeSync(file, bytes, 0, bytes.length, at)
  closeSync(file)
}

const basics = missingTools('blkid', 'mke2fs', 'mkfs.fat', 'mkfs.erofs', 'fatlabel', 'xorrisofs')

test('a label that was changed or removed later is the one that counts', { skip: basics ?? false }, (t) => {
  const folder = testFolder(t)
  const image = blank(folder, 64 * MiB)
  tool('mkfs.fat', ['-F', '32', '-n', 'BEFORE', image])
  tool('fatlabel', [image, 'AFTER'])
  assert.deepEqual(ours(image), blkid(image))
  tool('fatlabel', ['-r', image])
  assert.deepEqual(ours(image), blkid(image))
})

test('a FAT32 whose label lies deep in a long root directory keeps it', { skip: missingTools('blkid', 'mcopy') ?? false }, (t) => {
  const folder = testFolder(t)
  const image = blank(folder, 64 * MiB)
  tool('mkfs.fat', ['-F', '32', '-s', '1', image])
  const empty = join(folder, 'e')
  writeFileSync(empty, 'x')
  const names = Array.from({ length: 60 }, (_, at) => join(folder, `a long name for an entry ${at}`))
  for (const name of names) copyFileSync(empty, name)
  tool('mcopy', ['-i', image, ...names, '::/'])
  tool('mlabel', ['-i', image, '::DEEP'])
  assert.deepEqual(ours(image), blkid(image))
  assert.equal((ours(image) as Expected).label, 'DEEP')
})

test('a volume with the marks of two filesystems is ambiguous, as for blkid', { skip: basics ?? false }, (t) => {
  const folder = testFolder(t)
  const image = blank(folder, 32 * MiB)
  tool('mkfs.fat', ['-F', '16', image])
  const other = join(folder, 'other.img')
  writeFileSync(other, '')
  truncateSync(other, 8 * MiB)
  tool('mke2fs', ['-q', '-F', '-t', 'ext4', other])
  patch(image, 1024, readFileSync(other).subarray(1024, 2048))
  assert.equal(blkid(image), 'ambiguous')
  assert.equal(ours(image), 'ambiguous')
  truncateSync(image, 1024 * 1024)
  assert.deepEqual(ours(image), blkid(image))
})

test('an empty volume and what is too small are nothing', { skip: basics ?? false }, (t) => {
  const image = blank(testFolder(t), MiB)
  assert.equal(ours(image), null)
  assert.equal(blkid(image), null)
  for (const size of [0, 1, 511, 512, 1024, 1500]) {
    truncateSync(image, 0)
    truncateSync(image, size)
    assert.equal(ours(image), null)
  }
})

test('a snapshot store is called what blkid calls it', { skip: missingTools('blkid') ?? false }, (t) => {
  const image = blank(testFolder(t), 0)
  writeFileSync(image, zstdDecompressSync(readFileSync(join(fixtures, 'half.overlay.zst'))))
  assert.deepEqual(ours(image), blkid(image))
})

test('damage leaves the name that blkid leaves, wherever it hits the marks', { skip: basics ?? false }, (t) => {
  const folder = testFolder(t)
  const root = tree(folder)
  const commands: [number, string[]][] = [
    [16, ['mke2fs', '-q', '-F', '-t', 'ext4', 'IMAGE']],
    // A table of no length takes its length from where the serial number stands: less and more than 32 bits can hold.
    [32, ['mkfs.fat', '-F', '16', '-n', 'BOOT', '-i', '12345678', 'IMAGE']],
    [32, ['mkfs.fat', '-F', '16', '-n', 'BOOT', '-i', '123456bc', 'IMAGE']],
    [32, ['mkfs.fat', '-F', '16', '-n', 'BOOT', '-i', '12345600', 'IMAGE']],
    [64, ['mkfs.fat', '-F', '32', '-n', 'BOOT', 'IMAGE']],
    [0, ['xorrisofs', '-quiet', '-R', '-V', 'LABEL', '-o', 'IMAGE', root]],
  ]
  for (const [sizeMiB, [program = '', ...args]] of commands) {
    const image = blank(folder, sizeMiB * MiB)
    tool(
      program,
      args.map((arg) => (arg === 'IMAGE' ? image : arg)),
    )
    const sound = readFileSync(image)
    const places =
      program === 'mke2fs'
        ? [0x438, 0x460, 0x468, 0x478]
        : program === 'mkfs.fat'
          ? [0, 11, 13, 14, 16, 17, 21, 22, 36, 48, 54, 82, 510]
          : [0x8001, 0x8028, 32768 + 813, 32768 + 830]
    for (const place of places) {
      for (const byte of [0, 0xff]) {
        patch(image, place, new Uint8Array([byte]))
        assert.deepEqual(ours(image), blkid(image), `${program} with ${byte} at ${place}`)
        patch(image, place, sound.subarray(place, place + 1))
      }
    }
  }
})
