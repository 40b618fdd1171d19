import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openErofs } from '../../native-helpers/volumes/erofs.ts'
import { readErofsFacts } from '../../native-helpers/volumes/erofs-superblock.ts'
import { findNode, type VolumeTree, walkTree } from '../../native-helpers/volumes/tree.ts'
import { recodeErofs } from '../support/erofs-recode.ts'
import { memoryDevice, withFileDevice } from '../support/file-device.ts'
import { writeSampleTree } from '../support/sample-tree.ts'
import { missingTools, seeded, testFolder, tool } from '../support/tools.ts'

const needs = missingTools('mkfs.erofs', 'dump.erofs', 'mkfifo')

/** Files that compress well, in part and not at all, of sizes around the edges of blocks. */
function sampleTree(folder: string): string {
  const root = join(folder, 'tree')
  mkdirSync(join(root, 'etc'), { recursive: true })
  writeSampleTree(root, 9, { files: 25, links: true })
  const random = seeded(12)
  const text = () => Array.from({ length: 400 }, () => `word${Math.floor(random() * 50)} `).join('')
  for (const size of [0, 1, 100, 4094, 4095, 4096, 4097, 8192, 12288, 65536, 65537, 131072, 1_000_000]) {
    let content = ''
    while (content.length < size) content += text()
    writeFileSync(join(root, 'etc', `text${size}`), content.slice(0, size))
    const mixed = Buffer.alloc(size)
    for (let at = 0; at < size; at += 1) mixed[at] = Math.floor(at / 10_000) % 2 === 0 ? 65 : Math.floor(random() * 256)
    writeFileSync(join(root, 'etc', `mixed${size}`), mixed)
  }
  writeFileSync(join(root, 'zeros'), Buffer.alloc(3_000_000))
  mkdirSync(join(root, 'many'))
  for (let at = 0; at < 600; at += 1) writeFileSync(join(root, 'many', `file with number ${at}`), `${at}`)
  symlinkSync('etc/text100', join(root, 'link'))
  tool('mkfifo', [join(root, 'pipe')])
  chmodSync(join(root, 'etc', 'text100'), 0o4711)
  return root
}

function described(tree: VolumeTree): [string, string][] {
  const found = new Map<string, string>()
  const problems = walkTree(tree, (path, node) => {
    const device = node.kind === 'file' ? (node.open().value ?? assert.fail(`${path}: ${node.open().problem?.detail}`)) : null
    const bytes = new Uint8Array(device?.size ?? 0)
    device?.readSync(bytes, 0)
    const content = device ? createHash('sha256').update(bytes).digest('hex') : (node.target ?? '')
    found.set(path, `${node.kind} ${node.mode?.toString(8)} ${node.ownerId}:${node.groupId} ${content}`)
  })
  assert.deepEqual(problems, [])
  return sorted(found)
}

function describedFolder(root: string): [string, string][] {
  const found = new Map<string, string>()
  const visit = (inside: string): void => {
    for (const name of readdirSync(join(root, inside))) {
      const path = inside === '' ? name : `${inside}/${name}`
      const facts = lstatSync(join(root, path))
      const kind = facts.isDirectory() ? 'directory' : facts.isSymbolicLink() ? 'symlink' : facts.isFIFO() ? 'fifo' : 'file'
      const hash = () =>
        createHash('sha256')
          .update(readFileSync(join(root, path)))
          .digest('hex')
      const content = kind === 'symlink' ? readlinkSync(join(root, path)) : kind === 'file' ? hash() : ''
      found.set(path, `${kind} ${(facts.mode & 0o7777).toString(8)} ${facts.uid}:${facts.gid} ${content}`)
      if (kind === 'directory') visit(path)
    }
  }
  visit('')
  return sorted(found)
}

function sorted(map: Map<string, string>): [string, string][] {
  return [...map].sort(([a], [b]) => (a < b ? -1 : 1))
}

