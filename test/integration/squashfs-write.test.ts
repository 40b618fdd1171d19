import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { openFileDevice } from '../../native-helpers/block/file-device.ts'
import { memoryFile } from '../../native-helpers/volumes/making/memory-file.ts'
import { blockCodec } from '../../native-helpers/volumes/squashfs/block-codec.ts'
import { openSquashfs, type Squashfs } from '../../native-helpers/volumes/squashfs/squashfs.ts'
import { makeSquashfs, type NewSquashfs } from '../../native-helpers/volumes/squashfs/write.ts'
import type { SquashfsEntry } from '../../native-helpers/volumes/squashfs/write-entries.ts'
import { memoryDevice } from '../support/file-device.ts'
import { cannotMount, mounted } from '../support/kernel-mount.ts'
import { noise } from '../support/memory-device.ts'
import { makeTree, pseudoEntries } from '../support/squashfs-tree.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'
import { factsOfFolder, type TreeFacts } from '../support/tree-facts.ts'

const tools = missingTools('mksquashfs', 'unsquashfs', 'setfattr', 'getfattr')
const MiB = 1024 * 1024
const xzMissing = blockCodec() ? null : 'the codec that packs xz is not built here'

/** Everything that an image holds, to be written again. */
function entriesOf(image: Squashfs): SquashfsEntry[] {
  const first = new Map<number, string>()
  return [...image.walk()].map(({ path, inode }): SquashfsEntry => {
    const known = first.get(inode.number)
    if (known !== undefined && inode.type !== 'folder') return { kind: 'hard-link', path, of: known }
    first.set(inode.number, path)
    const { mode, owner: ownerId, group: groupId, modifiedSeconds } = inode
    const common = { path, mode, ownerId, groupId, modifiedSeconds, xattrs: image.xattrs(inode) }
    switch (inode.type) {
      case 'folder':
        return { kind: 'folder', ...common }
      case 'file':
        return { kind: 'file', content: image.fileDevice(inode), ...common }
      case 'symlink':
        return { kind: 'link', target: image.readlink(inode), ...common }
      case 'block-device':
      case 'character-device':
        return { kind: inode.type, major: inode.major, minor: inode.minor, ...common }
      default:
        return { kind: inode.type, ...common }
    }
  })
}

/** Makes an image in a file that is cut to what it says that it needs. */
async function write(path: string, options: NewSquashfs, roomBytes = 256 * MiB): Promise<number> {
  writeFileSync(path, '')
  truncateSync(path, roomBytes)
  const { writeSync, flushSync, ...device } = openFileDevice({ path, writable: true })
  assert.ok(writeSync && flushSync)
  try {
    const usedBytes = await makeSquashfs({ ...device, writeSync, flushSync }, options)
    truncateSync(path, usedBytes)
    return usedBytes
  } finally {
    device.close()
  }
}

function assertSame(ours: TreeFacts, theirs: TreeFacts): void {
  assert.deepEqual([...ours.keys()].sort(), [...theirs.keys()].sort())
  for (const [path, facts] of theirs) assert.equal(`${path}: ${ours.get(path)}`, `${path}: ${facts}`)
}

function unpacked(path: string, folder: string): TreeFacts {
  const into = join(folder, 'unpacked')
  rmSync(into, { recursive: true, force: true })
  tool('unsquashfs', ['-quiet', '-no-progress', '-dest', into, path])
  return factsOfFolder(into)
}

const variants: Omit<NewSquashfs, 'entries'>[] = [
  { compressor: 'gzip' },
  { compressor: 'gzip', blockBytes: 4096, level: 1 },
  { compressor: 'zstd', blockBytes: MiB, level: 19 },
  { compressor: 'zstd' },
  { compressor: 'xz' },
  { compressor: 'xz', blockBytes: MiB },
]

