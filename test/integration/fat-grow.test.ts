import assert from 'node:assert/strict'
import { readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { extentsDevice } from '../../native-helpers/block/extents.ts'
import { growFatFile } from '../../native-helpers/volumes/fat-grow.ts'
import { openFat } from '../../native-helpers/volumes/fat-tree.ts'
import { findNode } from '../../native-helpers/volumes/tree.ts'
import { noise } from '../support/memory-device.ts'
import { recordingCard } from '../support/power-cut.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'

const MiB = 1024 * 1024
const skip = missingTools('mkfs.fat', 'fsck.fat', 'mcopy', 'mmd', 'mdel') ?? false
const quiet = { env: { MTOOLS_SKIP_CHECK: '1' } }
const kinds: [string, number, string[]][] = [
  ['FAT12', 3, ['-F', '12']],
  ['FAT16', 20, ['-F', '16', '-s', '1']],
  ['FAT32', 40, ['-F', '32', '-s', '1']],
]
const content = noise(300_000, 4)

/** A volume with a file in a folder, another one behind it, and a hole that a third one left. */
function volume(t: TestContext, mib: number, words: string[]): { image: string; folder: string } {
  const folder = testFolder(t)
  const image = join(folder, 'fat.img')
  writeFileSync(image, '')
  truncateSync(image, mib * MiB)
  tool('mkfs.fat', [...words, image])
  tool('mmd', ['-i', image, '::/LiveOS'], quiet)
  for (const [name, bytes] of [
    ['gone', noise(100_000)],
    ['overlay-with a long name', content],
    ['behind', noise(50_000)],
  ] as const) {
    writeFileSync(join(folder, name), bytes)
    tool('mcopy', ['-i', image, join(folder, name), '::/LiveOS/'], quiet)
  }
  tool('mdel', ['-i', image, '::/LiveOS/gone'], quiet)
  return { image, folder }
}

function check(folder: string, bytes: Uint8Array): string {
  const path = join(folder, 'check.img')
  writeFileSync(path, bytes)
  return tool('fsck.fat', ['-n', path])
}

const path = 'liveos/Overlay-With A Long Name'

test('a file grows where it lies, and fsck.fat and mtools find nothing wrong', { skip }, (t) => {
  for (const [name, mib, words] of kinds) {
    const { image, folder } = volume(t, mib, words)
    const card = recordingCard(readFileSync(image))
    const size = 900_000
    const { value, problem } = growFatFile(card, path, size, () => card.flushSync())
    assert.ok(value, `${name}: ${problem?.detail}`)
    assert.match(check(folder, card.bytes), /fat.img|files/, name)
    const copied = join(folder, 'copied')
    tool('mcopy', ['-n', '-i', join(folder, 'check.img'), '::/LiveOS/overlay-with a long name', copied], quiet)
    const after = readFileSync(copied)
    assert.equal(after.length, size, name)
    assert.ok(after.subarray(0, content.length).equals(content), name)
    const file = extentsDevice(card, value.extents)
    const tail = noise(size - content.length, 9)
    file.writeSync?.(tail, content.length)
    check(folder, card.bytes)
    tool('mcopy', ['-n', '-i', join(folder, 'check.img'), '::/LiveOS/overlay-with a long name', copied], quiet)
    assert.ok(readFileSync(copied).subarray(content.length).equals(tail), name)
    tool('mcopy', ['-n', '-i', join(folder, 'check.img'), '::/LiveOS/behind', copied], quiet)
    assert.ok(readFileSync(copied).equals(noise(50_000)), name)
  }
})

test('cut off at any step, every file is as it was or longer, and at most clusters are left over', { skip }, (t) => {
  for (const [name, mib, words] of kinds) {
    const { image } = volume(t, mib, words)
    const before = readFileSync(image)
    const card = recordingCard(before)
    assert.ok(growFatFile(card, path, 320_000, () => card.flushSync()).value)
    const safe = Uint8Array.from(before)
    for (const event of card.events) {
      if (event.kind === 'write') {
        safe.set(event.bytes, event.offset)
        continue
      }
      const { value: tree } = openFat(recordingCard(safe))
      assert.ok(tree)
      const node = findNode(tree, path)
      const { value: device, problem } = node?.open() ?? { value: null, problem: null }
      assert.ok(device, `${name}: ${problem?.detail}`)
      const bytes = new Uint8Array(content.length)
      device.readSync(bytes, 0)
      assert.ok(Buffer.compare(bytes, content) === 0, name)
      assert.equal(findNode(tree, 'LiveOS/behind')?.sizeBytes, 50_000)
    }
  }
})

test('a full volume, a file too long and one that is not there are named, and nothing is written', { skip }, (t) => {
  const [, mib, words] = kinds[1] ?? assert.fail()
  const { image } = volume(t, mib, words)
  const card = recordingCard(readFileSync(image))
  const codes = [
    growFatFile(card, path, 30 * MiB, () => undefined),
    growFatFile(card, path, 2 ** 32, () => undefined),
    growFatFile(card, path, 5, () => undefined),
    growFatFile(card, 'LiveOS/none', 5, () => undefined),
    growFatFile(card, 'LiveOS', 5, () => undefined),
  ].map(({ problem }) => problem?.code)
  assert.deepEqual(codes, ['fat-full', 'fat-file-limit', 'fat-shrink', 'fat-no-file', 'fat-no-file'])
  assert.deepEqual(card.events, [])
})
