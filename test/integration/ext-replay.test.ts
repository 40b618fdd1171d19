/** Journals that wait, replayed in memory, against what native e2fsck and the kernel make of the same image. */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { BlockDevice } from '../../native-helpers/block/device.ts'
import { openFileDevice } from '../../native-helpers/block/file-device.ts'
import { type ExtReplayed, replayedInMemory } from '../../native-helpers/volumes/ext-replay.ts'
import { openExt } from '../../native-helpers/volumes/ext-tree.ts'
import { pulledVolume, replayedByE2fsck } from '../support/dirty-ext.ts'
import { nodeFacts } from '../support/ext-node-facts.ts'
import { kernelFacts, treeDifferences } from '../support/ext-tree-facts.ts'
import { cannotMount, mounted } from '../support/kernel-mount.ts'
import { missingTools, seeded, testFolder, tool } from '../support/tools.ts'

const mebibyte = 1024 * 1024

function fileDevice(t: TestContext, path: string): BlockDevice {
  const device = openFileDevice({ path, writable: false })
  t.after(() => device.close())
  return device
}

function replayed(device: BlockDevice): ExtReplayed {
  const { value, problem } = replayedInMemory(device)
  return value ?? assert.fail(problem?.detail)
}

/** In the superblock: the time of the last change, how much was ever written, and the checksum over both. */
const allowed: readonly (readonly [start: number, end: number])[] = [
  [1024 + 0x30, 1024 + 0x34],
  [1024 + 0x178, 1024 + 0x180],
  [1024 + 0x274, 1024 + 0x275],
  [1024 + 0x3fc, 1024 + 0x400],
]

/** The first bytes at which a view and a file are different, read in pieces that fit to no block. */
function differences(view: BlockDevice, other: BlockDevice): string[] {
  const found: string[] = []
  const pieceBytes = 700_001
  const [one, two] = [Buffer.alloc(pieceBytes), Buffer.alloc(pieceBytes)]
  assert.equal(view.size, other.size)
  for (let offset = 0; offset < view.size; offset += pieceBytes) {
    const length = Math.min(pieceBytes, view.size - offset)
    view.readSync(one.subarray(0, length), offset)
    other.readSync(two.subarray(0, length), offset)
    if (one.compare(two, 0, length, 0, length) === 0) continue
    for (let at = 0; at < length && found.length < 10; at += 1) {
      if (one[at] === two[at] || allowed.some(([start, end]) => offset + at >= start && offset + at < end)) continue
      found.push(`${offset + at}: ${one[at]} ${two[at]}`)
    }
  }
  return found
}

const journal = ['-J', 'size=16']
/** What debugfs shows of a log with blocks in it that look like a block of the log, and of one with revoked blocks. */
const escaped = /\(flags 0x[13579bdf]\)/
const revoked = /\(revoke table\)/
const kinds: Record<string, { make: string[]; mount?: string; logs: RegExp }> = {
  'ext4 as mke2fs makes it': { make: ['-t', 'ext4', '-b', '4096'], logs: revoked },
  'ext4 whose data goes through the journal': { make: ['-t', 'ext4', '-b', '4096'], mount: 'rw,data=journal', logs: escaped },
  'ext4 with blocks of 1 KiB': { make: ['-t', 'ext4', '-b', '1024'], mount: 'rw,data=journal', logs: escaped },
  'ext4 without checksums': { make: ['-t', 'ext4', '-O', '^metadata_csum,^64bit'], mount: 'rw,data=journal', logs: escaped },
  'ext4 with checksums in its journal only': {
    make: ['-t', 'ext4', '-O', '^metadata_csum'],
    mount: 'rw,journal_checksum',
    logs: revoked,
  },
  'ext4 that commits without waiting': {
    make: ['-t', 'ext4', '-O', '^metadata_csum,^64bit'],
    mount: 'rw,data=writeback,journal_async_commit',
    logs: revoked,
  },
  'ext4 with clusters': { make: ['-t', 'ext4', '-O', 'bigalloc', '-C', '16384'], logs: revoked },
  ext3: { make: ['-t', 'ext3', '-b', '2048'], mount: 'rw,data=journal', logs: escaped },
}

/** Folders, files that look like a journal, and things that go again, so that blocks are logged several times and revoked. */
function work(folder: string): void {
  const random = seeded(8)
  for (let round = 0; round < 5; round += 1) {
    const inside = join(folder, `round-${round}`)
    mkdirSync(inside)
    for (let index = 0; index < 120; index += 1)
      writeFileSync(join(inside, `file-${index}`), Buffer.alloc(random() * 9000, `${index} `))
    const like = Buffer.alloc(40_000, 7)
    for (let at = 0; at < like.length; at += 1024) like.writeUInt32BE(0xc03b3998, at)
    writeFileSync(join(inside, 'like a journal'), like)
    mkdirSync(join(inside, 'deep/er'), { recursive: true })
    for (let index = 0; index < 250; index += 1) writeFileSync(join(inside, 'deep/er', `${'long-name-'.repeat(12)}${index}`), '')
    tool('sync', ['-f', folder])
    if (round > 0) rmSync(join(folder, `round-${round - 1}`, 'deep'), { recursive: true })
    if (round === 3) rmSync(join(folder, 'round-1'), { recursive: true })
    tool('sync', ['-f', folder])
  }
}

