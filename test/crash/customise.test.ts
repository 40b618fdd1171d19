import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { copyFileSync, readFileSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { BlockDevice } from '../../native-helpers/block/device.ts'
import { applyJournalled } from '../../native-helpers/block/journalled.ts'
import { slice } from '../../native-helpers/block/slice.ts'
import { takeBack } from '../../native-helpers/block/take-back.ts'
import { createUndoFile, openUndoFile } from '../../native-helpers/block/undo-file.ts'
import type { ChangeJobName } from '../../native-helpers/contract-change.ts'
import { openCard } from '../../native-helpers/systems/card.ts'
import { planChange } from '../../native-helpers/systems/plan-change.ts'
import { openExt } from '../../native-helpers/volumes/ext-tree.ts'
import { walkTree } from '../../native-helpers/volumes/tree.ts'
import { memoryDevice } from '../support/file-device.ts'
import { furnish } from '../support/furnished.ts'
import { makeLampone } from '../support/lampone.ts'
import { lamponeTools } from '../support/lampone-parts.ts'
import { powerCuts, type RecordingCard, recordingCard } from '../support/power-cut.ts'
import { testFolder } from '../support/tools.ts'
import { cannotWasm } from '../support/wasm.ts'

const skip = cannotWasm(...lamponeTools) ?? false
const settings = { hostname: 'atelier', timezone: 'Europe/Berlin', firstBoot: '#!/bin/sh\ntrue\n' }
const context = { seconds: 1_700_000_000, options: { settings: JSON.stringify(settings) } }
/** Every how many states are put right without the undo file too. */
const everySo = 12

async function planned(card: BlockDevice, job: ChangeJobName) {
  const bytes = new Uint8Array(card.size)
  card.readSync(bytes, 0)
  return planChange(await openCard({ kind: 'file', path: 'card.img', device: memoryDevice(bytes) }), job, context)
}

async function carriedOut(card: RecordingCard, job: ChangeJobName): Promise<void> {
  const { draft, groups } = await planned(card, job)
  for (const { offset, lengthBytes } of groups.flatMap(({ ranges }) => ranges)) {
    const bytes = new Uint8Array(lengthBytes)
    draft.view.readSync(bytes, offset)
    card.writeSync(bytes, offset)
  }
  draft.close()
}

test('power cuts at every write of settings: taken back, or repaired and set again, nothing else is lost', {
  skip,
  timeout: 300_000,
}, async (t) => {
  const folder = testFolder(t)
  const small = { bootMiB: 8, kernelMiB: 2, persistenceMiB: 10 }
  const card = makeLampone(folder, { layout: 'lampone', ...small, furnish: furnish({ network: null, init: 'systemd' }) })
  const before = readFileSync(card.path)
  const filesOf = (device: BlockDevice) => {
    const { value: ext } = openExt(slice(device, card.persistence.startBytes, card.persistence.sizeBytes))
    const sums = new Map<string, string>()
    walkTree(ext?.tree ?? assert.fail('it cannot be read'), (path, node) => {
      // What was cut off before it had a name is found there.
      if (node.kind !== 'file' || path.startsWith('lost+found/')) return
      const file = node.open().value ?? assert.fail(path)
      const bytes = new Uint8Array(file.size)
      file.readSync(bytes, 0)
      sums.set(path, createHash('sha256').update(bytes).digest('hex'))
    })
    return sums
  }

  const whole = join(folder, 'whole.undo')
  const recorded = recordingCard(before, () => statSync(whole).size)
  const { draft, groups } = await planned(recorded, 'customise')
  const facts = { path: 'card', serial: null, sizeBytes: recorded.size, sectorSize: 512 }
  const head = { format: 1 as const, title: 'Try', job: 'customise', createdAt: 0, card: facts }
  applyJournalled({ card: recorded, view: draft.view, groups, witnesses: draft.witnesses }, createUndoFile(whole, head))
  const expected = filesOf(recorded)
  assert.ok(expected.has('rw/etc/hostname') && expected.has('rw/home/user/letter.txt'))

  const cut = join(folder, 'cut.undo')
  let states = 0
  let setAgain = 0
  for (const state of powerCuts(before, recorded.events, { maxTears: 3, allUpTo: 3, samples: 4 })) {
    states += 1
    copyFileSync(whole, cut)
    truncateSync(cut, state.note === 0 ? (recorded.events[0]?.note ?? 0) : state.note)
    const back = recordingCard(state.card)
    const undo = openUndoFile(cut)
    takeBack(back, undo)
    undo.close()
    assert.ok(Buffer.compare(back.bytes, before) === 0, `taken back ${state.what}`)
    if (states % everySo !== 1) continue
    setAgain += 1
    const again = recordingCard(state.card)
    await carriedOut(again, 'repair')
    await carriedOut(again, 'customise')
    assert.deepEqual(filesOf(again), expected, `set again ${state.what}`)
  }
  t.diagnostic(
    `${states} states taken back, ${setAgain} of them repaired and set again as well; ${recorded.events.length} writes and flushes`,
  )
  assert.ok(states > 60 && setAgain > 5, `${states}`)
})
