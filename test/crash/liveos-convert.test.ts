import assert from 'node:assert/strict'
import { copyFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { BlockDevice } from '../../native-helpers/block/device.ts'
import { applyJournalled } from '../../native-helpers/block/journalled.ts'
import { mergedDevice } from '../../native-helpers/block/merged.ts'
import { takeBack } from '../../native-helpers/block/take-back.ts'
import { createUndoFile, openUndoFile } from '../../native-helpers/block/undo-file.ts'
import { openCard } from '../../native-helpers/systems/card.ts'
import { planChange } from '../../native-helpers/systems/plan-change.ts'
import { replayedInMemory } from '../../native-helpers/volumes/ext-replay.ts'
import { openExt } from '../../native-helpers/volumes/ext-tree.ts'
import { identify } from '../../native-helpers/volumes/identify.ts'
import { openTree } from '../../native-helpers/volumes/open-tree.ts'
import { readSnapshotStore } from '../../native-helpers/volumes/snapshot-store.ts'
import { findNode } from '../../native-helpers/volumes/tree.ts'
import { memoryDevice } from '../support/file-device.ts'
import { cannotMount } from '../support/kernel-mount.ts'
import { letterOverlay, letterStick, writtenOf } from '../support/letter-stick.ts'
import { originIn, sumsOf, sumsOfTree } from '../support/merged-view.ts'
import { powerCuts, recordingCard } from '../support/power-cut.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'
import { cannotWasm } from '../support/wasm.ts'

const skip =
  cannotMount() ?? cannotWasm() ?? missingTools('mke2fs', 'mkfs.fat', 'mcopy', 'fsck.fat', 'mksquashfs', 'e2fsck') ?? false
const context = { seconds: 1_700_000_000, options: {} }

/** The files that a system shows that starts from the stick, whichever form its changes have. All of them are changes here. */
async function filesOf(card: BlockDevice, filesystem: 'vfat' | 'ext4'): Promise<Record<string, string>> {
  const { value: tree, problem } = await openTree(card, filesystem)
  const file = (path: string) => (tree && findNode(tree, path)?.open().value) ?? assert.fail(`${path}: ${problem?.detail}`)
  const device = file(letterOverlay)
  if (identify(device).volume?.type === 'ext4') {
    const { value: ext, problem: unread } = openExt(device)
    assert.ok(ext?.facts.clean && !ext.facts.needsRecovery, unread?.detail)
    assert.equal(findNode(ext.tree, 'ovlwork')?.kind, 'directory')
    const upper = findNode(ext.tree, 'overlayfs') ?? assert.fail('there is no upper folder')
    return sumsOfTree({ ...ext.tree, root: upper })
  }
  const origin = await originIn(file('LiveOS/squashfs.img'))
  const { value: store } = readSnapshotStore(device, origin.size)
  assert.ok(store?.valid && store.exceptions.damageCount === 0)
  const merged = mergedDevice(origin, device, store.exceptions)
  return sumsOf(replayedInMemory(merged).value?.device ?? merged)
}

for (const filesystem of ['vfat', 'ext4'] as const) {
  test(`power cuts while changes get another form on ${filesystem}: every letter is there, and it can be taken back`, {
    skip,
    timeout: 300_000,
  }, async (t) => {
    const before = letterStick(t, filesystem, filesystem === 'vfat' ? 40 : 32)
    const folder = testFolder(t)
    const expected = await filesOf(memoryDevice(before), filesystem)
    assert.equal(Object.keys(expected).length, 40)
    const whole = join(folder, 'whole')
    const card = recordingCard(before, () => statSync(whole).size)
    const opened = await openCard({ kind: 'file', path: 'card.img', device: memoryDevice(before) })
    const { draft, groups } = await planChange(opened, 'convert', context)
    const again = await planChange(
      await openCard({ kind: 'file', path: 'card.img', device: memoryDevice(before) }),
      'convert',
      context,
    )
    assert.equal(writtenOf(again), writtenOf({ draft, groups }), 'made up again it is the same')
    const head = {
      ...{ format: 1 as const, title: 'Try', job: 'convert', createdAt: 0 },
      card: { path: 'card', serial: null, sizeBytes: card.size, sectorSize: 512 },
    }
    applyJournalled({ card, view: draft.view, groups, witnesses: draft.witnesses }, createUndoFile(whole, head))
    assert.deepEqual(await filesOf(card, filesystem), expected)
    const checked = join(folder, 'checked.img')
    writeFileSync(checked, card.bytes)
    if (filesystem === 'vfat') tool('fsck.fat', ['-n', checked])
    else tool('e2fsck', ['-f', '-n', checked])

    const cut = join(folder, 'cut')
    let states = 0
    let started = 0
    for (const state of powerCuts(before, card.events, { maxTears: 3, allUpTo: 2, samples: 3 })) {
      states += 1
      assert.deepEqual(await filesOf(memoryDevice(state.card), filesystem), expected, `as found ${state.what}`)
      started += 1
      copyFileSync(whole, cut)
      truncateSync(cut, state.note === 0 ? (card.events[0]?.note ?? 0) : state.note)
      const back = recordingCard(state.card)
      const undo = openUndoFile(cut)
      takeBack(back, undo)
      undo.close()
      assert.deepEqual(await filesOf(back, filesystem), expected, `taken back ${state.what}`)
    }
    t.diagnostic(`${states} states, ${started} started as found; ${card.events.length} writes and flushes`)
    assert.ok(states > 60, `${states}`)
  })
}
