/** What is rare in ext volumes: large, damaged, half gone, made with unusual numbers. */
import assert from 'node:assert/strict'
import { closeSync, linkSync, mkdirSync, openSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { BlockDevice } from '../../native-helpers/block/device.ts'
import { openFileDevice } from '../../native-helpers/block/file-device.ts'
import { openExt } from '../../native-helpers/volumes/ext-tree.ts'
import { findNode, isWhiteout, readSmallFile, type TreeNode, type VolumeTree, walkTree } from '../../native-helpers/volumes/tree.ts'
import { nodeFacts } from '../support/ext-node-facts.ts'
import { kernelFacts, treeDifferences } from '../support/ext-tree-facts.ts'
import { cannotMount, mounted } from '../support/kernel-mount.ts'
import { treeContent, writeSampleTree } from '../support/sample-tree.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'
import { digest } from '../support/tree-facts.ts'

const mebibyte = 1024 * 1024
const kernelNeeded = () => missingTools('mke2fs', 'debugfs', 'getfattr', 'setfattr', 'python3') ?? cannotMount()

interface Counted extends BlockDevice {
  readBytes: number
  reads: number
}

function counted(t: TestContext, path: string): Counted {
  const device = openFileDevice({ path, writable: false })
  t.after(() => device.close())
  return {
    size: device.size,
    sectorSize: device.sectorSize,
    readBytes: 0,
    reads: 0,
    readSync(into, offset) {
      this.readBytes += into.length
      this.reads += 1
      device.readSync(into, offset)
    },
  }
}

function opened(device: BlockDevice) {
  const { value, problem } = openExt(device)
  return value ?? assert.fail(problem?.detail)
}

function volume(t: TestContext, sizeMiB: number, options: readonly string[]): string {
  const image = join(testFolder(t), 'volume.img')
  writeFileSync(image, '')
  truncateSync(image, sizeMiB * mebibyte)
  tool('mke2fs', ['-q', '-F', ...options, image])
  return image
}

function patch(image: string, at: number, bytes: Uint8Array): void {
  const file = openSync(image, 'r+')
  writeSync(file, bytes, 0, bytes.length, at)
  closeSync(file)
}

/** Every path and what is there. */
function contents(tree: VolumeTree): Map<string, string> {
  const found = new Map<string, string>()
  const problems = walkTree(tree, (path, node) => {
    if (path === 'lost+found') return
    const device = node.kind === 'file' ? (node.open().value ?? assert.fail(path)) : null
    found.set(path, device ? digest(device) : node.kind === 'symlink' ? `-> ${node.target}` : 'folder')
  })
  assert.deepEqual(problems, [])
  return found
}

const sorted = (map: Map<string, string>) => [...map].sort(([a], [b]) => (a < b ? -1 : 1))

const backedUp: [name: string, sizeMiB: number, options: string[]][] = [
  ['blocks of 1 KiB', 48, ['-b', '1024', '-t', 'ext4']],
  ['blocks of 2 KiB, without checksums', 64, ['-b', '2048', '-t', 'ext3']],
  ['blocks of 4 KiB', 300, ['-b', '4096', '-t', 'ext4']],
  ['groups that describe themselves', 48, ['-b', '1024', '-t', 'ext4', '-O', 'meta_bg,^resize_inode']],
  ['two copies of the superblock', 300, ['-b', '4096', '-t', 'ext4', '-O', 'sparse_super2']],
  ['clusters', 2200, ['-b', '4096', '-t', 'ext4', '-O', 'bigalloc']],
  ['blocks of 64 KiB', 100, ['-b', '65536', '-t', 'ext4', '-J', 'size=64']],
]

for (const [name, sizeMiB, options] of backedUp) {
  test(`without its superblock and first descriptors a volume is read by their copies: ${name}`, {
    skip: missingTools('mke2fs', 'debugfs') ?? false,
  }, (t) => {
    const tree = join(testFolder(t), 'tree')
    mkdirSync(tree)
    writeSampleTree(tree, 5, { files: 30, links: true })
    const image = volume(t, sizeMiB, ['-E', 'root_owner=0:0', '-d', tree, ...options])
    const whole = opened(counted(t, image))
    assert.deepEqual(whole.problems, [])
    const expected = sorted(treeContent(tree))
    assert.deepEqual(sorted(contents(whole.tree)), expected)
    const { blockBytes } = whole.facts
    if (whole.facts.superblock.groupCount < 2) return
    const descriptors = Math.max(2048, blockBytes)
    const saved = new Uint8Array(4096)
    counted(t, image).readSync(saved, descriptors)
    patch(image, descriptors, Buffer.alloc(4096))
    const byCopies = opened(counted(t, image))
    assert.deepEqual(sorted(contents(byCopies.tree)), expected)
    assert.ok(byCopies.problems.every(({ code }) => code === 'ext-group'))
    assert.ok(byCopies.problems.length > 0)
    patch(image, descriptors, saved)
    patch(image, 1024, Buffer.alloc(1024))
    const rescued = opened(counted(t, image))
    assert.deepEqual(sorted(contents(rescued.tree)), expected)
    assert.deepEqual(
      rescued.problems.map(({ code }) => code),
      ['ext-superblock-copy'],
    )
    assert.equal(rescued.facts.uuid, whole.facts.uuid)
  })
}

test('copies of a superblock are not believed where something else was put over the volume', {
  skip: missingTools('mke2fs', 'mkfs.fat', 'mkfs.btrfs') ?? false,
}, (t) => {
  const image = volume(t, 300, ['-t', 'ext4'])
  tool('mkfs.fat', [image])
  assert.equal(openExt(counted(t, image)).problem?.code, 'ext-none')
  const other = volume(t, 300, ['-t', 'ext4'])
  tool('mkfs.btrfs', ['-q', '-f', other])
  assert.equal(openExt(counted(t, other)).problem?.code, 'ext-none')
})

test('a volume of 40 GiB is read beyond 4 GiB, and not more of it than is asked for', (t) => {
  const reason = kernelNeeded()
  if (reason) return t.skip(reason)
  const image = volume(t, 40 * 1024, ['-t', 'ext4'])
  const seen = mounted(image, 'rw,noatime', (folder) => {
    for (let index = 0; index < 60; index += 1) {
      const inside = join(folder, `folder-${index}`, 'below')
      mkdirSync(inside, { recursive: true })
      writeFileSync(join(inside, 'file'), `content ${index}`)
    }
    return kernelFacts(folder)
  })
  const device = counted(t, image)
  const { tree, volume: ext } = opened(device)
  assert.ok(device.readBytes < 64 * 1024, `${device.readBytes} bytes to open it`)
  const before = device.readBytes
  assert.equal(Buffer.from(readSmallFile(tree, 'folder-59/below/file', 100) ?? []).toString(), 'content 59')
  assert.ok(device.readBytes - before < 64 * 1024, `${device.readBytes - before} bytes for one file`)
  assert.deepEqual(treeDifferences(seen, nodeFacts(tree)), [])
  const places = Array.from({ length: 60 }, (_, index) => findNode(tree, `folder-${index}/below/file`)?.id ?? 0)
  assert.ok(places.some((id) => (ext.inode(id).value?.offset ?? 0) > 2 ** 32))
  assert.equal(ext.inode(8, true).value?.kind, 'file')
  assert.equal(ext.inode(8).problem?.code, 'ext-inode')
})

test('a directory of 20,000 names is listed and searched in little room', (t) => {
  const reason = kernelNeeded()
  if (reason) return t.skip(reason)
  const count = 20_000
  const image = volume(t, 128, ['-t', 'ext4', '-N', '30000'])
  mounted(image, 'rw,noatime', (folder) => {
    mkdirSync(join(folder, 'many'))
    const made = `import os\nfor i in range(${count}): os.close(os.open(f'many/a-long-name-for-file-{i}', os.O_CREAT | os.O_WRONLY))`
    tool('sh', ['-c', 'cd "$0" && python3 -c "$1"', folder, made])
  })
  const device = counted(t, image)
  const { tree } = opened(device)
  const many = findNode(tree, 'many')
  assert.ok(many)
  const start = device.readBytes
  const { entries, problem } = many.list()
  assert.equal(problem, null)
  assert.deepEqual(new Set(entries.map(({ name }) => name)).size, count)
  assert.ok(device.readBytes - start < many.sizeBytes + 64 * 1024)
  const walked = device.readBytes
  let files = 0
  walkTree(tree, (_path, node) => {
    if (node.kind === 'file') files += 1
  })
  assert.equal(files, count)
  // The directory again, and each inode once.
  assert.ok(device.readBytes - walked < many.sizeBytes + (count + 4096) * 256 + 256 * 1024)
  assert.equal(findNode(tree, 'many/a-long-name-for-file-12345')?.name, 'a-long-name-for-file-12345')
  assert.equal(findNode(tree, 'many/none'), null)
})

/** What the kernel says that is no hole. */
function dataRanges(path: string): [number, number][] {
  const program = `import os, sys
fd, at, end = os.open(sys.argv[1], os.O_RDONLY), 0, os.stat(sys.argv[1]).st_size
while at < end:
    try: start = os.lseek(fd, at, os.SEEK_DATA)
    except OSError: break
    at = os.lseek(fd, start, os.SEEK_HOLE)
    print(start, at)`
  const lines = tool('python3', ['-c', program, path]).trim().split('\n').filter(Boolean)
  return lines.map((line) => line.split(' ').map(Number) as [number, number])
}

function ourRanges(node: TreeNode): [number, number][] {
  const ranges: [number, number][] = []
  let at = 0
  for (const { start, lengthBytes } of node.extents().value ?? assert.fail('no extents')) {
    const last = ranges.at(-1)
    if (start !== null && last?.[1] === at) last[1] += lengthBytes
    else if (start !== null) ranges.push([at, at + lengthBytes])
    at += lengthBytes
  }
  assert.equal(at, node.sizeBytes)
  return ranges
}

for (const [name, options, farGiB] of [
  ['maps three levels deep', ['-t', 'ext2', '-b', '1024'], 10],
  ['extent trees three levels deep', ['-t', 'ext4', '-b', '1024'], 200],
] as const) {
  test(`${name} lead to the same bytes, and holes are where the kernel has them`, (t) => {
    const reason = kernelNeeded()
    if (reason) return t.skip(reason)
    const image = volume(t, 96, options)
    const marks = [0, 11 * 1024, 12 * 1024, 268 * 1024, 300_000, 65 * mebibyte, 70 * mebibyte, farGiB * 1024 * mebibyte]
    const expected = mounted(image, 'rw,noatime', (folder) => {
      const far = openSync(join(folder, 'far'), 'w')
      for (const at of marks) writeSync(far, Buffer.from(`here at ${at}`), 0, null, at)
      closeSync(far)
      const torn = openSync(join(folder, 'torn'), 'w')
      for (let at = 0; at < 9000; at += 1) writeSync(torn, Buffer.from(`${at}`), 0, null, at * 2048)
      closeSync(torn)
      const sha256 = tool('sha256sum', [join(folder, 'torn')]).split(' ')[0]
      return { far: dataRanges(join(folder, 'far')), torn: dataRanges(join(folder, 'torn')), sha256 }
    })
    const { tree } = opened(counted(t, image))
    const [far, torn] = [findNode(tree, 'far'), findNode(tree, 'torn')]
    assert.ok(far && torn)
    const device = far.open().value ?? assert.fail('far cannot be opened')
    for (const at of marks) {
      const bytes = Buffer.alloc(`here at ${at}`.length)
      device.readSync(bytes, at)
      assert.equal(bytes.toString(), `here at ${at}`)
    }
    assert.deepEqual(ourRanges(far), expected.far)
    assert.deepEqual(ourRanges(torn), expected.torn)
    assert.equal(digest(torn.open().value ?? assert.fail('torn cannot be opened')), expected.sha256)
    if (options[1] === 'ext4') assert.match(tool('debugfs', ['-R', 'dump_extents /torn', image]), /\b2\/\s*2\b/)
  })
}

test('the marks of overlayfs are recognised, also where they share an inode', (t) => {
  const reason = kernelNeeded()
  if (reason) return t.skip(reason)
  const image = volume(t, 32, ['-t', 'ext4'])
  mounted(image, 'rw', (folder) => {
    for (const [name, kind, ...numbers] of [
      ['gone', 'c', '0', '0'],
      ['null', 'c', '1', '3'],
      ['disk', 'b', '0', '0'],
    ])
      tool('mknod', [join(folder, name ?? ''), kind ?? '', ...numbers])
    linkSync(join(folder, 'gone'), join(folder, 'gone too'))
    mkdirSync(join(folder, 'opaque'))
    tool('setfattr', ['-n', 'trusted.overlay.opaque', '-v', 'y', join(folder, 'opaque')])
  })
  const { tree } = opened(counted(t, image))
  const marks = tree.root.list().entries.filter(isWhiteout)
  assert.deepEqual(marks.map(({ name }) => name).sort(), ['gone', 'gone too'])
  assert.equal(marks[0]?.id, marks[1]?.id)
  assert.deepEqual(
    marks.map(({ links }) => links),
    [2, 2],
  )
  const xattrs = findNode(tree, 'opaque')?.xattrs?.().value
  assert.deepEqual([...(xattrs ?? [])], [['trusted.overlay.opaque', new Uint8Array(Buffer.from('y'))]])
})

test('a file is written where it lies, but not where that is its inode', {
  skip: missingTools('mke2fs', 'e2fsck') ?? false,
}, (t) => {
  const tree = join(testFolder(t), 'tree')
  mkdirSync(tree)
  writeFileSync(join(tree, 'large'), Buffer.alloc(50_000, 1))
  writeFileSync(join(tree, 'small'), 'small')
  const image = volume(t, 32, ['-t', 'ext4', '-O', 'inline_data', '-I', '512', '-d', tree])
  const device = openFileDevice({ path: image, writable: true })
  const { tree: seen } = opened(device)
  const [large, small] = ['large', 'small'].map((name) => findNode(seen, name))
  large?.open().value?.writeSync?.(Buffer.from('written'), 30_000)
  assert.equal(small?.open().value?.size, 5)
  assert.equal(small?.open().value?.writeSync, undefined)
  assert.equal(small?.extents().problem?.code, 'ext-inline')
  device.close()
  tool('e2fsck', ['-f', '-n', image])
  const content = tool('debugfs', ['-R', 'cat /large', image])
  assert.equal(content.slice(29_998, 30_009), '\x01\x01written\x01\x01')
})

test('what cannot be read has a name, and the rest is read all the same', {
  skip: missingTools('mke2fs', 'debugfs') ?? false,
}, (t) => {
  const tree = join(testFolder(t), 'tree')
  mkdirSync(join(tree, 'folder'), { recursive: true })
  writeFileSync(join(tree, 'good'), 'good')
  writeFileSync(join(tree, 'secret'), 'secret')
  writeFileSync(join(tree, 'lost'), 'lost')
  writeFileSync(join(tree, 'folder', 'inside'), 'inside')
  const make = ['-t', 'ext4', '-b', '1024', '-d', tree]
  const image = volume(t, 64, make)
  const debugfs = (command: string) => tool('debugfs', ['-w', '-R', command, image])
  debugfs('sif /secret flags 0x80800')
  debugfs('clri /lost')
  debugfs('sif /folder flags 0x80800')
  const { tree: seen } = opened(counted(t, image))
  assert.equal(Buffer.from(readSmallFile(seen, 'good', 100) ?? []).toString(), 'good')
  assert.equal(findNode(seen, 'secret')?.open().problem?.code, 'ext-encrypted')
  assert.equal(findNode(seen, 'lost')?.open().problem?.code, 'ext-inode')
  assert.equal(findNode(seen, 'lost')?.mode, null)
  assert.equal(findNode(seen, 'folder')?.list().problem?.code, 'ext-directory')
  assert.equal(findNode(seen, 'folder')?.open().problem?.code, 'ext-no-file')

  truncateSync(image, 3 * mebibyte)
  const { problems } = opened(counted(t, image))
  assert.deepEqual(
    problems.map(({ code }) => code),
    ['ext-cut-off'],
  )
  const unknown = volume(t, 16, ['-t', 'ext4', '-O', '^metadata_csum'])
  tool('debugfs', ['-w', '-R', 'set_super_value feature_incompat 0x1000', unknown])
  assert.equal(openExt(counted(t, unknown)).problem?.code, 'ext-features')
  const journal = volume(t, 16, ['-O', 'journal_dev', '-b', '4096'])
  assert.equal(openExt(counted(t, journal)).problem?.code, 'ext-journal-device')
})
