import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { closeSync, mkdirSync, openSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { flashBad } from '../support/bad-input.ts'
import { cannotLoop } from '../support/devices.ts'
import { cutOff, pack, packings, sampleImage, sha256 } from '../support/sample-images.ts'
import { testFolder, tool } from '../support/tools.ts'

const skip = cannotLoop() ?? false
const MiB = 1024 * 1024

for (const packing of packings.filter((one) => one !== 'raw')) {
  test(`a .${packing} that ends too early fails, and the card is not called finished`, { skip }, async (t) => {
    const cut = cutOff(pack(sampleImage(testFolder(t)), packing))
    // A zip's directory is at its end, so it shows before anything is written.
    const target = packing === 'zip' ? 'untouched' : 'unfinished'
    await flashBad(t, cut, [], { exitCode: 4, code: /^image-(truncated|damaged)$/, target })
  })
}

test('a checksum that was given and does not fit fails the job, and says what is on the card now', { skip }, async (t) => {
  const image = pack(sampleImage(testFolder(t)), 'gz')
  for (const given of [
    ['--sha256', '0'.repeat(64)],
    ['--md5', '0'.repeat(32)],
  ]) {
    const { stderr } = await flashBad(t, image, given, { exitCode: 4, code: 'checksum-mismatch', target: 'unfinished' })
    assert.match(stderr, /unverified image/)
  }
})

test('a checksum beside the image that does not fit fails the job', { skip }, async (t) => {
  const image = pack(sampleImage(testFolder(t)), 'xz')
  writeFileSync(`${image}.sha256`, `${'0'.repeat(64)}  sample-12-1.img.xz\n`)
  await flashBad(t, image, [], { exitCode: 4, code: 'checksum-mismatch', target: 'unfinished' })
})

test('an empty file, a folder, an absent file and an archive of nothing are named', { skip }, async (t) => {
  const folder = testFolder(t)
  const empty = join(folder, 'empty.img')
  writeFileSync(empty, '')
  await flashBad(t, empty, [], { exitCode: 4, code: 'image-empty', target: 'untouched' })
  mkdirSync(join(folder, 'folder.img'))
  await flashBad(t, join(folder, 'folder.img'), [], { exitCode: 2, code: 'image-is-folder', target: 'untouched' })
  await flashBad(t, join(folder, 'absent.img'), [], { exitCode: 2, code: 'image-not-found', target: 'untouched' })
  await flashBad(t, '/dev/zero', [], { exitCode: 2, code: 'image-not-a-file', target: 'untouched' })
})

test('a zip with several images asks which, and writes none', { skip }, async (t) => {
  const folder = testFolder(t)
  const archive = pack(sampleImage(folder, 2 * MiB), 'zip')
  tool('zip', ['-q', '-j', archive, sampleImage(folder, 3 * MiB)])
  const { stderr } = await flashBad(t, archive, [], { exitCode: 2, code: /^image-(choice|ambiguous)$/, target: 'untouched' })
  assert.match(stderr, /--member NAME/)
  await flashBad(t, archive, ['--member', 'other.img'], { exitCode: 2, code: 'image-no-such-member', target: 'untouched' })
})

/** A block map of the whole image, version 2.0, with its own checksum right. */
function bmapOf(image: string, imageBytes = statSync(image).size): string {
  const blocks = Math.ceil(imageBytes / 4096)
  const text = (sum: string) => `<?xml version="1.0" ?>
<bmap version="2.0">
    <ImageSize> ${imageBytes} </ImageSize>
    <BlockSize> 4096 </BlockSize>
    <BlocksCount> ${blocks} </BlocksCount>
    <MappedBlocksCount> ${blocks} </MappedBlocksCount>
    <ChecksumType> sha256 </ChecksumType>
    <BmapFileChecksum> ${sum} </BmapFileChecksum>
    <BlockMap>
        <Range chksum="${sha256(image)}"> 0-${blocks - 1} </Range>
    </BlockMap>
</bmap>
`
  return text(
    createHash('sha256')
      .update(text('0'.repeat(64)))
      .digest('hex'),
  )
}

test('a block map of another image is refused: of another length, of other bytes, with a wrong sum of its own', {
  skip,
}, async (t) => {
  const image = sampleImage(testFolder(t))
  const bmap = `${image}.bmap`
  const expected = { exitCode: 4, code: /^bmap-/ } as const

  writeFileSync(bmap, bmapOf(image, statSync(image).size + 4096))
  await flashBad(t, image, ['--bmap', bmap], { ...expected, target: 'untouched' })

  writeFileSync(bmap, bmapOf(image).replace(/<MappedBlocksCount> \d/, '<MappedBlocksCount> 9'))
  await flashBad(t, image, ['--bmap', bmap], { ...expected, target: 'untouched' })

  writeFileSync(bmap, bmapOf(image))
  const file = openSync(image, 'r+')
  writeSync(file, 'another release', 9 * MiB)
  closeSync(file)
  await flashBad(t, image, [], { ...expected, target: 'unfinished' })
})