describe('a written image holds what it was made of', { skip: tools ?? false }, () => {
  let folder = ''
  let theirs = ''
  let expected: TreeFacts = new Map()
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'livecard-squashfs-'))
    theirs = join(folder, 'theirs.squashfs')
    mkdirSync(join(folder, 'tree'))
    makeTree(join(folder, 'tree'), { manyEntries: 700 })
    const pseudo = pseudoEntries.flatMap((entry) => ['-p', entry])
    tool('mksquashfs', [join(folder, 'tree'), theirs, '-noappend', '-quiet', '-no-progress', '-comp', 'gzip', ...pseudo])
    if (process.getuid?.() === 0) expected = unpacked(theirs, folder)
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  for (const variant of variants) {
    const { compressor, blockBytes = 128 * 1024 } = variant
    test(`${compressor}, blocks of ${blockBytes / 1024} KiB`, async (t) => {
      if (compressor === 'xz' && xzMissing) return t.skip(xzMissing)
      if (process.getuid?.() !== 0) return t.skip('owners and devices cannot be compared without root')
      const device = openFileDevice({ path: theirs, writable: false })
      t.after(() => device.close())
      const ours = join(folder, 'ours.squashfs')
      await write(ours, { entries: entriesOf(await openSquashfs(device)), madeSeconds: 1_700_000_000, ...variant })
      // The kernel where it can, as the stricter reader.
      const byKernel = cannotMount() === null
      assertSame(byKernel ? mounted(ours, 'ro', (mountPoint) => factsOfFolder(mountPoint)) : unpacked(ours, folder), expected)
      const again = openFileDevice({ path: ours, writable: false })
      t.after(() => again.close())
      const image = await openSquashfs(again)
      for (const { inode } of image.walk()) assert.deepEqual(image.byNumber(inode.number), inode)
      const listed = (path: string) => tool('unsquashfs', ['-lln', path]).split('\n').sort()
      assert.deepEqual(withoutFolderSizes(listed(ours)), withoutFolderSizes(listed(theirs)))
      assert.match(tool('unsquashfs', ['-s', ours]), /exportable via NFS[\s\S]*Duplicates are removed/)
    })
  }

  for (const compressor of ['zstd', 'xz'] as const)
    test(`unsquashfs unpacks ${compressor} to the same`, async (t) => {
      if (compressor === 'xz' && xzMissing) return t.skip(xzMissing)
      if (process.getuid?.() !== 0) return t.skip('owners and devices cannot be compared without root')
      const device = openFileDevice({ path: theirs, writable: false })
      t.after(() => device.close())
      const ours = join(folder, 'ours.squashfs')
      await write(ours, { entries: entriesOf(await openSquashfs(device)), compressor })
      assertSame(unpacked(ours, folder), expected)
    })
})

/** A listing's own length is left out: how many parts it has is the writer's choice. */
function withoutFolderSizes(lines: string[]): string[] {
  return lines.map((line) => (line.startsWith('d') ? line.replace(/^(\S+ \S+) +\d+/, '$1') : line.replace(/ +/g, ' '))).sort()
}

test('the same entries and times make the same bytes, in whatever order they come', async (t) => {
  const folder = testFolder(t)
  const entries: SquashfsEntry[] = Array.from({ length: 300 }, (_, at) => ({
    kind: 'file',
    path: `folder-${at % 7}/file-${at}`,
    content: noise(1 + ((at * 977) % 40_000), at + 1),
  }))
  const options = { madeSeconds: 1_000_000_000, compressor: 'zstd' } as const
  await write(join(folder, 'one'), { entries, ...options })
  await write(join(folder, 'two'), { entries: entries.toReversed(), ...options })
  assert.ok(readFileSync(join(folder, 'one')).equals(readFileSync(join(folder, 'two'))))
})

test('a folder of 20,000 names is found in by the kernel, each by its name', async (t) => {
  const cannot = cannotMount()
  if (cannot) return t.skip(cannot)
  const path = join(testFolder(t), 'many.squashfs')
  const names = Array.from({ length: 20_000 }, (_, at) => `${'long name '.repeat(1 + (at % 4))}${(at * 7919) % 20_000}`)
  const entries: SquashfsEntry[] = names.map((name, at) => ({
    kind: 'file',
    path: `many/${name}`,
    content: Buffer.from(`${at % 50}`),
  }))
  await write(path, { entries, compressor: 'gzip' })
  mounted(path, 'ro', (mountPoint) => {
    for (let at = 0; at < names.length; at += 37) {
      assert.equal(readFileSync(join(mountPoint, 'many', names[at] ?? ''), 'latin1'), `${at % 50}`)
    }
    assert.throws(() => statSync(join(mountPoint, 'many', 'absent')), { code: 'ENOENT' })
    assert.throws(() => statSync(join(mountPoint, 'many', 'zzz')), { code: 'ENOENT' })
    assert.equal(
      tool('ls', ['-f', join(mountPoint, 'many')])
        .trimEnd()
        .split('\n').length,
      20_002,
    )
  })
})

test('equal files are stored once, and files that only seem equal are not mixed up', async (t) => {
  const folder = testFolder(t)
  const path = join(folder, 'equal.squashfs')
  const large = noise(3_000_000, 7)
  const nearly = Uint8Array.from(large)
  nearly[2_999_999] = (nearly[2_999_999] ?? 0) ^ 1
  const contents: [string, Uint8Array][] = [
    ['a', large],
    ['b', nearly],
    ['c', Uint8Array.from(large)],
    ['small-a', Buffer.from('small')],
    ['small-b', Buffer.from('smell')],
    ['small-c', Buffer.from('small')],
  ]
  const usedBytes = await write(path, { entries: contents.map(([name, content]) => ({ kind: 'file', path: name, content })) })
  assert.ok(usedBytes > 6_000_000 && usedBytes < 6_100_000, `${usedBytes}`)
  const device = openFileDevice({ path, writable: false })
  t.after(() => device.close())
  const image = await openSquashfs(device)
  for (const [name, content] of contents) {
    const inode = image.lookup(name)
    assert.ok(inode?.type === 'file')
    const bytes = Buffer.alloc(content.length)
    image.fileDevice(inode).readSync(bytes, 0)
    assert.ok(bytes.equals(content), name)
  }
})

