import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { mixedBytes, packed, readImage, scratchFolder, sha256 } from '../support/packed-images.ts'

/** Small blocks, so that a test's image goes around the ring several times. */
const options = { blockBytes: 256 * 1024, slots: 4 }
const image = mixedBytes(5_000_001)
const other = mixedBytes(1_500_000, 7)

/** The name must not matter. */
function stored(t: TestContext, bytes: Uint8Array): string {
  const file = path.join(scratchFolder(t), 'download')
  fs.writeFileSync(file, bytes)
  return file
}

async function comesOut(
  t: TestContext,
  format: string,
  bytes: Uint8Array,
  content: Buffer,
  contentBytes: number | null,
): Promise<void> {
  const read = await readImage(stored(t, bytes), options)
  assert.equal(read.facts.format, format)
  assert.equal(read.facts.contentBytes, contentBytes)
  assert.equal(read.facts.storedBytes, bytes.length)
  assert.equal(sha256(read.content), sha256(content))
  assert.equal(read.contentBytes, content.length)
  assert.equal(read.storedBytesRead, bytes.length)
}

test('a plain image is read as it is, also when it is no multiple of a block', (t) =>
  comesOut(t, 'raw', image, image, image.length))

test('a plain image of exactly some blocks is read whole', async (t) => {
  const whole = image.subarray(0, 8 * options.blockBytes)
  await comesOut(t, 'raw', whole, whole, whole.length)
})

test('what gzip packs is decoded', (t) => comesOut(t, 'gzip', packed('gzip', ['-6'], image), image, null))

test('gzip of several members is decoded to its end, and zeros behind it are padding', async (t) => {
  const members = Buffer.concat([packed('gzip', ['-9'], image), packed('gzip', ['-1'], other), packed('gzip', [], Buffer.alloc(0))])
  await comesOut(t, 'gzip', members, Buffer.concat([image, other]), null)
  await comesOut(t, 'gzip', Buffer.concat([members, Buffer.alloc(70_000)]), Buffer.concat([image, other]), null)
})

test('what bzip2 packs is decoded, in one thread and in several', async (t) => {
  await comesOut(t, 'bzip2', packed('bzip2', ['-9'], image.subarray(0, 1_200_000)), image.subarray(0, 1_200_000), null)
  await comesOut(t, 'bzip2', packed('bzip2', ['-9'], image), image, null)
  await comesOut(t, 'bzip2', packed('bzip2', ['-1'], image), image, null)
})

test('bzip2 of several streams is decoded to its end', (t) =>
  comesOut(
    t,
    'bzip2',
    Buffer.concat([packed('bzip2', ['-2'], image), packed('bzip2', [], other)]),
    Buffer.concat([image, other]),
    null,
  ))

test('bzip2 of content that repeats itself, which makes its links run in circles, comes out whole', async (t) => {
  const contents = ['a', 'ab'.repeat(450_000), `${'abc'.repeat(300_000)}x`, 'aaaab', 'abcd'.repeat(5), '\u0000\u00ff'.repeat(10)]
  for (const text of contents) {
    const content = Buffer.from(text, 'latin1')
    await comesOut(t, 'bzip2', packed('bzip2', ['-9'], content), content, null)
  }
})

test('a bzip2 of hundreds of mebibytes of zeros comes out whole', async (t) => {
  const zeros = Buffer.alloc(300_000_000)
  await comesOut(t, 'bzip2', packed('bzip2', [], zeros), zeros, null)
})

test('what xz packs is decoded, in one block and in many', async (t) => {
  await comesOut(t, 'xz', packed('xz', ['-2'], image), image, image.length)
  await comesOut(t, 'xz', packed('xz', ['-T2', '-1', '--block-size=300000'], image), image, image.length)
  await comesOut(t, 'xz', packed('xz', ['-T2', '-1', '--block-size=300000', '--check=sha256'], image), image, image.length)
  await comesOut(t, 'xz', packed('xz', ['--x86', '--lzma2=preset=1', '--check=crc32'], image), image, image.length)
})