const kinds: [string, string[]][] = [
  ['uncompressed', []],
  ['uncompressed with long inodes', ['-Eforce-inode-extended']],
  ['uncompressed in chunks', ['--chunksize=16384']],
  ['lz4', ['-zlz4']],
  ['lz4 in large clusters', ['-zlz4hc', '-C65536']],
  ['lz4 in large clusters with packed tails', ['-zlz4hc', '-C65536', '-Eztailpacking']],
  ['lz4 with packed tails', ['-zlz4', '-Eztailpacking']],
  ['lz4 of the old kind', ['-zlz4', '-Elegacy-compress']],
  ['lz4 with short pieces', ['-zlz4', '--max-extent-bytes=8192']],
]

for (const [name, options] of kinds) {
  test(`every file of an EROFS image, ${name}, is as in the folder it was made of`, { skip: needs ?? false }, (t) => {
    const folder = testFolder(t)
    const root = sampleTree(folder)
    const image = join(folder, 'image.erofs')
    tool('mkfs.erofs', ['--quiet', '-U', '2b4f8b2c-3b3c-4e3f-9e57-1f6c2f2f5c11', ...options, image, root])
    withFileDevice(image, 512, (device) => {
      const { value: tree, problem } = openErofs(device)
      assert.ok(tree, problem?.detail)
      assert.deepEqual(described(tree), describedFolder(root))
      const printed = tool('dump.erofs', ['-s', image])
      assert.equal(tree.facts.uuid, /UUID:\s+(\S+)/.exec(printed)?.[1])
      assert.equal(tree.facts.totalBytes / tree.facts.blockBytes, Number(/blocks:\s+(\d+)/.exec(printed)?.[1]))
      assert.equal(tree.facts.inodes, Number(/inode count:\s+(\d+)/.exec(printed)?.[1]))
      assert.deepEqual(tree.facts.problems, [])
      const large = findNode(tree, 'etc/mixed1000000')?.open().value
      const whole = readFileSync(join(root, 'etc', 'mixed1000000'))
      const random = seeded(2)
      for (let round = 0; round < 50; round += 1) {
        const offset = Math.floor(random() * whole.length)
        const part = Buffer.alloc(Math.floor(random() * Math.min(20_000, whole.length - offset)))
        large?.readSync(part, offset)
        assert.ok(part.equals(whole.subarray(offset, offset + part.length)))
      }
    })
  })
}

for (const codec of ['zstd', 'deflate'] as const) {
  const root = process.getuid?.() === 0 ? null : 'only root may mount'
  test(`every file of an EROFS image with ${codec} is what the kernel reads`, { skip: needs ?? root ?? false }, (t) => {
    const folder = testFolder(t)
    const tree = sampleTree(folder)
    const image = join(folder, 'image.erofs')
    tool('mkfs.erofs', ['--quiet', '-zlz4hc', '-C65536', image, tree])
    const bytes = readFileSync(image)
    assert.ok(recodeErofs(bytes, codec) > 20)
    writeFileSync(image, bytes)
    const point = join(folder, 'mounted')
    mkdirSync(point)
    try {
      tool('mount', ['-t', 'erofs', '-o', 'loop,ro', image, point])
    } catch (thrown) {
      return t.skip(`this kernel mounts no EROFS with ${codec}: ${thrown instanceof Error ? thrown.message : thrown}`)
    }
    try {
      const { value: ours } = openErofs(memoryDevice(bytes))
      assert.ok(ours)
      const expected = describedFolder(point)
      assert.deepEqual(described(ours), expected)
      assert.deepEqual(expected, describedFolder(tree))
    } finally {
      tool('umount', [point])
    }
  })
}

test('a superblock with a wrong checksum and an image that was cut off are told', { skip: needs ?? false }, (t) => {
  const folder = testFolder(t)
  const root = sampleTree(folder)
  const image = join(folder, 'image.erofs')
  tool('mkfs.erofs', ['--quiet', image, root])
  const bytes = readFileSync(image)
  const codes = (content: Uint8Array) => readErofsFacts(memoryDevice(content)).value?.problems.map(({ code }) => code)
  assert.deepEqual(codes(bytes), [])
  assert.deepEqual(codes(bytes.subarray(0, 1_000_000)), ['erofs-cut-off'])
  bytes[1024 + 64] = 7
  assert.deepEqual(codes(bytes), ['erofs-checksum'])
  bytes[1024 + 80] = 0x80
  assert.equal(openErofs(memoryDevice(bytes)).problem?.code, 'erofs-features')
})