test('a file of many gigabytes that is nearly all zeros is written in a moment', async (t) => {
  const cannot = cannotMount()
  const path = join(testFolder(t), 'sparse.squashfs')
  const sizeBytes = 4 * 1024 * MiB + 12_345
  const mark = Buffer.from('here')
  const place = 4 * 1024 * MiB + 77
  const content = {
    size: sizeBytes,
    sectorSize: 512,
    readSync(into: Uint8Array, offset: number) {
      into.fill(0)
      if (place >= offset && place + mark.length <= offset + into.length) into.set(mark, place - offset)
    },
  }
  const usedBytes = await write(path, { entries: [{ kind: 'file', path: 'LiveOS/rootfs.img', content }], blockBytes: MiB })
  assert.ok(usedBytes < 100_000, `${usedBytes}`)
  if (cannot) return t.diagnostic(cannot)
  mounted(path, 'ro', (mountPoint) => {
    const file = join(mountPoint, 'LiveOS', 'rootfs.img')
    assert.deepEqual([statSync(file).size, statSync(file).blocks * 512 < 2 * MiB], [sizeBytes, true])
    const device = openFileDevice({ path: file, writable: false })
    const bytes = Buffer.alloc(mark.length)
    device.readSync(bytes, place)
    device.close()
    assert.equal(bytes.toString(), 'here')
  })
})

test('what a squashfs cannot hold is refused, and so is one that does not fit', async (t) => {
  const path = join(testFolder(t), 'refused.squashfs')
  const file = { kind: 'file', content: Buffer.from('x') } as const
  const refused = (entries: SquashfsEntry[], code: string, options: Partial<NewSquashfs> = {}) =>
    assert.rejects(write(path, { entries, ...options }, MiB), { code })
  await refused(
    [
      { ...file, path: 'a' },
      { ...file, path: 'a' },
    ],
    'squashfs-make-twice',
  )
  await refused(
    [
      { ...file, path: 'a' },
      { ...file, path: 'a/b' },
    ],
    'squashfs-make-name',
  )
  await refused([{ ...file, path: 'a//b' }], 'squashfs-make-name')
  await refused([{ ...file, path: '../b' }], 'squashfs-make-name')
  await refused([{ ...file, path: 'x'.repeat(257) }], 'squashfs-make-name')
  await refused([{ kind: 'hard-link', path: 'a', of: 'absent' }], 'squashfs-make-link')
  await refused(
    [{ ...file, path: 'a', xattrs: [{ name: 'system.posix_acl_access', value: new Uint8Array(4) }] }],
    'squashfs-make-xattr',
  )
  await refused([], 'squashfs-make-block', { blockBytes: 5000 })
  await refused([{ kind: 'file', path: 'a', content: noise(2 * MiB) }], 'squashfs-make-room')
  const midway = new AbortController()
  let told = 0
  const stopMidway = (doneBytes: number) => {
    told = doneBytes
    if (doneBytes > MiB / 2) midway.abort()
  }
  const large: SquashfsEntry[] = [{ kind: 'file', path: 'a', content: noise(MiB) }]
  const slow = { entries: large, compressor: xzMissing ? 'gzip' : 'xz', blockBytes: 4096, signal: midway.signal } as const
  await assert.rejects(write(path, { ...slow, onProgress: stopMidway }), { name: 'AbortError' })
  assert.equal(told, MiB / 2 + 4096)
  const stopped = new AbortController()
  stopped.abort()
  await assert.rejects(write(path, { entries: [{ ...file, path: 'a' }], signal: stopped.signal }), { name: 'AbortError' })
})

test('an image grows in memory where nobody knows how large it will be', async (t) => {
  if (tools) return t.skip(tools)
  const path = join(testFolder(t), 'memory.squashfs')
  const image = memoryFile()
  const usedBytes = await makeSquashfs(image, { entries: [{ kind: 'file', path: 'noise', content: noise(300_000) }] })
  assert.equal(image.size, usedBytes)
  assert.equal(usedBytes % 4096, 0)
  const bytes = Buffer.alloc(usedBytes)
  image.readSync(bytes, 0)
  writeFileSync(path, bytes)
  assert.ok(Buffer.from(noise(300_000)).equals(execFileSync('unsquashfs', ['-cat', path, 'noise'])))
  await assert.rejects(makeSquashfs(memoryFile(100_000), { entries: [{ kind: 'file', path: 'noise', content: noise(300_000) }] }), {
    code: 'squashfs-make-room',
  })
})

test('an image without anything in it is one to unsquashfs, too', async (t) => {
  if (tools) return t.skip(tools)
  const path = join(testFolder(t), 'empty.squashfs')
  await write(path, { entries: [] })
  assert.match(tool('unsquashfs', ['-ll', path]), /squashfs-root/)
  assert.deepEqual(
    [...(await openSquashfs(memoryDevice(readFileSync(path)))).walk()].map((entry) => entry.path),
    [''],
  )
})
