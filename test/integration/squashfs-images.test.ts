import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, type TestContext, test } from 'node:test'
import { openFileDevice } from '../../native-helpers/block/file-device.ts'
import { blockCodec } from '../../native-helpers/volumes/squashfs/block-codec.ts'
import type { Inode } from '../../native-helpers/volumes/squashfs/inode.ts'
import { openSquashfs, type Squashfs, type SquashfsOptions } from '../../native-helpers/volumes/squashfs/squashfs.ts'
import { cannotMount, mounted } from '../support/kernel-mount.ts'
import { makeTree, pseudoEntries } from '../support/squashfs-tree.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'
import { factsOfFolder, factsOfImage, type TreeFacts } from '../support/tree-facts.ts'

/** Every compressor, small and large blocks, and every choice that changes what stands in an image. */
const variants = [
  '-comp gzip -b 128K',
  '-comp gzip -b 4K -always-use-fragments',
  '-comp gzip -b 1M -no-fragments -no-xattrs -no-exports',
  '-comp gzip -b 64K -noI -noD -noF -noX',
  '-comp gzip -b 128K -no-sparse -no-duplicates -tailends',
  '-comp zstd -b 128K',
  '-comp zstd -b 1M -always-use-fragments -Xcompression-level 19',
  '-comp xz -b 128K',
  '-comp xz -b 4K -no-fragments',
  '-comp xz -b 1M -Xbcj x86,arm -always-use-fragments',
  '-comp lzma -b 128K',
  '-comp lzma -b 1M -always-use-fragments',
  '-comp lz4 -b 128K',
  '-comp lz4 -b 1M -Xhc -no-fragments',
  '-comp lzo -b 128K',
  '-comp lzo -b 8K -always-use-fragments -Xalgorithm lzo1x_1',
]
const tools = missingTools('mksquashfs', 'unsquashfs', 'setfattr', 'getfattr')

describe('a squashfs image reads as the kernel and unsquashfs read it', { skip: tools ?? false }, () => {
  let folder = ''
  let tree = ''
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'livecard-squashfs-'))
    tree = join(folder, 'tree')
    mkdirSync(tree)
    makeTree(tree, { manyEntries: 400 })
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  for (const [index, variant] of variants.entries())
    test(variant, async (t) => {
      if (/lz4|lzo/.test(variant) && !blockCodec()) return t.skip('the codec for lz4 and lzo is not built here')
      const path = join(folder, `${index}.squashfs`)
      pack(tree, path, variant.split(' '))
      const image = await open(t, path)
      assert.deepEqual(listing(image), unsquashfsListing(path))
      if (process.getuid?.() !== 0)
        return t.diagnostic('only the listing was compared: owners and devices cannot be unpacked without root')
      const theirs = factsAccordingToOthers(path, folder)
      assertSame(factsOfImage(image), theirs)
      if (/xz|lzma/.test(variant)) assertSame(factsOfImage(await open(t, path, { codec: null, readAhead: { threads: 0 } })), theirs)
    })

  test('device numbers of more than eight bits', async (t) => {
    const cannot = cannotMount()
    if (cannot) return t.skip(cannot)
    const path = join(folder, 'devices.squashfs')
    pack(join(tree, 'dev'), path, ['-p', 'high b 600 0 0 4095 1048575', '-p', 'low c 600 0 0 1 256'])
    const image = await open(t, path)
    assertSame(
      factsOfImage(image),
      mounted(path, 'ro', (mountPoint) => factsOfFolder(mountPoint)),
    )
  })
})

test('a folder of 20,000 entries, with names that are no text, is listed and searched', async (t) => {
  if (tools) return t.skip(tools)
  const folder = testFolder(t)
  const tree = join(folder, 'tree')
  mkdirSync(tree)
  makeTree(tree, { manyEntries: 20_000 })
  writeFileSync(Buffer.concat([Buffer.from(`${tree}/many/`), Buffer.from([0xff, 0xfe])]), '')
  const path = join(folder, 'many.squashfs')
  pack(tree, path, ['-comp', 'zstd'])
  const image = await open(t, path)
  const many = image.lookup('/many/')
  assert(many?.type === 'folder')
  const entries = [...image.list(many)]
  assert.equal(entries.length, 20_001)
  assert(entries.some(({ nameBytes }) => Buffer.from(nameBytes).equals(Buffer.from([0xff, 0xfe]))))
  const found = image.lookup('many/entry-19999')
  assert(found?.type === 'file')
  assert.deepEqual(image.byNumber(found.number), found)
  assert.equal(image.lookup('many/entry-20000'), null)
  assert.equal(image.lookup('many/entry-1/below'), null)
  assert.equal([...image.walk()].length, Number(/^Number of inodes (\d+)/m.exec(tool('unsquashfs', ['-s', path]))?.[1]) + 2)
})

