import { appendFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { flashBad } from '../support/bad-input.ts'
import { cannotLoop } from '../support/devices.ts'
import { pack, sampleImage } from '../support/sample-images.ts'
import { testFolder } from '../support/tools.ts'

const skip = cannotLoop() ?? false
const MiB = 1024 * 1024

test('an image larger than the card is refused before the first write, where its length is known', { skip }, async (t) => {
  const image = sampleImage(testFolder(t), 17 * MiB)
  for (const packing of ['raw', 'xz', 'zst', 'zip'] as const) {
    await flashBad(t, pack(image, packing), [], { exitCode: 3, code: 'image-too-large', target: 'untouched' })
  }
})

test('an image that turns out too large while it is unpacked fails, and the card is not called finished', { skip }, async (t) => {
  const image = sampleImage(testFolder(t), 17 * MiB)
  await flashBad(t, pack(image, 'gz'), [], { exitCode: 4, code: 'image-too-large', target: 'unfinished' })
})

const bombBytes = 2 * 1024 * MiB
const pieceBytes = 64 * MiB

for (const packing of ['gz', 'bz2', 'zst'] as const) {
  test(`2 GiB of zeros in a small .${packing} stop at the card's size, in bounded memory`, { skip }, async (t) => {
    const piece = join(testFolder(t), 'zeros.img')
    writeFileSync(piece, '')
    truncateSync(piece, pieceBytes)
    const bomb = pack(piece, packing)
    // All three formats may be continued by another one of their kind.
    const packed = readFileSync(bomb)
    for (let bytes = pieceBytes; bytes < bombBytes; bytes += pieceBytes) appendFileSync(bomb, packed)
    const known = packing === 'zst'
    await flashBad(t, bomb, [], {
      exitCode: known ? 3 : 4,
      code: 'image-too-large',
      target: known ? 'untouched' : 'unfinished',
    })
  })
}
