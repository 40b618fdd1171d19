import assert from 'node:assert/strict'
import { readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { exchangeFatFile } from '../../native-helpers/volumes/fat-exchange.ts'
import { noise } from '../support/memory-device.ts'
import { powerCuts, recordingCard } from '../support/power-cut.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'

const MiB = 1024 * 1024
const skip = missingTools('mkfs.fat', 'fsck.fat', 'mcopy', 'mmd', 'mdel') ?? false
const quiet = { env: { MTOOLS_SKIP_CHECK: '1' } }
const old = noise(200_000, 4)
const next = noise(333_333, 5)
const path = 'LiveOS/squashfs.img'

/** A volume with a file in a folder, and the free clusters in several places. */
function volume(t: TestContext, bits: number, mib: number): { card: Uint8Array; folder: string } {
  const folder = testFolder(t)
  const image = join(folder, 'fat.img')
  writeFileSync(image, '')
  truncateSync(image, mib * MiB)
  tool('mkfs.fat', ['-F', String(bits), '-s', bits === 12 ? '8' : '1', image])
  tool('mmd', ['-i', image, '::/LiveOS'], quiet)
  for (const [name, bytes] of [
    ['gone', noise(100_000)],
    ['squashfs.img', old],
    ['behind', noise(50_000)],
  ] as const) {
    writeFileSync(join(folder, name), bytes)
    tool('mcopy', ['-i', image, join(folder, name), '::/LiveOS/'], quiet)
  }
  tool('mdel', ['-i', image, '::/LiveOS/gone'], quiet)
  return { card: readFileSync(image), folder }
}

/** As mtools reads it. */
function fileOn(folder: string, card: Uint8Array): Buffer {
  writeFileSync(join(folder, 'read.img'), card)
  tool('mcopy', ['-n', '-i', join(folder, 'read.img'), `::/${path}`, join(folder, 'read')], quiet)
  return readFileSync(join(folder, 'read'))
}

test('a file has the new content, the old place is free again, and at every cut it is one of both', { skip }, (t) => {
  for (const [bits, mib] of [
    [12, 2],
    [16, 20],
    [32, 40],
  ] as const) {
    const { card: before, folder } = volume(t, bits, mib)
    const card = recordingCard(before)
    const { value: exchange, problem } = exchangeFatFile(card, path, () => card.flushSync())
    assert.ok(exchange, problem?.detail)
    exchange.room.writeSync(next, 0)
    card.flushSync()
    exchange.take(next.length)
    exchange.release()
    assert.ok(fileOn(folder, card.bytes).equals(next), `FAT${bits}`)
    tool('fsck.fat', ['-n', join(folder, 'read.img')])
    if (bits !== 12) continue
    let states = 0
    for (const state of powerCuts(before, card.events, { maxTears: 1, allUpTo: 0, samples: 1 })) {
      states += 1
      if (states % 40 > 1) continue
      const found = fileOn(folder, state.card)
      assert.ok(found.equals(old) || found.equals(next), `FAT${bits}: ${state.what}`)
    }
  }
})

test('without room there is less of it than is asked for, and what is no file is told', { skip }, (t) => {
  const { card: before } = volume(t, 12, 2)
  const card = recordingCard(before)
  assert.equal(exchangeFatFile(card, 'LiveOS/other', () => {}).problem?.code, 'fat-no-file')
  const { value } = exchangeFatFile(card, path, () => {})
  assert.ok(value && value.room.size < 2 * MiB && value.room.size > MiB)
  assert.deepEqual(card.events, [])
})
