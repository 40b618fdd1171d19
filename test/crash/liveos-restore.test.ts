/** Power cuts while the changes of a live system are put back: through its store, and as a store of its own on a stick. */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { BlockDevice } from '../../native-helpers/block/device.ts'
import { type CardSource, openCard } from '../../native-helpers/systems/card.ts'
import { planChange } from '../../native-helpers/systems/plan-change.ts'
import { openFat } from '../../native-helpers/volumes/fat-tree.ts'
import { makeSnapshotStore } from '../../native-helpers/volumes/snapshot-make.ts'
import { readSnapshotStore } from '../../native-helpers/volumes/snapshot-store.ts'
import { snapshotView } from '../../native-helpers/volumes/snapshot-view.ts'
import { findNode } from '../../native-helpers/volumes/tree.ts'
import { rootInode } from '../../native-helpers/wasm/ext-files.ts'
import { makeVolume, performSync } from '../../native-helpers/wasm/ext-programs.ts'
import { ExtWriter } from '../../native-helpers/wasm/ext-writer.ts'
import { saved } from '../support/backup.ts'
import { applied } from '../support/cut-change.ts'
import { memoryDevice } from '../support/file-device.ts'
import { noise } from '../support/memory-device.ts'
import { mergedOf, sumsOf } from '../support/merged-view.ts'
import { powerCuts, recordingCard } from '../support/power-cut.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'
import { cannotWasm } from '../support/wasm.ts'

const skip = cannotWasm() ?? missingTools('mkfs.fat', 'mcopy') ?? false
const MiB = 1024 * 1024
const seconds = 1_700_000_000
const chunkBytes = 4096
const overlayName = 'overlay-LIVE-1A2B-3C4D'

function baseImage(): Uint8Array {
  const base = recordingCard(new Uint8Array(8 * MiB))
  performSync(makeVolume({ type: 'ext4', blockBytes: 1024, uuid: '7b2f3c4d-1111-4222-8333-944455556666' }), base)
  const first = new ExtWriter(base, { seconds })
  first.write(first.makeFile(rootInode, 'delivered', { kind: 'file' }), 0, noise(5000, 1))
  first.close()
  return base.bytes
}

/** A store with so many letters, which has a second area where they are forty. */
function storeOver(base: Uint8Array, sizeBytes: number, letters: number, seed: number): Uint8Array {
  const store = recordingCard(new Uint8Array(sizeBytes))
  const origin = memoryDevice(base)
  const view = snapshotView(origin, store, { chunkBytes, find: () => null }, makeSnapshotStore(store))
  const files = new ExtWriter(view, { seconds })
  for (let at = 0; at < letters; at += 1)
    files.write(files.makeFile(rootInode, `letter ${seed} ${at}`, { kind: 'file' }), 0, noise(30_000, seed + at))
  files.close()
  view.flushSync()
  return store.bytes
}

interface Practice {
  base: Uint8Array
  old: Uint8Array
  next: Uint8Array
  archive: string
}

async function practice(t: TestContext, what: 'overlay' | 'store', oldBytes: number): Promise<Practice> {
  const base = baseImage()
  const next = storeOver(base, 2 * MiB, 40, 100)
  const folder = testFolder(t)
  const [path, below, archive] = ['saved.overlay', 'base.img', 'saved.tar'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  writeFileSync(path, next)
  writeFileSync(below, base)
  await saved({ path, base: below }, archive, { what: [what] })
  return { base, old: storeOver(base, oldBytes, 6, 500), next, archive }
}

/** Goes through the states: a kernel finds the old changes, or the new ones, or takes none; and all can be taken back. */
async function cutAll(
  t: TestContext,
  { base, old, next, archive }: Practice,
  before: Uint8Array,
  source: Omit<CardSource, 'device'>,
  storeOn: (card: BlockDevice) => BlockDevice,
  maxTears: number,
): Promise<Uint8Array> {
  const origin = memoryDevice(base)
  const opened = await openCard({ ...source, device: memoryDevice(before) } as CardSource)
  const change = await planChange(opened, 'restore', { seconds, options: { file: archive } })
  const { card, takenBack } = applied(before, change, testFolder(t))
  const [earlier, later] = [old, next].map((store) => sumsOf(mergedOf(origin, memoryDevice(store))))
  assert.deepEqual([Object.keys(earlier ?? {}).length, Object.keys(later ?? {}).length], [7, 41])
  const seen = { old: 0, next: 0, refused: 0 }
  for (const state of powerCuts(before, card.events, { maxTears, allUpTo: 2, samples: maxTears })) {
    const store = storeOn(memoryDevice(state.card))
    const { value } = readSnapshotStore(store, origin.size)
    assert.ok(!value?.blank, `${state.what}: a kernel would begin anew`)
    if (!value?.valid) seen.refused += 1
    else {
      const sums = sumsOf(mergedOf(origin, store))
      const which = Object.keys(sums).length === 7 ? 'old' : 'next'
      assert.deepEqual(sums, which === 'old' ? earlier : later, state.what)
      seen[which] += 1
    }
    assert.equal(Buffer.compare(takenBack(state), before), 0, `taken back ${state.what}`)
  }
  assert.deepEqual(sumsOf(mergedOf(origin, storeOn(card))), later)
  t.diagnostic(JSON.stringify(seen))
  const states = seen.old + seen.next + seen.refused
  assert.ok(states >= 60 && seen.old > 0 && seen.next > 0 && seen.refused > 30, JSON.stringify(seen))
  return card.bytes
}

test('power cuts while files are put back through a store: it is the old one, or the new one, or none', { skip }, async (t) => {
  const made = await practice(t, 'overlay', 3 * MiB)
  const source = { kind: 'file', path: 'overlay', base: memoryDevice(made.base) } as const
  await cutAll(t, made, made.old, source, (card) => card, 12)
})

test('power cuts while a store is put back that grows on its stick: it is the old one, or the new one, or none', {
  skip,
}, async (t) => {
  const made = await practice(t, 'store', MiB)
  const folder = testFolder(t)
  const fat = join(folder, 'fat.img')
  // What is free on a stick that was used is not empty: none of it may be taken for a list.
  writeFileSync(fat, noise(24 * MiB, 7))
  tool('mkfs.fat', ['-F', '16', '-s', '2', '-n', 'LIVE', '-i', '1A2B3C4D', fat])
  mkdirSync(join(folder, 'LiveOS'))
  writeFileSync(join(folder, 'LiveOS', 'rootfs.img'), made.base)
  writeFileSync(join(folder, 'LiveOS', overlayName), made.old)
  tool('mcopy', ['-s', '-i', fat, join(folder, 'LiveOS'), '::/'], { env: { MTOOLS_SKIP_CHECK: '1' } })
  const storeOn = (card: BlockDevice) => {
    const { value: tree } = openFat(card)
    return (tree && findNode(tree, `LiveOS/${overlayName}`)?.open().value) ?? assert.fail('no overlay')
  }
  const before = new Uint8Array(readFileSync(fat))
  const after = await cutAll(t, made, before, { kind: 'file', path: 'card.img' }, storeOn, 3)
  assert.equal(storeOn(memoryDevice(after)).size, made.next.length)
})
