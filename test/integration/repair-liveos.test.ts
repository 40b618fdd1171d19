import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { BlockDevice } from '../../native-helpers/block/device.ts'
import { openFileDevice } from '../../native-helpers/block/file-device.ts'
import { mergedDevice } from '../../native-helpers/block/merged.ts'
import { slice } from '../../native-helpers/block/slice.ts'
import { openLiveImage } from '../../native-helpers/systems/liveos/live-image.ts'
import { openExt } from '../../native-helpers/volumes/ext-tree.ts'
import { openTree } from '../../native-helpers/volumes/open-tree.ts'
import { isTrapSize, readSnapshotStore } from '../../native-helpers/volumes/snapshot-store.ts'
import { findNode, walkTree } from '../../native-helpers/volumes/tree.ts'
import { fixtureImage, fixtureOverlay, liveosTools, makeStick, stickFiles } from '../support/liveos.ts'
import { runCli } from '../support/run-cli.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'

const skip = missingTools(...liveosTools, 'e2fsck', 'fsck.fat') ?? false
/** What a kernel and the native e2fsck brought back of the same store: the sha256 of each file by its path. */
const truth: Record<string, string> = JSON.parse(
  readFileSync(fileURLToPath(new URL('../fixtures/dm-snapshot/truth.json', import.meta.url)), 'utf8'),
).overlays.recovered.files_noload_sha256
const startBytes = 4 * 1024 * 1024

async function originOf(image: BlockDevice): Promise<BlockDevice> {
  const { value } = await openLiveImage(image)
  return value?.origin?.device ?? assert.fail('the image holds no filesystem')
}

/** The sha256 of those files as a system on this store sees them, in which the native e2fsck must find nothing wrong first. */
async function payloadOf(t: TestContext, store: BlockDevice): Promise<Record<string, string>> {
  const origin = await originOf(openFileDevice({ path: fixtureImage, writable: false }))
  const { value } = readSnapshotStore(store, origin.size)
  assert.equal(Object.keys(truth).length, 89)
  assert.ok(value?.valid && value.exceptions.damageCount === 0 && !value.unregistrable)
  const merged = mergedDevice(origin, store, value.exceptions)
  const whole = new Uint8Array(merged.size)
  merged.readSync(whole, 0)
  const copy = join(testFolder(t), 'merged.img')
  writeFileSync(copy, whole)
  tool('e2fsck', ['-f', '-n', copy])
  const sums: Record<string, string> = {}
  const { value: ext } = openExt(merged)
  assert.ok(ext)
  walkTree(ext.tree, (path, node) => {
    if (!(path in truth) || node.kind !== 'file') return
    const device = node.open().value ?? assert.fail(node.name)
    const bytes = new Uint8Array(device.size)
    device.readSync(bytes, 0)
    sums[path] = createHash('sha256').update(bytes).digest('hex')
  })
  return sums
}

const sha256 = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex')

test('stores that a kernel filled and gave up come back with every file, and go back to the byte', { skip }, async (t) => {
  for (const name of ['full-invalid', 'full-flipped']) {
    const folder = testFolder(t)
    const overlay = join(folder, name)
    const undo = join(folder, 'undo')
    writeFileSync(overlay, fixtureOverlay(name))
    const before = sha256(overlay)
    const { code, stderr } = await runCli(['repair', overlay, '--base', fixtureImage, '--yes', '--undo', undo])
    assert.equal(code, 0, stderr)
    assert.match(stderr, /shows 389 files as it is; after the repair there are 410/)
    const store = openFileDevice({ path: overlay, writable: false })
    assert.deepEqual(await payloadOf(t, store), truth, name)
    assert.ok(!isTrapSize(store.size / 4096, 4096))
    store.close()
    const undone = await runCli(['undo', undo, '--yes'])
    assert.equal(undone.code, 0, undone.stderr)
    assert.equal(sha256(overlay), before)
  }
})

test('a store in which nothing is wrong is left alone', { skip }, async (t) => {
  for (const name of ['fresh', 'recovered']) {
    const overlay = join(testFolder(t), name)
    writeFileSync(overlay, fixtureOverlay(name))
    const before = sha256(overlay)
    const { code } = await runCli(['repair', overlay, '--base', fixtureImage, '--yes'])
    assert.equal(code, 0)
    assert.equal(sha256(overlay), before, name)
  }
})