test('an image without anything in it has a root', async (t) => {
  if (tools) return t.skip(tools)
  const folder = testFolder(t)
  mkdirSync(join(folder, 'empty'))
  const path = join(folder, 'empty.squashfs')
  tool('mksquashfs', [join(folder, 'empty'), path, '-nopad', '-quiet', '-no-progress'])
  assert.deepEqual(
    [...(await open(t, path)).walk()].map((entry) => entry.path),
    [''],
  )
})

function pack(tree: string, path: string, args: readonly string[]): void {
  const pseudo = args.includes('-p') ? [] : pseudoEntries.flatMap((entry) => ['-p', entry])
  tool('mksquashfs', [tree, path, '-noappend', '-quiet', '-no-progress', ...pseudo, ...args])
}

async function open(t: TestContext, path: string, options: SquashfsOptions = {}): Promise<Squashfs> {
  const device = openFileDevice({ path, writable: false })
  t.after(() => device.close())
  return openSquashfs(device, options)
}

/** The kernel where it can, which knows no lzma; else what unsquashfs unpacks. */
function factsAccordingToOthers(path: string, folder: string): TreeFacts {
  const byKernel = cannotMount() === null && !tool('unsquashfs', ['-s', path]).includes('Compression lzma')
  if (byKernel) return mounted(path, 'ro', (mountPoint) => factsOfFolder(mountPoint))
  const unpacked = join(folder, 'unpacked')
  rmSync(unpacked, { recursive: true, force: true })
  tool('unsquashfs', ['-quiet', '-no-progress', '-dest', unpacked, path])
  return factsOfFolder(unpacked)
}

/** Entry by entry, so that a difference is a line and not a page. */
function assertSame(ours: TreeFacts, theirs: TreeFacts): void {
  assert.deepEqual([...ours.keys()].sort(), [...theirs.keys()].sort())
  for (const [path, facts] of theirs) assert.equal(`${path}: ${ours.get(path)}`, `${path}: ${facts}`)
}

/** unsquashfs puts the owner and the size in columns; the blanks between them are not compared. */
function unsquashfsListing(path: string): string[] {
  const lines = tool('unsquashfs', ['-UTC', '-lln', path]).trimEnd().split('\n')
  return lines.map((line) => line.replace(/^(\S+ \S+) +/, '$1 ').replace(/, +(\d)/, ',$1')).sort()
}

const letters = { folder: 'd', file: '-', symlink: 'l', 'block-device': 'b', 'character-device': 'c', fifo: 'p', socket: 's' }

function listing(image: Squashfs): string[] {
  return [...image.walk()]
    .map(({ path, inode }) => {
      const time = new Date(inode.modifiedSeconds * 1000).toISOString().replace('T', ' ').slice(0, 16)
      const target = inode.type === 'symlink' ? ` -> ${image.readlink(inode)}` : ''
      const place = path === '' ? 'squashfs-root' : `squashfs-root/${path}`
      return `${permissions(inode)} ${inode.owner}/${inode.group} ${size(inode)} ${time} ${place}${target}`
    })
    .sort()
}

function size(inode: Inode): string {
  switch (inode.type) {
    case 'file':
      return `${inode.sizeBytes}`
    case 'folder':
      return `${inode.listing.sizeBytes + 3}`
    case 'symlink':
      return `${inode.target.length}`
    case 'block-device':
    case 'character-device':
      return `${inode.major},${inode.minor}`
    default:
      return '0'
  }
}

function permissions({ type, mode }: Inode): string {
  const special = [mode & 0o4000 ? 's' : '', mode & 0o2000 ? 's' : '', mode & 0o1000 ? 't' : '']
  const text = [6, 3, 0].map((shift, index) => {
    const bits = (mode >> shift) & 7
    const letter = special[index]
    const last = letter ? (bits & 1 ? letter : letter.toUpperCase()) : bits & 1 ? 'x' : '-'
    return `${bits & 4 ? 'r' : '-'}${bits & 2 ? 'w' : '-'}${last}`
  })
  return letters[type] + text.join('')
}
