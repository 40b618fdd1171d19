import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { openImage } from '../../native-helpers/imaging/open-image.ts'
import { probeImage } from '../../native-helpers/imaging/probe.ts'
import { mixedBytes, packed, readImage, scratchFolder } from '../support/packed-images.ts'

const options = { blockBytes: 256 * 1024, slots: 4 }
const image = mixedBytes(4_000_000)

function stored(t: TestContext, bytes: Uint8Array, name = 'image'): string {
  const file = path.join(scratchFolder(t), name)
  fs.writeFileSync(file, bytes)
  return file
}

function zip(t: TestContext): Buffer {
  const folder = scratchFolder(t)
  fs.writeFileSync(path.join(folder, 'system.img'), image)
  execFileSync('python3', ['-m', 'zipfile', '-c', 'archive.zip', 'system.img'], { cwd: folder })
  return fs.readFileSync(path.join(folder, 'archive.zip'))
}

const packers: Record<string, (t: TestContext) => Buffer> = {
  gzip: () => packed('gzip', [], image),
  'bzip2 in one thread': () => packed('bzip2', [], image.subarray(0, 1_000_000)),
  'bzip2 in several threads': () => packed('bzip2', [], image),
  'xz of one block': () => packed('xz', ['-1'], image),
  'xz of many blocks': () => packed('xz', ['-1', '-T2', '--block-size=500000'], image),
  zstd: () => packed('zstd', ['--check'], image),
  zip,
}

for (const [name, pack] of Object.entries(packers)) {
  test(`${name} that ends too early is named so, wherever it was cut`, async (t) => {
    const bytes = pack(t)
    for (const length of [Math.floor(bytes.length / 2), bytes.length - 20, bytes.length - 1]) {
      await assert.rejects(
        readImage(stored(t, bytes.subarray(0, length)), options),
        { code: 'image-truncated', kind: 'data' },
        `cut to ${length} of ${bytes.length}`,
      )
    }
  })

  test(`${name} with a changed byte is named damaged`, async (t) => {
    const bytes = pack(t)
    for (const share of [0.3, 0.5, 0.9]) {
      const changed = Buffer.from(bytes)
      const at = Math.floor(bytes.length * share)
      changed[at] = (changed[at] ?? 0) ^ 0x55
      await assert.rejects(
        readImage(stored(t, changed), options),
        { kind: 'data', code: /^image-(damaged|truncated)$/ },
        `changed at ${at}`,
      )
    }
  })

  test(`something behind ${name} is named`, async (t) => {
    const bytes = Buffer.concat([pack(t), Buffer.from('This is no part of the image.')])
    await assert.rejects(readImage(stored(t, bytes), options), { code: 'image-damaged', kind: 'data' })
  })
}

test('a checksum that does not fit is found by every format', async (t) => {
  const gzip = packed('gzip', [], image)
  gzip.writeUInt32LE(1, gzip.length - 8)
  await assert.rejects(readImage(stored(t, gzip), options), { code: 'image-damaged' })
  const zstd = packed('zstd', ['--check'], image)
  zstd.writeUInt32LE(1, zstd.length - 4)
  await assert.rejects(readImage(stored(t, zstd), options), { code: 'image-damaged' })
  const bzip2 = packed('bzip2', [], image)
  bzip2[10] = (bzip2[10] ?? 0) ^ 1
  await assert.rejects(readImage(stored(t, bzip2), options), { code: 'image-damaged' })
})

test('a window or dictionary that needs more memory than an image gets is refused by name', async (t) => {
  await assert.rejects(readImage(stored(t, packed('zstd', ['--long=30', '--no-content-size'], image)), options), {
    code: 'image-needs-memory',
  })
  await assert.rejects(readImage(stored(t, packed('xz', ['--lzma2=preset=0,dict=512MiB'], image.subarray(0, 1000))), options), {
    code: 'image-needs-memory',
  })
})

test('what is no image file is named: nothing, empty, a folder, a pipe, a drive', async (t) => {
  const folder = scratchFolder(t)
  await assert.rejects(probeImage({ location: path.join(folder, 'missing.img') }), { code: 'image-not-found', kind: 'usage' })
  await assert.rejects(probeImage({ location: stored(t, Buffer.alloc(0)) }), { code: 'image-empty' })
  await assert.rejects(probeImage({ location: folder }), { code: 'image-is-folder' })
  execFileSync('mkfifo', [path.join(folder, 'pipe')])
  await assert.rejects(probeImage({ location: path.join(folder, 'pipe') }), { code: 'image-not-a-file' })
  const drive = ['/dev/loop0', '/dev/zram0'].find((name) => fs.existsSync(name))
  if (drive !== undefined && process.getuid?.() === 0)
    await assert.rejects(probeImage({ location: drive }), { code: 'image-not-a-file', message: /a drive/ })
})

test('a file that shrinks while it is read is named', async (t) => {
  for (const bytes of [image, packed('gzip', [], mixedBytes(20_000_000))]) {
    const file = stored(t, bytes)
    const stream = await openImage(await probeImage({ location: file }), options)
    try {
      const first = await stream.next()
      fs.truncateSync(file, Math.floor(bytes.length / 2))
      first?.release()
      await assert.rejects(
        async () => {
          for (let block = await stream.next(); block !== null; block = await stream.next()) block.release()
        },
        { code: 'image-changed', kind: 'data' },
      )
    } finally {
      await stream.close()
    }
  }
})

test('a decompression bomb fills the slots and nothing else until it is stopped', async (t) => {
  const folder = scratchFolder(t)
  for (const [tool, name] of [
    ['gzip', 'bomb.gz'],
    ['zstd', 'bomb.zst'],
    ['xz', 'bomb.xz'],
    ['bzip2', 'bomb.bz2'],
  ] as const) {
    // The same again and again: every one of these formats allows it.
    const zeros = packed(tool, ['-1'], Buffer.alloc(100_000_000))
    fs.writeFileSync(path.join(folder, name), Buffer.concat(Array.from({ length: 30 }, () => zeros)))
    const before = process.memoryUsage().rss
    const stream = await openImage(await probeImage({ location: path.join(folder, name) }))
    const block = await stream.next()
    await new Promise((resolve) => setTimeout(resolve, 300))
    const grown = (process.memoryUsage().rss - before) / 1024 / 1024
    block?.release()
    await stream.close()
    assert.ok(grown < 150, `${name} took ${Math.round(grown)} MiB`)
  }
})

test('a stream that is stopped by its signal ends at once, whatever it waits for', async (t) => {
  for (const bytes of [
    image,
    packed('gzip', [], mixedBytes(20_000_000)),
    packed('xz', ['-0', '-T2', '--block-size=500000'], image),
  ]) {
    const stop = new AbortController()
    const stream = await openImage(await probeImage({ location: stored(t, bytes) }), { ...options, signal: stop.signal })
    const held = []
    for (let count = 0; count < options.slots; count++) held.push(await stream.next())
    const waiting = stream.next()
    stop.abort()
    await assert.rejects(
      waiting,
      (thrown: Error) => thrown.name === 'AbortError' || ('code' in thrown && thrown.code === 'cancelled'),
    )
    await stream.close()
    assert.ok(held.length === options.slots)
  }
})
