import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { closeSync, mkdirSync, openSync, readFileSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { BlockDevice } from '../../native-helpers/block/device.ts'
import { type FatTree, openFat } from '../../native-helpers/volumes/fat-tree.ts'
import { childNamed, findNode, readSmallFile, walkTree } from '../../native-helpers/volumes/tree.ts'
import { memoryDevice, withFileDevice } from '../support/file-device.ts'
import { treeContent, writeSampleTree } from '../support/sample-tree.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'

const MiB = 1024 * 1024
const needs = missingTools('mkfs.fat', 'fsck.fat', 'mcopy', 'mdeltree', 'mdir', 'mattrib')
const env = { MTOOLS_SKIP_CHECK: '1', LC_ALL: 'C.UTF-8' }

const kinds: [string, string[], number][] = [
  ['FAT12', ['-F', '12', '-s', '64'], 100],
  ['FAT16 with small clusters', ['-F', '16', '-s', '1'], 31],
  ['FAT32', ['-F', '32'], 200],
  ['FAT32 with clusters of one sector', ['-F', '32', '-s', '1'], 64],
  ['FAT32 with sectors of 4096 bytes', ['-F', '32', '-S', '4096', '-s', '1'], 300],
]

function makeVolume(folder: string, options: string[], sizeMiB: number): string {
  const image = join(folder, 'fat.img')
  tool('mkfs.fat', ['-C', ...options, '-n', 'BOOT', image, String(sizeMiB * 1024)])
  return image
}

function fill(folder: string, image: string): void {
  const root = join(folder, 'tree')
  mkdirSync(root)
  writeSampleTree(root, 3, { files: 40, links: false })
  mkdirSync(join(root, 'LiveOS'))
  mkdirSync(join(root, 'EFI', 'BOOT'), { recursive: true })
  writeFileSync(join(root, 'EFI', 'BOOT', 'grub.cfg'), 'set default=0\n')
  writeFileSync(join(root, 'LiveOS', 'overlay-LIVE-1234-ABCD'), Buffer.alloc(1_234_567, 9))
  writeFileSync(join(root, 'LiveOS', 'empty'), '')
  writeFileSync(join(root, 'lower.txt'), 'small letters')
  writeFileSync(join(root, 'UPPER.TXT'), 'capitals')
  writeFileSync(join(root, 'exactly13char'), '13')
  writeFileSync(join(root, 'Größe 日本 und ✓ mit einem sehr langen Namen.text.txt'), 'unicode')
  writeFileSync(join(root, 'n'.repeat(200)), 'long')
  mkdirSync(join(root, 'many'))
  for (let at = 0; at < 300; at += 1) writeFileSync(join(root, 'many', `a file with number ${at}`), `${at}`)
  // What is deleted in between leaves holes, so that the rest lies in pieces.
  tool('mcopy', ['-i', image, '-s', ...['d0', 'd1', 'd2', 'd3', 'd4', 'd5', 'd6'].map((name) => join(root, name)), '::/'], { env })
  for (const gone of ['d1', 'd3', 'd5']) tool('mdeltree', ['-i', image, `::/${gone}`], { env })
  const rest = [
    'd1',
    'LiveOS',
    'EFI',
    'many',
    'lower.txt',
    'UPPER.TXT',
    'exactly13char',
    'n'.repeat(200),
    'Größe 日本 und ✓ mit einem sehr langen Namen.text.txt',
  ]
  tool('mcopy', ['-i', image, '-s', ...rest.map((name) => join(root, name)), '::/'], { env })
}

function bytesOf(device: BlockDevice): Buffer {
  const bytes = Buffer.alloc(device.size)
  device.readSync(bytes, 0)
  return bytes
}

function contents(tree: FatTree): Map<string, string> {
  const found = new Map<string, string>()
  const problems = walkTree(tree, (path, node) => {
    const device = node.kind === 'file' ? (node.open().value ?? assert.fail(path)) : null
    if (device) assert.equal(device.size, node.sizeBytes)
    found.set(path, device ? createHash('sha256').update(bytesOf(device)).digest('hex') : 'folder')
  })
  assert.deepEqual(problems, [])
  return found
}

function sorted(map: Map<string, string>): [string, string][] {
  return [...map].sort(([a], [b]) => (a < b ? -1 : 1))
}

for (const [name, options, sizeMiB] of kinds) {
  test(`every file of ${name} is what mtools takes out of it`, { skip: needs ?? false }, (t) => {
    const folder = testFolder(t)
    const image = makeVolume(folder, options, sizeMiB)
    fill(folder, image)
    const summary = tool('fsck.fat', ['-n', '-v', image])
    const out = join(folder, 'out')
    mkdirSync(out)
    tool('mcopy', ['-i', image, '-s', '-n', '-Q', '::/*', out], { env })
    withFileDevice(image, 512, (device) => {
      const { value: tree } = openFat(device)
      assert.ok(tree)
      assert.deepEqual(sorted(contents(tree)), sorted(treeContent(out)))
      assert.equal(tree.dirty, false)
      const [, used = 0, all = 0] = /(\d+)\/(\d+) clusters/.exec(summary)?.map(Number) ?? []
      assert.equal(tree.volume.clusterCount, all)
      assert.equal(tree.table.countFree(), all - used)
      assert.equal(Buffer.from(readSmallFile(tree, 'efi/boot/GRUB.CFG', 100) ?? []).toString(), 'set default=0\n')
      assert.equal(childNamed(tree, tree.root, 'LOWER.TXT')?.name, 'lower.txt')
    })
  })
}

test('what is written through the pieces of a file is found by mtools', { skip: needs ?? false }, (t) => {
  const folder = testFolder(t)
  const image = makeVolume(folder, ['-F', '32', '-s', '1'], 64)
  fill(folder, image)
  // The hint where to look for free clusters set back to the start: what comes next fills the holes first.
  patch(image, 512 + 492, [2, 0, 0, 0])
  const large = join(folder, 'large')
  writeFileSync(large, Buffer.alloc(8 * MiB + 5, 3))
  tool('mcopy', ['-i', image, large, '::/LiveOS/in pieces'], { env })
  const bytes = readFileSync(image)
  const writable: BlockDevice = { ...memoryDevice(bytes), writeSync: (from, offset) => bytes.set(from, offset) }
  const { value: tree } = openFat(writable)
  const node = tree && findNode(tree, 'LIVEOS/In Pieces')
  const file = node?.open().value
  assert.ok(file?.writeSync)
  assert.ok((node?.extents().value?.length ?? 0) > 1, 'it lies in pieces')
  const content = Buffer.alloc(file.size, 'written in place ')
  for (let at = 0; at < content.length; at += 100_003) file.writeSync(content.subarray(at, at + 100_003), at)
  writeFileSync(image, bytes)
  tool('fsck.fat', ['-n', image])
  tool('mcopy', ['-i', image, '::/LiveOS/in pieces', join(folder, 'copy')], { env })
  assert.ok(readFileSync(join(folder, 'copy')).equals(content))
})

test('an unclean unmount is noticed in both places where it is noted', { skip: needs ?? false }, (t) => {
  const image = makeVolume(testFolder(t), ['-F', '32', '-s', '1'], 64)
  const dirty = () => withFileDevice(image, 512, (device) => openFat(device).value?.dirty)
  assert.equal(dirty(), false)
  patch(image, 65, [1])
  assert.equal(dirty(), true)
  patch(image, 65, [0])
  patch(image, 32 * 512 + 7, [0x07])
  assert.equal(dirty(), true)
})

function patch(image: string, at: number, bytes: number[]): void {
  const file = openSync(image, 'r+')
  writeSync(file, Uint8Array.from(bytes), 0, bytes.length, at)
  closeSync(file)
}

test('chains that loop, lead nowhere or end early are named, and end', { skip: needs ?? false }, (t) => {
  const folder = testFolder(t)
  const image = makeVolume(folder, ['-F', '32', '-s', '1'], 64)
  const file = join(folder, 'file')
  writeFileSync(file, Buffer.alloc(512 * 20, 1))
  tool('mcopy', ['-i', image, file, '::/file'], { env })
  tool('mmd', ['-i', image, '::/dir', '::/dir/below'], { env })
  const entry = (cluster: number, value: number) => {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32LE(value)
    patch(image, 32 * 512 + cluster * 4, [...bytes])
  }
  const opened = (path: string) =>
    withFileDevice(image, 512, (device) => {
      const { value: tree } = openFat(device)
      const node = tree && findNode(tree, path)
      return node?.kind === 'directory' ? node.list().problem?.code : node?.open().problem?.code
    })
  const [first = 0] = withFileDevice(image, 512, (device) => {
    const { value: tree } = openFat(device)
    return tree ? [findNode(tree, 'file')?.id ?? 0] : []
  })
  assert.equal(opened('file'), undefined)
  entry(first + 10, first)
  assert.equal(opened('file'), 'fat-loop')
  entry(first + 10, first + 5)
  assert.equal(opened('file'), 'fat-loop')
  entry(first + 10, 0x0fffffff)
  assert.equal(opened('file'), 'fat-chain-short')
  entry(first + 10, 0)
  assert.equal(opened('file'), 'fat-chain')
  entry(first + 10, 0x0ffffff7)
  assert.equal(opened('file'), 'fat-chain')
  const directory = withFileDevice(image, 512, (device) => {
    const { value: tree } = openFat(device)
    return (tree && findNode(tree, 'dir')?.id) ?? 0
  })
  entry(directory, directory)
  assert.equal(opened('dir'), 'fat-loop')
  truncateSync(image, MiB)
  assert.equal(
    withFileDevice(image, 512, (device) => openFat(device).value?.problems[0]?.code),
    'fat-cut-off',
  )
})

test('a directory that leads back to one above it is not entered twice', { skip: needs ?? false }, (t) => {
  const folder = testFolder(t)
  const image = makeVolume(folder, ['-F', '16', '-s', '4'], 31)
  tool('mmd', ['-i', image, '::/a', '::/a/b'], { env })
  const bytes = readFileSync(image)
  const { value: tree } = openFat(memoryDevice(bytes))
  const a = tree && findNode(tree, 'a')
  assert.ok(tree && a)
  const start = tree.volume.dataStart + (a.id - 2) * tree.volume.clusterBytes
  assert.equal(bytes.subarray(start + 64, start + 72).toString(), 'B       ')
  bytes.writeUInt16LE(a.id, start + 64 + 26)
  const again = openFat(memoryDevice(bytes)).value
  const paths: string[] = []
  assert.deepEqual(again && walkTree(again, (path) => paths.push(path)).map(({ code }) => code), ['tree-loop'])
  assert.deepEqual(paths, ['a', 'a/b'])
})
