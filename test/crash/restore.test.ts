/** Power cuts while files are put back: what was there can always be had again. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { copyFileSync, mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { applyJournalled } from '../../native-helpers/block/journalled.ts'
import { takeBack } from '../../native-helpers/block/take-back.ts'
import { createUndoFile, openUndoFile, type UndoHead } from '../../native-helpers/block/undo-file.ts'
import { ChangeDraft } from '../../native-helpers/systems/change.ts'
import { freePlaces } from '../../native-helpers/systems/free-places.ts'
import { restoreInto } from '../../native-helpers/systems/restore/restore.ts'
import { extentsSpot } from '../../native-helpers/systems/restore/volume.ts'
import { readExtFacts } from '../../native-helpers/volumes/ext-facts.ts'
import { openExt } from '../../native-helpers/volumes/ext-tree.ts'
import { walkTree } from '../../native-helpers/volumes/tree.ts'
import { memoryDevice } from '../support/file-device.ts'
import { noise } from '../support/memory-device.ts'
import { powerCuts, recordingCard } from '../support/power-cut.ts'
import { missingTools, testFolder, tool } from '../support/tools.ts'
import { cannotWasm } from '../support/wasm.ts'

const skip = missingTools('mke2fs', 'e2fsck', 'tar') ?? cannotWasm() ?? false
const volumeBytes = 3 * 1024 * 1024

function writeFiles(folder: string, seed: number): void {
  mkdirSync(join(folder, 'rw/etc'), { recursive: true })
  for (let at = 0; at < 12; at += 1)
    writeFileSync(join(folder, 'rw', at % 2 ? 'etc' : '.', `file-${at}`), noise(2000 + at * 900, seed + at))
}

/** Every file by its sum. */
function filesOf(card: Uint8Array): Record<string, string> {
  const { value, problem } = openExt(memoryDevice(card))
  assert.ok(value, problem?.detail)
  const sums: Record<string, string> = {}
  walkTree(value.tree, (path, node) => {
    if (node.kind !== 'file') return
    const device = node.open().value ?? assert.fail(path)
    const bytes = new Uint8Array(device.size)
    device.readSync(bytes, 0)
    sums[path] = createHash('sha256').update(bytes).digest('hex')
  })
  return sums
}

test('after a cut at any write, torn or out of order, all is taken back; and the volume never says that it is whole when it is not', {
  skip,
  timeout: 300_000,
}, (t) => {
  const folder = testFolder(t)
  const [old, saved] = [join(folder, 'old'), join(folder, 'saved')]
  writeFiles(old, 100)
  writeFiles(saved, 200)
  const archive = join(folder, 'rw.tar')
  tool('tar', ['-cf', archive, '-C', saved, 'rw'])
  const image = join(folder, 'volume.img')
  writeFileSync(image, '')
  truncateSync(image, volumeBytes)
  tool('mke2fs', ['-q', '-F', '-t', 'ext4', '-b', '1024', '-J', 'size=1', '-d', old, image])
  const before = new Uint8Array(readFileSync(image))

  const draft = new ChangeDraft(memoryDevice(before))
  const extents = [{ start: 0, lengthBytes: volumeBytes }]
  const words = { what: 'rw', title: 'the changes', forms: ['upper' as const], folder: 'rw' }
  restoreInto([extentsSpot(extents, words, null)], draft, { seconds: 1_700_000_000, options: { file: archive } })
  const groups = draft.groups()
  const whole = join(folder, 'whole')
  const card = recordingCard(before, () => statSync(whole).size)
  const head: UndoHead = {
    ...{ format: 1, title: 'Restore', job: 'restore', createdAt: 0 },
    card: { path: 'card.img', serial: null, sizeBytes: volumeBytes, sectorSize: 512 },
  }
  applyJournalled({ card, view: draft.view, groups, witnesses: draft.witnesses }, createUndoFile(whole, head))
  draft.close()

  const free = freePlaces(memoryDevice(before), extents)
  const used = (bytes: Uint8Array) => {
    const copy = Uint8Array.from(bytes)
    for (const { offset, lengthBytes } of free) copy.fill(0, offset, offset + lengthBytes)
    return copy
  }
  const [earlier, later] = [filesOf(before), filesOf(card.bytes)]
  assert.notDeepEqual(earlier, later)
  assert.equal(Object.keys(later).length, 12)
  const checkIsClean = (bytes: Uint8Array) => {
    writeFileSync(image, bytes)
    tool('e2fsck', ['-f', '-n', image])
  }
  checkIsClean(card.bytes)

  const expected = used(before)
  const seen = { states: 0, old: 0, new: 0, unclean: 0 }
  const path = join(folder, 'cut')
  for (const cut of powerCuts(before, card.events, { maxTears: 60, allUpTo: 6, samples: 60 })) {
    seen.states += 1
    // The state of the superblock, bit 0: left cleanly (fs/ext4/ext4.h). One that is torn has a wrong sum, and nobody mounts it.
    const isClean = ((cut.card[1024 + 58] ?? 0) & 1) === 1 && readExtFacts(memoryDevice(cut.card)).value !== null
    if (!isClean) seen.unclean += 1
    else if (Buffer.compare(used(cut.card), expected) === 0) seen.old += 1
    else {
      assert.deepEqual(filesOf(cut.card), later, cut.what)
      seen.new += 1
    }
    copyFileSync(whole, path)
    truncateSync(path, cut.note === 0 ? (card.events[0]?.note ?? 0) : cut.note)
    const back = recordingCard(cut.card)
    const undo = openUndoFile(path)
    takeBack(back, undo)
    undo.close()
    assert.equal(Buffer.compare(used(back.bytes), expected), 0, cut.what)
  }
  t.diagnostic(JSON.stringify(seen))
  assert.ok(seen.states > 80 && seen.old > 0 && seen.new > 0 && seen.unclean > 50, JSON.stringify(seen))
})
