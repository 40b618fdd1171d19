import assert from 'node:assert/strict'
import { copyFileSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { applyJournalled } from '../../native-helpers/block/journalled.ts'
import { takeBack } from '../../native-helpers/block/take-back.ts'
import { createUndoFile, openUndoFile } from '../../native-helpers/block/undo-file.ts'
import { openCard } from '../../native-helpers/systems/card.ts'
import { planChange } from '../../native-helpers/systems/plan-change.ts'
import { makeSnapshotStore, setStoreValid } from '../../native-helpers/volumes/snapshot-make.ts'
import { readSnapshotStore } from '../../native-helpers/volumes/snapshot-store.ts'
import { snapshotView } from '../../native-helpers/volumes/snapshot-view.ts'
import { rootInode } from '../../native-helpers/wasm/ext-files.ts'
import { makeVolume, performSync } from '../../native-helpers/wasm/ext-programs.ts'
import { ExtWriter } from '../../native-helpers/wasm/ext-writer.ts'
import { memoryDevice } from '../support/file-device.ts'
import { noise } from '../support/memory-device.ts'
import { mergedOf, sumsOf } from '../support/merged-view.ts'
import { powerCuts, recordingCard } from '../support/power-cut.ts'
import { testFolder } from '../support/tools.ts'
import { cannotWasm } from '../support/wasm.ts'

const skip = cannotWasm() ?? false
const MiB = 1024 * 1024
const seconds = 1_700_000_000
const chunkBytes = 4096

/** A filesystem with one delivered file, and a store with forty letters over it, of more than one area. */
function practice(valid: boolean) {
  const base = recordingCard(new Uint8Array(8 * MiB))
  performSync(makeVolume({ type: 'ext4', blockBytes: 1024, uuid: '7b2f3c4d-1111-4222-8333-944455556666' }), base)
  const first = new ExtWriter(base, { seconds })
  first.write(first.makeFile(rootInode, 'delivered', { kind: 'file' }), 0, noise(5000, 1))
  first.close()
  const store = recordingCard(new Uint8Array(4 * MiB))
  const writer = makeSnapshotStore(store)
  const view = snapshotView(base, store, { chunkBytes, find: () => null }, writer)
  const files = new ExtWriter(view, { seconds })
  const letters = files.makeFolder(rootInode, 'letters')
  for (let at = 0; at < 40; at += 1)
    files.write(files.makeFile(letters, `letter ${at}`, { kind: 'file' }), 0, noise(30_000 + at * 100, at + 1))
  files.close()
  view.flushSync()
  assert.ok(view.copied > 256)
  if (!valid) setStoreValid(store, false)
  return { base: base.bytes, store: store.bytes }
}

for (const { valid, keep } of [
  { valid: true, keep: '' },
  { valid: false, keep: '' },
  { valid: true, keep: 'letters/letter 7\nletters/letter 8' },
]) {
  const what = `${valid ? 'a store' : 'an invalid store'}${keep === '' ? '' : ' of which something is kept'}`
  test(`power cuts while ${what} is reset: what a kernel takes is the old one or the new one`, { skip }, async (t) => {
    const { base, store } = practice(valid)
    const origin = memoryDevice(base)
    const whole = join(testFolder(t), 'whole')
    const card = recordingCard(store, () => statSync(whole).size)
    const opened = await openCard({ kind: 'file', path: 'overlay', device: memoryDevice(store), base: origin })
    const { draft, groups } = await planChange(opened, 'reset', { seconds, options: keep === '' ? {} : { keep } })
    const head = {
      ...{ format: 1 as const, title: 'Try', job: 'reset', createdAt: 0 },
      card: { path: 'card', serial: null, sizeBytes: card.size, sectorSize: 512 },
    }
    applyJournalled({ card, view: draft.view, groups, witnesses: draft.witnesses }, createUndoFile(whole, head))
    const old = sumsOf(mergedOf(origin, asValid(store)))
    const next = sumsOf(mergedOf(origin, card))
    assert.equal(Object.keys(old).length, 41)
    assert.deepEqual(Object.keys(next).sort(), ['delivered', ...keep.split('\n').filter(Boolean)].sort())

    const seen = { old: 0, next: 0, empty: 0, refused: 0 }
    const cut = join(testFolder(t), 'cut')
    for (const state of powerCuts(store, card.events, { maxTears: 7, allUpTo: 4, samples: 8 })) {
      seen[asKernelSees(state.card)] += 1
      copyFileSync(whole, cut)
      truncateSync(cut, state.note === 0 ? (card.events[0]?.note ?? 0) : state.note)
      const back = recordingCard(state.card)
      const undo = openUndoFile(cut)
      takeBack(back, undo)
      undo.close()
      assert.ok(Buffer.compare(back.bytes, store) === 0, `taken back ${state.what}`)
    }
    t.diagnostic(JSON.stringify(seen))
    assert.ok(seen.next > 0 && (valid ? seen.old > 0 : seen.refused > 0))
    // Nothing is kept: whoever starts it meanwhile finds it empty, as it shall be.
    if (keep === '') assert.equal(valid ? seen.refused : seen.old, 0)
    else assert.ok(seen.refused > 10 && seen.empty === 0, JSON.stringify(seen))

    function asKernelSees(bytes: Uint8Array): keyof typeof seen {
      const device = memoryDevice(bytes)
      const { value } = readSnapshotStore(device, origin.size)
      if (!value?.valid) return 'refused'
      // A kernel clears the first area of a store without a header.
      if (value.blank) return 'empty'
      const sums = sumsOf(mergedOf(origin, device))
      if (Object.keys(sums).length === Object.keys(next).length) {
        assert.deepEqual(sums, next)
        return 'next'
      }
      assert.deepEqual(sums, old)
      return 'old'
    }
  })
}

function asValid(store: Uint8Array) {
  const copy = recordingCard(store)
  setStoreValid(copy, true)
  return copy
}
