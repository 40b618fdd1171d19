import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { copyFileSync, mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { BlockDevice } from '../../native-helpers/block/device.ts'
import { applyJournalled } from '../../native-helpers/block/journalled.ts'
import { mergedDevice } from '../../native-helpers/block/merged.ts'
import { takeBack } from '../../native-helpers/block/take-back.ts'
import { createUndoFile, openUndoFile } from '../../native-helpers/block/undo-file.ts'
import { openCard } from '../../native-helpers/systems/card.ts'
import { planChange } from '../../native-helpers/systems/plan-change.ts'
import { replayedInMemory } from '../../native-helpers/volumes/ext-replay.ts'
import { openExt } from '../../native-helpers/volumes/ext-tree.ts'
import { openFat } from '../../native-helpers/volumes/fat-tree.ts'
import { makeSnapshotStore, setStoreValid } from '../../native-helpers/volumes/snapshot-make.ts'
import { readSnapshotStore } from '../../native-helpers/volumes/snapshot-store.ts'
import { findNode, walkTree } from '../../native-helpers/volumes/tree.ts'
import { pulledVolume } from '../support/dirty-ext.ts'
import { memoryDevice } from '../support/file-device.ts'
import { cannotMount } from '../support/kernel-mount.ts'
import { noise } from '../support/memory-device.ts'
import { powerCuts, recordingCard } from '../support/power-cut.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'

const skip = cannotMount() ?? missingTools('mke2fs', 'mkfs.fat', 'mcopy', 'fsck.fat') ?? false
const MiB = 1024 * 1024
const chunkBytes = 4096
const quiet = { env: { MTOOLS_SKIP_CHECK: '1' } }
const overlayPath = 'LiveOS/overlay-LIVE-1A2B-3C4D'

/** A stick whose overlay a kernel left with a journal to carry out, which is full to its last chunk and marked invalid. */
function stick(t: TestContext): Uint8Array {
  const folder = testFolder(t)
  const base = join(folder, 'base.img')
  const dirty = pulledVolume(
    folder,
    { make: ['-t', 'ext4', '-b', '1024', '-J', 'size=1', '-U', '7b2f3c4d-1111-4222-8333-944455556666'], sizeMiB: 8 },
    (inside) => {
      // The state that everybody starts from is the one before the work.
      tool('sync', ['-f', inside])
      for (let at = 0; at < 40; at += 1) writeFileSync(join(inside, `letter ${at}`), noise(3000 + at * 100, at + 1))
    },
  )
  writeFileSync(base, '')
  truncateSync(base, 8 * MiB)
  tool('mke2fs', ['-q', '-F', '-t', 'ext4', '-b', '1024', '-J', 'size=1', '-U', '7b2f3c4d-1111-4222-8333-944455556666', base])
  const [before, after] = [readFileSync(base), readFileSync(dirty)]
  const changed: number[] = []
  for (let at = 0; at < before.length; at += chunkBytes) {
    if (Buffer.compare(before.subarray(at, at + chunkBytes), after.subarray(at, at + chunkBytes)) !== 0)
      changed.push(at / chunkBytes)
  }
  const store = recordingCard(new Uint8Array((changed.length + 2 + Math.floor(changed.length / 256)) * chunkBytes))
  const writer = makeSnapshotStore(store)
  for (const chunk of changed) writer.append(chunk, after.subarray(chunk * chunkBytes, (chunk + 1) * chunkBytes))
  writer.commit()
  setStoreValid(store, false)

  const fat = join(folder, 'fat.img')
  writeFileSync(fat, '')
  truncateSync(fat, 96 * MiB)
  tool('mkfs.fat', ['-F', '32', '-s', '2', '-n', 'LIVE', '-i', '1A2B3C4D', fat])
  mkdirSync(join(folder, 'LiveOS'))
  copyFileSync(base, join(folder, 'LiveOS', 'rootfs.img'))
  writeFileSync(join(folder, overlayPath), store.bytes)
  tool('mcopy', ['-s', '-i', fat, join(folder, 'LiveOS'), '::/'], quiet)
  return readFileSync(fat)
}

function fileOf(card: BlockDevice, path: string): BlockDevice {
  const { value: tree } = openFat(card)
  const { value, problem } = (tree && findNode(tree, path)?.open()) ?? { value: null, problem: null }
  return value ?? assert.fail(`${path}: ${problem?.detail}`)
}

/** The files that the system sees, its journal carried out, by their sums; asked of the store whether or not it is marked valid. */
function filesOf(card: BlockDevice): Record<string, string> {
  const origin = fileOf(card, 'LiveOS/rootfs.img')
  const { value: store } = readSnapshotStore(fileOf(card, overlayPath), origin.size)
  assert.ok(store)
  const merged = mergedDevice(origin, fileOf(card, overlayPath), store.exceptions)
  const { value: replayed } = replayedInMemory(merged)
  const { value: ext, problem } = openExt(replayed?.device ?? merged)
  assert.ok(ext, problem?.detail)
  const sums: Record<string, string> = {}
  walkTree(ext.tree, (path, node) => {
    if (node.kind !== 'file') return
    const device = node.open().value ?? assert.fail(path)
    const bytes = new Uint8Array(device.size)
    device.readSync(bytes, 0)
    sums[path] = createHash('sha256').update(bytes).digest('hex')
  })
  return sums
}

const context = { seconds: 1_700_000_000, options: {} }

async function planned(card: BlockDevice) {
  const opened = await openCard({ kind: 'file', path: 'card.img', device: memoryDevice(copyOf(card)) })
  return planChange(opened, 'repair', context)
}

function copyOf(card: BlockDevice): Uint8Array {
  const bytes = new Uint8Array(card.size)
  card.readSync(bytes, 0)
  return bytes
}

test('power cuts at every write of a repair: taken back or repaired again, every letter is there', {
  skip,
  timeout: 300_000,
}, async (t) => {
  const before = stick(t)
  const expected = filesOf(memoryDevice(before))
  assert.equal(Object.keys(expected).length, 40)
  const folder = testFolder(t)
  const whole = join(folder, 'whole')
  const card = recordingCard(before, () => statSync(whole).size)
  const { draft, groups } = await planned(card)
  const head = {
    format: 1 as const,
    title: 'Try',
    job: 'repair',
    createdAt: 0,
    card: { path: 'card', serial: null, sizeBytes: card.size, sectorSize: 512 },
  }
  applyJournalled({ card, view: draft.view, groups, witnesses: draft.witnesses }, createUndoFile(whole, head))
  assert.deepEqual(filesOf(card), expected)
  assert.ok(fileOf(card, overlayPath).size > fileOf(memoryDevice(before), overlayPath).size, 'it grew')
  assert.ok(readSnapshotStore(fileOf(card, overlayPath)).value?.valid)

  const cut = join(folder, 'cut')
  let states = 0
  let repairedAgain = 0
  for (const state of powerCuts(before, card.events, { maxTears: 7, allUpTo: 3, samples: 6 })) {
    states += 1
    copyFileSync(whole, cut)
    truncateSync(cut, state.note === 0 ? (card.events[0]?.note ?? 0) : state.note)
    const back = recordingCard(state.card)
    const undo = openUndoFile(cut)
    takeBack(back, undo)
    undo.close()
    assert.deepEqual(filesOf(back), expected, `taken back ${state.what}`)
    assert.equal(fileOf(back, overlayPath).size, fileOf(memoryDevice(before), overlayPath).size)
    // Without the undo file too, another computer repairs what it finds.
    if (states % 9 !== 1) continue
    repairedAgain += 1
    const again = recordingCard(state.card)
    const second = await planned(again)
    for (const { ranges } of second.groups) {
      for (const { offset, lengthBytes } of ranges) {
        const bytes = new Uint8Array(lengthBytes)
        second.draft.view.readSync(bytes, offset)
        again.writeSync(bytes, offset)
      }
    }
    assert.deepEqual(filesOf(again), expected, `repaired again ${state.what}`)
    assert.ok(readSnapshotStore(fileOf(again, overlayPath)).value?.valid, state.what)
  }
  t.diagnostic(
    `${states} states taken back, ${repairedAgain} of them repaired again as well; ${card.events.length} writes and flushes`,
  )
  assert.ok(states > 60, `${states}`)
})