test('xz of several streams with padding between and behind them is decoded to its end', async (t) => {
  const both = Buffer.concat([image, other])
  const streams = [
    packed('xz', ['-T2', '-1', '--block-size=700000'], image),
    Buffer.alloc(16),
    packed('xz', ['-0'], other),
    Buffer.alloc(8),
  ]
  await comesOut(t, 'xz', Buffer.concat(streams), both, both.length)
})

test('what zstd packs is decoded, also several frames and frames to be skipped', async (t) => {
  await comesOut(t, 'zstd', packed('zstd', ['-3', '--no-content-size'], image), image, null)
  const skipped = Buffer.concat([Buffer.from('5a2a4d1803000000', 'hex'), Buffer.from('abc')])
  const frames = Buffer.concat([skipped, packed('zstd', ['-1'], image), skipped, packed('zstd', ['--check', '-5'], other)])
  await comesOut(t, 'zstd', frames, Buffer.concat([image, other]), null)
})

test('the length of a zstd image is known when its frames tell', async (t) => {
  const folder = scratchFolder(t)
  for (const [name, bytes] of Object.entries({ image, other })) {
    fs.writeFileSync(path.join(folder, name), bytes)
    execFileSync('zstd', ['-q', path.join(folder, name)])
  }
  const frames = Buffer.concat([fs.readFileSync(path.join(folder, 'image.zst')), fs.readFileSync(path.join(folder, 'other.zst'))])
  await comesOut(t, 'zstd', frames, Buffer.concat([image, other]), image.length + other.length)
})

const makeZip = `
import sys, zipfile
target, method, force = sys.argv[1], int(sys.argv[2]), sys.argv[3] == 'zip64'
with zipfile.ZipFile(target, 'w', method) as archive:
    for name in sys.argv[4:]:
        info = zipfile.ZipInfo(name.split('/')[-1])
        info.compress_type = method
        with archive.open(info, 'w', force_zip64=force) as member:
            member.write(open(name, 'rb').read())
`

function zipped(
  t: TestContext,
  method: 'stored' | 'deflated' | 'bzip2',
  kind: 'zip' | 'zip64',
  members: Record<string, Buffer>,
): string {
  const folder = scratchFolder(t)
  const names = Object.entries(members).map(([name, bytes]) => {
    fs.writeFileSync(path.join(folder, name), bytes)
    return path.join(folder, name)
  })
  const archive = path.join(folder, 'archive')
  execFileSync('python3', ['-c', makeZip, archive, { stored: '0', deflated: '8', bzip2: '12' }[method], kind, ...names])
  return archive
}

for (const method of ['stored', 'deflated', 'bzip2'] as const) {
  test(`the image in a zip is found beside its readme and decoded (${method})`, async (t) => {
    const archive = zipped(t, method, method === 'stored' ? 'zip64' : 'zip', {
      'readme.txt': other.subarray(0, 3000),
      'system.img': image,
    })
    const read = await readImage(archive, options)
    assert.equal(read.facts.format, 'zip')
    assert.equal(read.facts.contentBytes, image.length)
    assert.deepEqual(read.facts.members, [])
    assert.equal(sha256(read.content), sha256(image))
  })
}

test('a zip with several images asks which, and reads the one that is named', async (t) => {
  const archive = zipped(t, 'deflated', 'zip64', { 'one.img': image, 'two.iso': other })
  await assert.rejects(readImage(archive, options), { code: 'image-ambiguous', kind: 'usage' })
  const { facts, content } = await readImage(archive, options, 'two.iso')
  assert.deepEqual(facts.members, [
    { name: 'one.img', sizeBytes: image.length },
    { name: 'two.iso', sizeBytes: other.length },
  ])
  assert.equal(facts.contentBytes, other.length)
  assert.equal(sha256(content), sha256(other))
  await assert.rejects(readImage(archive, options, 'three.img'), { code: 'image-no-such-member' })
})

test('an encrypted zip is refused by name', async (t) => {
  const folder = scratchFolder(t)
  fs.writeFileSync(path.join(folder, 'system.img'), other)
  try {
    execFileSync('zip', ['-q', '-P', 'secret', 'archive.zip', 'system.img'], { cwd: folder })
  } catch {
    t.skip('zip is not installed')
    return
  }
  await assert.rejects(readImage(path.join(folder, 'archive.zip'), options), { code: 'image-encrypted', kind: 'data' })
})