const needed = () => missingTools('mke2fs', 'e2fsck', 'debugfs', 'dumpe2fs', 'getfattr', 'python3') ?? cannotMount()

for (const [name, options] of Object.entries(kinds)) {
  test(`a card pulled out is seen as after the next mount: ${name}`, (t) => {
    const reason = needed()
    if (reason) return t.skip(reason)
    const image = pulledVolume(testFolder(t), { ...options, make: [...options.make, ...journal] }, work)
    assert.ok(options.logs.test(tool('debugfs', ['-R', 'logdump -a', image])))
    const device = fileDevice(t, image)
    assert.equal(openExt(device).value?.facts.needsRecovery, true)
    const view = replayed(device)
    assert.deepEqual(view.problems, [])
    assert.ok(view.transactions > 5 && view.blocks > 30, `${view.transactions} transactions, ${view.blocks} blocks`)
    assert.equal(view.device.writeSync, undefined)
    assert.deepEqual(differences(view.device, fileDevice(t, replayedByE2fsck(image))), [])

    const { value: after } = openExt(view.device)
    assert.equal(after?.facts.needsRecovery, false)
    const seen = mounted(image, 'rw,noatime', kernelFacts)
    assert.deepEqual(after && treeDifferences(seen, nodeFacts(after.tree)), [])
    const told = tool('dumpe2fs', ['-h', image])
    const count = (name: string) => Number(new RegExp(`^${name}: +(\\d+)$`, 'm').exec(told)?.[1])
    assert.equal(after?.facts.freeBytes, count('Free blocks') * count('Block size'))
    assert.equal(after?.facts.freeInodes, count('Free inodes'))
  })
}

const writtenKinds: [name: string, make: string[], open: string][] = [
  ['without checksums', ['-t', 'ext4', '-O', '^metadata_csum'], 'jo'],
  ['with numbers of 32 bits', ['-t', 'ext3'], 'jo'],
  ['with checksums of version 2', ['-t', 'ext4'], 'jo -c -v 2'],
  ['with checksums of version 2 and numbers of 32 bits', ['-t', 'ext4', '-O', '^64bit'], 'jo -c -v 2'],
  ['with checksums of version 3', ['-t', 'ext4'], 'jo -c -v 3'],
]

/** A volume whose journal debugfs has written: block 9001 revoked, 9003 logged again after its revocation, the last transaction not finished. */
function writtenVolume(t: TestContext, make: readonly string[], open: string): string {
  const folder = testFolder(t)
  const image = join(folder, 'volume.img')
  writeFileSync(image, '')
  truncateSync(image, 64 * mebibyte)
  tool('mke2fs', ['-q', '-F', ...make, '-b', '4096', '-J', 'size=4', image])
  const content = (name: string, seed: number) => {
    const random = seeded(seed)
    const bytes = Buffer.from(Array.from({ length: 5 * 4096 }, () => Math.floor(random() * 256)))
    // This one is a header, were it not escaped.
    bytes.writeUInt32BE(0xc03b3998, 4096)
    writeFileSync(join(folder, name), bytes)
    return join(folder, name)
  }
  const [one, two, three] = [content('one', 1), content('two', 2), content('three', 3)]
  const commands = [
    `jo${open.slice(2)}`,
    `jw -b 9000,9001,9002,9003,9004 ${one}`,
    'jw -r 9001,9003,9999',
    `jw -b 9002,9003 ${two}`,
    `jw -b 9000,9004 -c ${three}`,
    'jc',
  ]
  writeFileSync(join(folder, 'commands'), `${commands.join('\n')}\n`)
  tool('debugfs', ['-w', '-f', join(folder, 'commands'), image])
  return image
}

for (const [name, make, open] of writtenKinds) {
  test(`revocations and an unfinished transaction are understood ${name}`, (t) => {
    const reason = needed()
    if (reason) return t.skip(reason)
    const image = writtenVolume(t, make, open)
    const view = replayed(fileDevice(t, image))
    assert.deepEqual(view.problems, [])
    assert.equal(view.transactions, 3)
    assert.equal(view.blocks, 4)
    assert.deepEqual(differences(view.device, fileDevice(t, replayedByE2fsck(image))), [])
  })
}

/** Where in the image a block of the log lies. In the log: superblock, descriptor, five blocks, commit, revocations, commit, descriptor, two blocks, commit. */
function logOffset(image: string, block: number): number {
  return Number(tool('debugfs', ['-R', `bmap <8> ${block}`, image])) * 4096
}

