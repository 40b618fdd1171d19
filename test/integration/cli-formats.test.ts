import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cannotLoop } from '../support/devices.ts'
import { runCli } from '../support/run-cli.ts'
import { difference, pack, packings, sampleImage, usedCard } from '../support/sample-images.ts'
import { testFolder } from '../support/tools.ts'

const skip = cannotLoop() ?? false

for (const packing of packings) {
  test(`a ${packing} image arrives byte for byte, and verify agrees`, { skip }, async (t) => {
    const folder = testFolder(t)
    const image = sampleImage(folder)
    const packed = pack(image, packing)
    const card = usedCard(t)
    const flashed = await runCli(['flash', packed, card.path, '--yes', '--allow-virtual'])
    assert.equal(flashed.code, 0, flashed.stderr)
    assert.match(flashed.stdout, new RegExp(`^Written: .*\\(${card.path}\\)$`, 'm'))
    assert.equal(difference(image, card.path), null)
    const verified = await runCli(['verify', packed, card.path])
    assert.equal(verified.code, 0, verified.stderr)
    assert.match(verified.stdout, /^The same: /m)
  })
}
