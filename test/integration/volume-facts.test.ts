import assert from 'node:assert/strict'
import { closeSync, copyFileSync, mkdirSync, openSync, readFileSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { readBtrfsFacts } from '../../native-helpers/volumes/btrfs.ts'
import { readExtFacts } from '../../native-helpers/volumes/ext-facts.ts'
import { readLuksFacts } from '../../native-helpers/volumes/luks.ts'
import { withFileDevice } from '../support/file-device.ts'
import { writeSampleTree } from '../support/sample-tree.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'
import { blankVolume, dumpe2fs } from '../support/volume-tools.ts'

const MiB = 1024 * 1024

function patch(image: string, at: number, bytes: Uint8Array): void {
  const file = openSync(image, 'r+')
  writeSync(file, bytes, 0, bytes.length, at)
  closeSync(file)
}

function extFacts(image: string) {
  return withFileDevice(image, 512, (device) => readExtFacts(device))
}

const extKinds: [string, string[], number, number][] = [
  ['ext4 as it is made today', ['-t', 'ext4'], 300, 1],
  ['ext4 of many groups without 64bit', ['-t', 'ext4', '-O', '^64bit', '-g', '2048', '-b', '1024'], 64, 1],
  ['ext4 with meta_bg', ['-t', 'ext4', '-O', 'meta_bg,^resize_inode', '-b', '1024', '-g', '1024'], 64, 1],
  ['ext4 with bigalloc', ['-t', 'ext4', '-O', 'bigalloc', '-C', '65536', '-b', '4096'], 200, 16],
  ['ext3', ['-t', 'ext3'], 64, 1],
  ['ext2 of the first revision', ['-t', 'ext2', '-r', '0'], 16, 1],
]

for (const [name, options, sizeMiB, blocksPerCluster] of extKinds) {
  test(`features, state and free space of ${name} are what dumpe2fs prints`, {
    skip: missingTools('mke2fs', 'dumpe2fs') ?? false,
  }, (t) => {
    const folder = testFolder(t)
    const image = blankVolume(folder, sizeMiB)
    const root = join(folder, 'tree')
    mkdirSync(root)
    writeSampleTree(root, 5, { files: 30, links: true })
    tool('mke2fs', ['-q', '-F', '-L', 'persistence', '-d', root, ...options, image])
    const { named, freeBlocks } = dumpe2fs(image)
    const { value: facts } = extFacts(image)
    assert.ok(facts)
    assert.deepEqual(facts.features.join(' '), (named.get('Filesystem features') ?? '').replace('(none)', ''))
    assert.equal(facts.uuid, named.get('Filesystem UUID'))
    assert.equal(facts.label, named.get('Filesystem volume name'))
    assert.equal(facts.clean, named.get('Filesystem state') === 'clean')
    assert.equal(facts.totalBytes, Number(named.get('Block count')) * Number(named.get('Block size')))
    assert.equal(facts.freeBytes, freeBlocks * Number(named.get('Block size')) * blocksPerCluster)
    assert.equal(facts.inodes, Number(named.get('Inode count')))
    assert.equal(facts.freeInodes, Number(named.get('Free inodes')))
    assert.equal(facts.needsRecovery, false)
    assert.deepEqual(facts.problems, [])
  })
}

test('an ext4 that was not unmounted says so, and its free space is that of the groups', {
  skip: missingTools('mke2fs', 'dumpe2fs', 'mount') ?? (process.getuid?.() === 0 ? false : 'only root may mount'),
}, (t) => {
  const folder = testFolder(t)
  const image = blankVolume(folder, 64)
  const point = join(folder, 'mounted')
  mkdirSync(point)
  tool('mke2fs', ['-q', '-F', '-t', 'ext4', image])
  try {
    tool('mount', ['-o', 'loop', image, point])
  } catch (thrown) {
    return t.skip(`this machine mounts no ext4: ${thrown instanceof Error ? thrown.message : thrown}`)
  }
  try {
    writeSampleTree(point, 6, { files: 20, links: false })
    tool('sync', ['-f', point])
    copyFileSync(image, `${image}.pulled`)
  } finally {
    tool('umount', [point])
  }
  const { named, freeBlocks } = dumpe2fs(`${image}.pulled`)
  const { value: facts } = extFacts(`${image}.pulled`)
  assert.equal(facts?.needsRecovery, true)
  assert.ok(named.get('Filesystem features')?.includes('needs_recovery'))
  assert.equal(facts?.clean, named.get('Filesystem state')?.startsWith('clean'))
  assert.equal(facts?.freeBytes, freeBlocks * Number(named.get('Block size')))
  assert.equal(extFacts(image).value?.needsRecovery, false)
})

test('errors that were noted and descriptors that are wrong are told', {
  skip: missingTools('mke2fs', 'debugfs') ?? false,
}, (t) => {
  const image = blankVolume(testFolder(t), 64)
  tool('mke2fs', ['-q', '-F', '-t', 'ext4', '-b', '4096', image])
  tool('debugfs', ['-w', '-R', 'set_super_value state 2', image])
  tool('debugfs', ['-w', '-R', 'set_super_value error_count 3', image])
  assert.equal(extFacts(image).value?.clean, false)
  assert.equal(extFacts(image).value?.errorCount, 3)
  patch(image, 4096 + 12, new Uint8Array([1, 2]))
  const { value: facts } = extFacts(image)
  assert.equal(facts?.freeBytes, null)
  assert.equal(facts?.problems[0]?.code, 'ext-group')
  truncateSync(image, MiB)
  assert.equal(extFacts(image).value?.problems[0]?.code, 'ext-cut-off')
})

for (const sum of ['crc32c', 'sha256', 'xxhash']) {
  test(`label, usage and state of a btrfs with ${sum} are what btrfs prints`, {
    skip: missingTools('mkfs.btrfs', 'btrfs') ?? false,
  }, (t) => {
    const folder = testFolder(t)
    const image = blankVolume(folder, 150)
    const root = join(folder, 'tree')
    mkdirSync(root)
    writeSampleTree(root, 8, { files: 30, links: true })
    tool('mkfs.btrfs', ['-q', '-f', '-L', 'opt', '--csum', sum, '-r', root, image])
    const text = tool('btrfs', ['inspect-internal', 'dump-super', image])
    const printed = (name: string) => new RegExp(`^${name}\\t+(\\S*)`, 'm').exec(text)?.[1]
    const read = () => withFileDevice(image, 512, (device) => readBtrfsFacts(device))
    const { value: facts } = read()
    assert.ok(facts)
    assert.equal(facts.usedBytes, Number(printed('bytes_used')))
    assert.equal(facts.totalBytes, Number(printed('total_bytes')))
    assert.equal(facts.generation, Number(printed('generation')))
    assert.equal(facts.uuid, printed('fsid'))
    assert.equal(facts.label, 'opt')
    assert.equal(facts.unclean, printed('log_root') !== '0')
    assert.equal(facts.sumFits, sum === 'xxhash' ? null : text.includes('[match]'))
    assert.deepEqual(facts.problems, [])
    patch(image, 65536 + 120, new Uint8Array([7]))
    if (sum === 'xxhash') return
    assert.deepEqual(
      read().value?.problems.map(({ code }) => code),
      ['btrfs-checksum'],
    )
    assert.equal(read().value?.usedBytes, facts.usedBytes, 'the copy at 64 MiB is taken')
  })
}

const luks = missingTools('cryptsetup')
for (const type of ['luks1', 'luks2']) {
  test(`cipher, key and place of a ${type} are what luksDump prints`, { skip: luks ?? false }, (t) => {
    const image = blankVolume(testFolder(t), 24)
    const extra = type === 'luks2' ? ['--label', 'OSDATA_CRYPT', '--pbkdf', 'pbkdf2'] : []
    tool(
      'cryptsetup',
      [
        'luksFormat',
        '-q',
        '--type',
        type,
        '-c',
        'aes-xts-plain64',
        '-s',
        '512',
        ...extra,
        '--pbkdf-force-iterations',
        '1000',
        image,
        '-',
      ],
      { input: 'x' },
    )
    const text = tool('cryptsetup', ['luksDump', image])
    const read = () => withFileDevice(image, 512, (device) => readLuksFacts(device))
    const { value: facts } = read()
    assert.ok(facts)
    assert.equal(facts.uuid, /^UUID:\s+(\S+)/m.exec(text)?.[1])
    assert.equal(facts.cipher, 'aes-xts-plain64')
    assert.equal(facts.keyBits, 512)
    assert.deepEqual(facts.problems, [])
    if (type === 'luks1') {
      assert.equal(facts.payloadOffset, Number(/^Payload offset:\s+(\d+)/m.exec(text)?.[1]) * 512)
      assert.equal(facts.copies, null)
      return
    }
    assert.equal(facts.label, 'OSDATA_CRYPT')
    assert.equal(facts.payloadOffset, Number(/offset: (\d+) \[bytes\]/.exec(text)?.[1]))
    assert.deepEqual(facts.copies, { first: true, second: true })
    const sound = readFileSync(image)
    patch(image, 4100, new Uint8Array([0]))
    assert.deepEqual(read().value?.copies, { first: false, second: true })
    assert.equal(read().value?.payloadOffset, facts.payloadOffset)
    writeFileSync(image, sound)
    patch(image, 0x4000 + 200, new Uint8Array([1]))
    assert.deepEqual(
      read().value?.problems.map(({ code }) => code),
      ['luks-second-header'],
    )
    patch(image, 200, new Uint8Array([1]))
    assert.equal(read().problem?.code, 'luks-damaged')
  })
}
