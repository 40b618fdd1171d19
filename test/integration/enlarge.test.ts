import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { closeSync, openSync, readFileSync, statSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { openFileDevice } from '../../native-helpers/block/file-device.ts'
import { slice } from '../../native-helpers/block/slice.ts'
import { openTree } from '../../native-helpers/volumes/open-tree.ts'
import { isTrapSize } from '../../native-helpers/volumes/snapshot-store.ts'
import { findNode } from '../../native-helpers/volumes/tree.ts'
import { fixtureImage, fixtureOverlay, liveosTools, makeStick, stickFiles } from '../support/liveos.ts'
import { runCli } from '../support/run-cli.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'

const MiB = 1024 * 1024
const skip = missingTools(...liveosTools, 'sgdisk', 'e2fsck', 'fsck.fat', 'dumpe2fs') ?? false
const dataStart = 41 * MiB

/** A card that is twice as large as its image, with a file in the ext4 of its last partition. */
function card(t: TestContext, label: 'gpt' | 'dos'): string {
  const folder = testFolder(t)
  const path = join(folder, 'card.img')
  writeFileSync(path, '')
  truncateSync(path, 128 * MiB)
  const type = label === 'dos' ? ', type=83' : ', name=data'
  tool('sfdisk', ['-q', path], {
    input: `label: ${label}\nstart=2048, size=81920\nstart=${dataStart / 512}, size=${(80 * MiB) / 512}${type}\n`,
  })
  const tree = join(folder, 'tree')
  tool('mkdir', [tree])
  writeFileSync(join(tree, 'letter'), 'dear all\n')
  tool('mke2fs', [
    '-q',
    '-F',
    '-t',
    'ext4',
    '-b',
    '4096',
    '-L',
    'persistence',
    '-d',
    tree,
    '-E',
    `offset=${dataStart}`,
    path,
    '80m',
  ])
  truncateSync(path, 256 * MiB)
  return path
}

function piece(path: string, offset: number, length: number): string {
  const to = `${path}.piece`
  const bytes = Buffer.alloc(length)
  const file = openSync(path, 'r')
  const out = openSync(to, 'w')
  readFileSync(path).copy(bytes, 0, offset, offset + length)
  writeSync(out, bytes)
  closeSync(file)
  closeSync(out)
  return to
}

const sha256 = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex')

test('the last partition takes the rest of the card, with its filesystem, and goes back to the byte', { skip }, async (t) => {
  for (const label of ['gpt', 'dos'] as const) {
    const path = card(t, label)
    const undo = `${path}.undo`
    const before = sha256(path)
    const { code, stderr } = await runCli(['enlarge', path, '--to', 'max', '--yes', '--undo', undo])
    assert.equal(code, 0, stderr)
    const { partitiontable } = JSON.parse(tool('sfdisk', ['--json', path]))
    const [, last] = partitiontable.partitions
    assert.equal(last.start, dataStart / 512)
    const end = (last.start + last.size) * 512
    assert.ok(end > 254 * MiB && end <= 256 * MiB, `${end}`)
    if (label === 'gpt') assert.match(tool('sgdisk', ['--verify', path]), /No problems found/)
    const volume = piece(path, dataStart, end - dataStart)
    tool('e2fsck', ['-f', '-n', volume])
    const blocks = Number(/^Block count:\s+(\d+)/m.exec(tool('dumpe2fs', ['-h', volume]))?.[1])
    assert.ok(blocks * 4096 > end - dataStart - MiB, `${blocks}`)
    assert.equal(tool('debugfs', ['-R', 'cat /letter', volume]), 'dear all\n')
    const again = await runCli(['enlarge', path, '--to', 'max', '--yes'])
    assert.match(again.stdout, /nothing to add/)
    const undone = await runCli(['undo', undo, '--yes'])
    assert.equal(undone.code, 0, undone.stderr)
    assert.equal(sha256(path), before, label)
  }
})

test('a size is met to the mebibyte, and one that does not fit is refused', { skip }, async (t) => {
  const path = card(t, 'gpt')
  const before = sha256(path)
  const refused = await runCli(['enlarge', path, '--to', '1GB', '--yes'])
  assert.equal(refused.code, 1)
  assert.match(refused.stderr, /room for .* at most/)
  assert.equal(sha256(path), before)
  const { code, stderr } = await runCli(['enlarge', path, '--to', '100MiB', '--yes'])
  assert.equal(code, 0, stderr)
  const { partitiontable } = JSON.parse(tool('sfdisk', ['--json', path]))
  assert.equal(partitiontable.partitions[1].size * 512, 100 * MiB)
  const unsaid = await runCli(['enlarge', path, '--yes'])
  assert.equal(unsaid.code, 2)
})

test('an overlay grows on its stick, never to a length that Linux trips over, and an invalid one is to be repaired first', {
  skip,
}, async (t) => {
  const folder = testFolder(t)
  const files = stickFiles(folder, { image: fixtureImage, overlay: fixtureOverlay('half') })
  const path = makeStick(folder, files, { sizeMiB: 400 })
  const overlayOf = async () => {
    const device = openFileDevice({ path, writable: false })
    const { value: tree } = await openTree(slice(device, 4 * MiB, 400 * MiB), 'vfat')
    const node =
      tree &&
      findNode(tree, 'LiveOS')
        ?.list()
        .entries.find(({ name }) => name.startsWith('overlay-'))
    const size = node?.sizeBytes ?? assert.fail('no overlay')
    device.close()
    return size
  }
  const { code, stderr } = await runCli(['enlarge', path, '--to', '256MiB', '--yes'])
  assert.ok(code === 0 || code === 6, stderr)
  const size = await overlayOf()
  assert.ok(!isTrapSize(size / 4096, 4096) && size > 255 * MiB, `${size}`)
  tool('fsck.fat', ['-n', piece(path, 4 * MiB, 400 * MiB)])
  const { overlays } = JSON.parse((await runCli(['inspect', path, '--json'])).stdout)
  assert.equal(overlays[0].state, 'ok')
  assert.equal(overlays[0].snapshot.exceptions, 8531)

  const alone = join(folder, 'overlay')
  const undo = join(folder, 'undo')
  writeFileSync(alone, fixtureOverlay('half'))
  const grown = await runCli(['enlarge', alone, '--base', fixtureImage, '--to', '72MiB', '--yes', '--undo', undo])
  assert.equal(grown.code, 0, grown.stderr)
  assert.equal(statSync(alone).size, 72 * MiB)
  const undone = await runCli(['undo', undo, '--yes'])
  assert.equal(undone.code, 0, undone.stderr)
  assert.ok(readFileSync(alone).equals(fixtureOverlay('half')))

  writeFileSync(alone, fixtureOverlay('full-invalid'))
  const refused = await runCli(['enlarge', alone, '--base', fixtureImage, '--to', 'max', '--yes'])
  assert.equal(refused.code, 1)
  assert.match(refused.stderr, /repair it first/)
  assert.equal(statSync(alone).size, 64 * MiB)
})

test('the home of a stick grows with the filesystem in it', { skip }, async (t) => {
  const folder = testFolder(t)
  const home = join(folder, 'home.img')
  writeFileSync(home, '')
  truncateSync(home, 16 * MiB)
  const tree = join(folder, 'tree')
  tool('mkdir', [tree])
  writeFileSync(join(tree, 'letter'), 'dear all\n')
  tool('mke2fs', ['-q', '-F', '-t', 'ext4', '-L', 'HOME', '-d', tree, home])
  const files = stickFiles(folder, { image: fixtureImage, overlay: fixtureOverlay('fresh'), home })
  const path = makeStick(folder, files, { sizeMiB: 256 })
  const { code, stderr } = await runCli(['enlarge', path, '--what', 'home', '--to', '64MiB', '--yes'])
  assert.ok(code === 0 || code === 6, stderr)
  const grown = join(folder, 'grown.img')
  tool('mcopy', ['-i', `${path}@@${4 * MiB}`, '::/LiveOS/home.img', grown], { env: { MTOOLS_SKIP_CHECK: '1' } })
  assert.equal(statSync(grown).size, 64 * MiB)
  tool('e2fsck', ['-f', '-n', grown])
  assert.equal(tool('debugfs', ['-R', 'cat /letter', grown]), 'dear all\n')
  const none = await runCli(['enlarge', path, '--what', 'kitchen', '--to', 'max', '--yes'])
  assert.equal(none.code, 1)
})