const damages: [name: string, make: string[], open: string, block: number, problem: string | null, transactions: number][] = [
  ['a block that is revoked later', ['-t', 'ext4'], 'jo -c -v 3', 3, null, 3],
  ['a block', ['-t', 'ext4'], 'jo -c -v 3', 2, 'what the journal holds of block 9000 has a wrong checksum', 3],
  [
    'a block of which an older state is there',
    ['-t', 'ext4'],
    'jo -c -v 2',
    11,
    'what the journal holds of block 9002 has a wrong checksum',
    3,
  ],
  ['a descriptor', ['-t', 'ext4'], 'jo -c -v 3', 10, 'the journal is damaged in transaction 3', 0],
  ['a revocation', ['-t', 'ext4'], 'jo -c -v 3', 8, 'the journal is damaged in transaction 2', 0],
  ['a commit', ['-t', 'ext4'], 'jo -c -v 3', 13, 'the journal is damaged at the end of transaction 3', 2],
  // That debugfs sums up wrongly what has no blocks, e2fsck finds as well.
  [
    'nothing, with checksums of version 1',
    ['-t', 'ext4', '-O', '^metadata_csum'],
    'jo -c',
    999,
    'the journal is damaged at the end of transaction 2',
    1,
  ],
]

for (const [name, make, open, block, problem, transactions] of damages) {
  test(`what e2fsck makes of a damaged journal is made of it: ${name}`, (t) => {
    const reason = needed()
    if (reason) return t.skip(reason)
    const image = writtenVolume(t, make, open)
    const bytes = readFileSync(image)
    const at = logOffset(image, block) + 100
    bytes[at] = (bytes[at] ?? 0) ^ 1
    writeFileSync(image, bytes)
    const view = replayed(fileDevice(t, image))
    assert.deepEqual(
      view.problems.map(({ detail }) => detail),
      problem === null ? [] : [problem],
    )
    assert.equal(view.transactions, transactions)
    assert.deepEqual(differences(view.device, fileDevice(t, replayedByE2fsck(image))), [])
  })
}

test('fast commits are not replayed, and that is told', (t) => {
  const reason = needed()
  if (reason) return t.skip(reason)
  const program = `import os
for i in range(5):
    with open(f'file-{i}', 'w') as f:
        f.write('content')
        f.flush()
        os.fsync(f.fileno())`
  const pulled = (abruptly: boolean) =>
    pulledVolume(testFolder(t), { make: ['-t', 'ext4', '-O', 'fast_commit'], abruptly }, (folder) => {
      writeFileSync(join(folder, 'first'), 'first')
      tool('sync', ['-f', folder])
      tool('sh', ['-c', 'cd "$0" && python3 -c "$1"', folder, program])
    })
  const image = pulled(true)
  if (!tool('debugfs', ['-R', 'logdump -a', image]).includes('Fast Commit')) return t.skip('this kernel makes no fast commits')
  assert.deepEqual(
    replayed(fileDevice(t, image)).problems.map(({ code }) => code),
    ['ext-journal-fast'],
  )
  const ordinary = pulled(false)
  const view = replayed(fileDevice(t, ordinary))
  assert.deepEqual(view.problems, [])
  // e2fsck 1.47 takes the old fast commits that are still there for damage; the kernel does not.
  const { value: after } = openExt(view.device)
  const seen = mounted(ordinary, 'rw,noatime', kernelFacts)
  assert.deepEqual(after && treeDifferences(seen, nodeFacts(after.tree)), [])
})

test('where nothing waits, or what waits is elsewhere, that is the answer', (t) => {
  const reason = needed()
  if (reason) return t.skip(reason)
  const image = (make: string[], sizeMiB = 32) => {
    const path = join(testFolder(t), 'volume.img')
    writeFileSync(path, '')
    truncateSync(path, sizeMiB * mebibyte)
    tool('mke2fs', ['-q', '-F', ...make, path])
    return path
  }
  for (const make of [
    ['-t', 'ext4'],
    ['-t', 'ext2'],
  ]) {
    const device = fileDevice(t, image(make))
    const view = replayed(device)
    assert.equal(view.device, device)
    assert.deepEqual([view.transactions, view.blocks, view.problems], [0, 0, []])
  }
  const without = image(['-t', 'ext2'])
  tool('debugfs', ['-w', '-R', 'feature needs_recovery', without])
  assert.equal(replayedInMemory(fileDevice(t, without)).problem?.code, 'ext-journal')
  const elsewhere = image(['-t', 'ext4', '-O', '^metadata_csum'])
  tool('debugfs', ['-w', '-R', 'feature needs_recovery', elsewhere])
  tool('debugfs', ['-w', '-R', 'ssv journal_inum 0', elsewhere])
  assert.equal(replayedInMemory(fileDevice(t, elsewhere)).problem?.code, 'ext-journal-elsewhere')
  const noVolume = join(testFolder(t), 'zeros')
  writeFileSync(noVolume, Buffer.alloc(mebibyte))
  assert.equal(replayedInMemory(fileDevice(t, noVolume)).problem?.code, 'ext-none')
})
