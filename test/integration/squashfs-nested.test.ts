import assert from 'node:assert/strict'
import { closeSync, mkdirSync, openSync, readSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { BlockDevice } from '../../native-helpers/block/device.ts'
import { openFileDevice } from '../../native-helpers/block/file-device.ts'
import { openDevice } from '../../native-helpers/block/spec.ts'
import { fileInImage } from '../../native-helpers/volumes/squashfs/file-in-image.ts'
import { openSquashfs } from '../../native-helpers/volumes/squashfs/squashfs.ts'
import { makeTree } from '../support/squashfs-tree.ts'
import { missingTools, seeded, testFolder, tool } from '../support/tools.ts'

const mebibyte = 1024 ** 2
/** From the end of the file system; the place of a mark. */
const markFromEnd = 100 * 1024

/** A sparse ext4 with files in it and a mark near its end, in a LiveOS folder as live images have it. */
function nestedImage(folder: string, sizeBytes: number, options: readonly string[]): { plain: string; image: string } {
  const plain = join(folder, 'root', 'LiveOS', 'rootfs.img')
  const files = join(folder, 'files')
  mkdirSync(join(folder, 'root', 'LiveOS'), { recursive: true })
  mkdirSync(files)
  makeTree(files, { manyEntries: 200 })
  writeFileSync(plain, '')
  truncateSync(plain, sizeBytes)
  tool('mkfs.ext4', ['-q', '-F', '-b', '4096', '-d', files, plain])
  const file = openSync(plain, 'r+')
  writeSync(file, Buffer.from('far beyond'), 0, 10, sizeBytes - markFromEnd)
  closeSync(file)
  const image = join(folder, 'nested.squashfs')
  tool('mksquashfs', [join(folder, 'root'), image, '-quiet', '-no-progress', ...options])
  return { plain, image }
}

// One reaches beyond what 32 bits count; packing the zeros of three such would take a minute.
const cases = { gzip: 4300 * mebibyte, zstd: 256 * mebibyte, xz: 256 * mebibyte }

for (const [compressor, sizeBytes] of Object.entries(cases))
  test(`any place of a file system of ${sizeBytes / mebibyte} MiB in an image is read without unpacking it (${compressor})`, async (t) => {
    const missing = missingTools('mksquashfs', 'mkfs.ext4')
    if (missing) return t.skip(missing)
    const { plain, image } = nestedImage(testFolder(t), sizeBytes, ['-comp', compressor])
    const whole = openFileDevice({ path: image, writable: false })
    t.after(() => whole.close())
    const counted = counting(whole)
    const squashfs = await openSquashfs(counted, { contentCacheBytes: 4 * mebibyte })
    const file = squashfs.lookup('LiveOS/rootfs.img')
    assert(file?.type === 'file')
    const device = squashfs.fileDevice(file)
    assert.equal(device.size, sizeBytes)
    assert.equal(device.writeSync, undefined)

    const expected = openSync(plain, 'r')
    t.after(() => closeSync(expected))
    const random = seeded(11)
    const mark = sizeBytes - markFromEnd
    const places = [0, 1024, mark - 5, mark, device.size - 4096]
    // Half of the places near the beginning, where the file system has most of its contents.
    for (let each = 0; each < 300; each += 1) places.push(Math.floor(random() * (each % 2 ? device.size - 200_000 : 40_000_000)))
    for (const [index, place] of places.entries()) {
      const length = Math.min(index % 9 === 0 ? 200_000 : 4096, device.size - place)
      const ours = new Uint8Array(length)
      const theirs = new Uint8Array(length)
      device.readSync(ours, place)
      readSync(expected, theirs, 0, length, place)
      assert(Buffer.compare(ours, theirs) === 0, `${length} bytes at ${place} differ`)
    }
    assert(counted.bytesRead() < 40 * mebibyte, `${counted.bytesRead()} bytes were read`)
    assert.throws(() => device.readSync(new Uint8Array(2), device.size - 1), RangeError)
  })

test('a file of an image is opened as a device by its description, as another thread does it', async (t) => {
  const missing = missingTools('mksquashfs', 'mkfs.ext4')
  if (missing) return t.skip(missing)
  const { image } = nestedImage(testFolder(t), 64 * mebibyte, ['-comp', 'gzip'])
  const spec = fileInImage({ image: { kind: 'file', path: image, writable: false }, path: 'LiveOS/rootfs.img' })
  const opened = await openDevice(structuredClone(spec))
  const bytes = new Uint8Array(10)
  opened.device.readSync(bytes, opened.device.size - markFromEnd)
  opened.close()
  assert.equal(Buffer.from(bytes).toString(), 'far beyond')
})

function counting(device: BlockDevice): BlockDevice & { bytesRead(): number } {
  let bytesRead = 0
  return {
    size: device.size,
    sectorSize: device.sectorSize,
    readSync(into, offset) {
      bytesRead += into.length
      device.readSync(into, offset)
    },
    bytesRead: () => bytesRead,
  }
}