test('entries that lead nowhere are taken out of the list, and everything else stays', { skip }, async (t) => {
  const overlay = join(testFolder(t), 'damaged')
  const bytes = fixtureOverlay('recovered')
  // The last two entries of area 3, at chunk 1 + 3 × 257: one leads behind the end, one into the list itself.
  const area = (1 + 3 * 257) * 4096
  const stood = bytes.readBigUInt64LE(area + 254 * 16)
  bytes.writeBigUInt64LE(1n << 40n, area + 254 * 16 + 8)
  bytes.writeBigUInt64LE(258n, area + 255 * 16 + 8)
  writeFileSync(overlay, bytes)
  const { code, stdout, stderr } = await runCli(['repair', overlay, '--base', fixtureImage, '--yes', '--json'])
  assert.equal(code, 0, `${stdout}${stderr}`)
  const { plan } = JSON.parse(stdout.split('\n')[0] ?? '')
  assert.match(plan.steps.join(), /take 2 entries out of its list/)
  assert.match(plan.loses.join(), /2 blocks, whose copies are not there/)
  const store = openFileDevice({ path: overlay, writable: false })
  const sums = await payloadOf(t, store)
  const { value } = readSnapshotStore(store, 524288 * 512)
  assert.equal(value?.exceptions.damageCount, 0)
  const lost = Object.keys(truth).filter((path) => sums[path] !== truth[path])
  assert.ok(lost.length <= 2, `${lost} differ, and ${stood} was lost`)
  store.close()
})

test('on a stick the store grows where it lies, on FAT and on ext4', { skip }, async (t) => {
  for (const filesystem of ['vfat', 'ext4'] as const) {
    const folder = testFolder(t)
    const files = stickFiles(folder, { image: fixtureImage, overlay: fixtureOverlay('full-invalid') })
    const card = makeStick(folder, files, { filesystem, sizeMiB: 256 })
    const undo = join(folder, 'undo')
    const { code, stdout, stderr } = await runCli(['repair', card, '--yes', '--json', '--undo', undo])
    assert.ok(code === 0 || code === 6, `${stdout}${stderr}`)
    const device = openFileDevice({ path: card, writable: false })
    const volume = slice(device, startBytes, 256 * 1024 * 1024)
    const { value: tree } = await openTree(volume, filesystem)
    const node =
      tree &&
      findNode(tree, 'LiveOS')
        ?.list()
        .entries.find(({ name }) => name.startsWith('overlay-'))
    const store = node?.open().value ?? assert.fail('no overlay')
    assert.ok(store.size > 64 * 1024 * 1024, filesystem)
    assert.deepEqual(await payloadOf(t, store), truth, filesystem)
    const copy = join(folder, 'volume.img')
    tool('dd', [`if=${card}`, `of=${copy}`, 'bs=4M', 'skip=1', 'count=64', 'status=none'])
    if (filesystem === 'vfat') tool('fsck.fat', ['-n', copy])
    else tool('e2fsck', ['-f', '-n', copy])
    device.close()
    const undone = await runCli(['undo', undo, '--yes'])
    assert.equal(undone.code, 0, undone.stderr)
    const again = await runCli(['inspect', card, '--json'])
    const { overlays } = JSON.parse(again.stdout)
    assert.equal(overlays[0].state, 'invalid')
    assert.equal(overlays[0].totalBytes, 64 * 1024 * 1024)
  }
})

test('a stick without room is left as it was, and the sentence says how to go on', { skip }, async (t) => {
  const folder = testFolder(t)
  const files = stickFiles(folder, { image: fixtureImage, overlay: fixtureOverlay('full-flipped') })
  const card = makeStick(folder, files, { sizeMiB: 80 })
  const free = Number(/bytes free/.test(tool('mdir', ['-i', `${card}@@${startBytes}`, '::/'], { env: { MTOOLS_SKIP_CHECK: '1' } })))
  assert.equal(free, 1)
  const filler = join(folder, 'filler')
  writeFileSync(filler, Buffer.alloc(4 * 1024 * 1024))
  for (let at = 0; at < 8; at += 1) {
    try {
      tool('mcopy', ['-i', `${card}@@${startBytes}`, filler, `::/filler${at}`], { env: { MTOOLS_SKIP_CHECK: '1' } })
    } catch {
      break
    }
  }
  const before = sha256(card)
  const { code, stderr } = await runCli(['repair', card, '--yes', '--undo', join(folder, 'undo')])
  assert.equal(code, 1, stderr)
  assert.match(stderr, /need more room than the stick has/)
  assert.equal(sha256(card), before)
  assert.equal(statSync(card).size, (80 + 6) * 1024 * 1024)
})
