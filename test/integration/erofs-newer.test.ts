import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import type { BlockDevice } from '../../native-helpers/block/device.ts'
import { LivecardError } from '../../native-helpers/errors.ts'
import { openErofs } from '../../native-helpers/volumes/erofs.ts'
import { findNode, walkTree } from '../../native-helpers/volumes/tree.ts'
import { memoryDevice } from '../support/file-device.ts'
import { cannotMount, mounted } from '../support/kernel-mount.ts'
import { seeded, testFolder } from '../support/tools.ts'

/**
 * Images of mkfs.erofs 1.8.6, since Debian 12's 1.5 makes no fragments and no blocks but of 4096 bytes; those of larger blocks by the same source with
 * EROFS_MAX_BLOCK_SIZE=65536. fsck.erofs --extract of 1.8.6 gave the files that they were made of, whose sums stand in truth.json.
 */
const folder = fileURLToPath(new URL('../fixtures/erofs', import.meta.url))
const truth = JSON.parse(readFileSync(join(folder, 'truth.json'), 'utf8')) as {
  images: Record<string, { made: string; blockBytes: number }>
  files: Record<string, string>
}
const imageOf = (name: string): Buffer => gunzipSync(readFileSync(join(folder, `${name}.erofs.gz`)))
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

function whole(device: BlockDevice): Buffer {
  const bytes = Buffer.alloc(device.size)
  device.readSync(bytes, 0)
  return bytes
}

for (const [name, { made, blockBytes }] of Object.entries(truth.images)) {
  test(`every file of ${name} (${made}) is as it was packed, in any piece`, () => {
    const { value: tree, problem } = openErofs(memoryDevice(imageOf(name)))
    assert.ok(tree, problem?.detail)
    assert.equal(tree.facts.blockBytes, blockBytes)
    assert.deepEqual(tree.facts.problems, [])
    const found: Record<string, string> = {}
    const problems = walkTree(tree, (path, node) => {
      const device = node.kind === 'file' ? node.open().value : null
      if (device) found[path] = sha256(whole(device))
    })
    assert.deepEqual(problems, [])
    assert.deepEqual(found, truth.files)
    const random = seeded(3)
    for (const path of ['text70001', 'text4097', 'sub/longer', 'sub/mixed']) {
      const device = findNode(tree, path)?.open().value ?? assert.fail(path)
      const content = whole(device)
      for (let round = 0; round < 40; round += 1) {
        const offset = Math.floor(random() * content.length)
        const part = Buffer.alloc(Math.floor(random() * (content.length - offset)))
        device.readSync(part, offset)
        assert.ok(part.equals(content.subarray(offset, offset + part.length)), `${path} at ${offset}`)
      }
    }
  })
}

test('the kernel reads the same from images with fragments', (t) => {
  const cannot = cannotMount()
  if (cannot) return t.skip(cannot)
  const path = join(testFolder(t), 'image')
  let read = 0
  for (const name of ['all-fragments-lz4', 'fragments-long-index', 'fragments-zstd']) {
    writeFileSync(path, imageOf(name))
    try {
      mounted(path, 'ro', (inside) => {
        for (const [file, sum] of Object.entries(truth.files))
          assert.equal(sha256(readFileSync(join(inside, file))), sum, `${name}: ${file}`)
        read += 1
      })
    } catch (thrown) {
      if (thrown instanceof assert.AssertionError) throw thrown
    }
  }
  if (read === 0) t.skip('this kernel mounts none of them')
})

test('ends of files that would lie beyond the packed file, or in none, are an error with a name', () => {
  const refused = (change: (image: Buffer) => void) => {
    const image = imageOf('all-fragments-lz4')
    change(image)
    const { value: tree } = openErofs(memoryDevice(image))
    const device = tree && findNode(tree, 'text20000')?.open().value
    assert.ok(device)
    assert.throws(
      () => whole(device),
      (thrown) => thrown instanceof LivecardError && thrown.code === 'erofs-damaged',
    )
  }
  const packedNodeOffset = 1024 + 96
  refused((image) => image.writeBigUInt64LE(0n, packedNodeOffset))
  refused((image) => image.writeBigUInt64LE(2n ** 52n, packedNodeOffset))
  // A packed file whose own end would lie in the packed file.
  refused((image) => {
    const { value: tree } = openErofs(memoryDevice(image))
    image.writeBigUInt64LE(BigInt((tree && findNode(tree, 'text20000')?.id) ?? 0), packedNodeOffset)
  })
  refused((image) => {
    const { value: tree } = openErofs(memoryDevice(image))
    const id = (tree && findNode(tree, 'text20000')?.id) ?? 0
    const offset = (tree?.facts.metaStart ?? 0) + id * 32
    const bodyBytes = image.readUInt16LE(offset) & 1 ? 64 : 32
    image.writeUInt32LE(0x7fffffff, Math.ceil((offset + bodyBytes) / 8) * 8)
  })
})
