import assert from 'node:assert/strict'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { applyJournalled, type ChangeGroup } from '../../native-helpers/block/journalled.ts'
import { takeBack } from '../../native-helpers/block/take-back.ts'
import { createUndoFile, openUndoFile, type UndoHead } from '../../native-helpers/block/undo-file.ts'
import { noise } from '../support/memory-device.ts'
import { powerCuts, recordingCard } from '../support/power-cut.ts'

const cardBytes = 96 * 1024
const before = noise(cardBytes, 3)
const after = Uint8Array.from(before)
const groups: ChangeGroup[] = [
  // Stands there until the last group writes the place for good.
  { ranges: [{ offset: 0, lengthBytes: 512, meanwhile: noise(512, 99) }] },
  {
    ranges: [
      { offset: 8192, lengthBytes: 4096 },
      { offset: 20480, lengthBytes: 8192, free: true },
      { offset: 40960, lengthBytes: 512 },
    ],
  },
  {
    ranges: [
      { offset: 4096, lengthBytes: 4096 },
      { offset: 70000, lengthBytes: 100 },
    ],
  },
  { ranges: [{ offset: 0, lengthBytes: 512 }] },
]
for (const [at, { offset, lengthBytes }] of groups
  .flatMap(({ ranges }) => ranges)
  .filter(({ meanwhile }) => !meanwhile)
  .entries())
  after.set(noise(lengthBytes, 50 + at), offset)
const free = { from: 20480, to: 20480 + 8192 }
const witnesses = [
  { offset: 0, lengthBytes: 512 },
  { offset: 90 * 1024, lengthBytes: 512 },
]
const head: UndoHead = {
  format: 1,
  title: 'Try',
  job: 'repair',
  createdAt: 0,
  card: { path: 'card.img', serial: null, sizeBytes: cardBytes, sectorSize: 512 },
}

function folderFor(t: { after(done: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), 'livecard-undo-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

function apply(path: string) {
  const card = recordingCard(before, () => statSync(path).size)
  applyJournalled({ card, view: recordingCard(after), groups, witnesses }, createUndoFile(path, head))
  return card
}

/** What was free may hold anything once the work is taken back. */
function asBefore(card: Uint8Array): Uint8Array {
  const bytes = Uint8Array.from(card)
  bytes.set(before.subarray(free.from, free.to), free.from)
  return bytes
}

function assertTakenBack(card: Uint8Array, what: string): void {
  assert.ok(Buffer.compare(asBefore(card), before) === 0, `not as before: ${what}`)
}

test('the card is as it shall be, and the undo file was on the disk before the first write', (t) => {
  const path = join(folderFor(t), 'undo')
  const card = apply(path)
  assert.deepEqual(card.bytes, after)
  const [first] = card.events
  truncateSync(path, first?.note ?? 0)
  const undo = openUndoFile(path)
  assert.equal(undo.sealed, true)
  undo.close()
})

test('after a cut at any write, in any order within a flush, it is taken back; and when that is cut off too', (t) => {
  const folder = folderFor(t)
  const whole = join(folder, 'whole')
  const { events } = apply(whole)
  const path = join(folder, 'cut')
  let states = 0
  for (const cut of powerCuts(before, events, { maxTears: 3 })) {
    states += 1
    copyFileSync(whole, path)
    truncateSync(path, cut.note === 0 ? (events[0]?.note ?? 0) : cut.note)
    const card = recordingCard(cut.card, () => statSync(path).size)
    const undo = openUndoFile(path)
    const result = takeBack(card, undo)
    undo.close()
    assert.equal(result.state, 'done', cut.what)
    assertTakenBack(card.bytes, cut.what)
    const complete = readFileSync(path)
    for (const again of powerCuts(cut.card, card.events, { maxTears: 1, allUpTo: 3, samples: 4 })) {
      states += 1
      writeFileSync(path, complete.subarray(0, again.note === 0 ? undefined : again.note))
      if (again.note === 0) copyFileSync(whole, path)
      if (again.note === 0) truncateSync(path, cut.note === 0 ? (events[0]?.note ?? 0) : cut.note)
      const second = recordingCard(again.card)
      const undoAgain = openUndoFile(path)
      takeBack(second, undoAgain)
      undoAgain.close()
      assertTakenBack(second.bytes, `${cut.what}, then ${again.what}`)
    }
  }
  t.diagnostic(`${states} states`)
  assert.ok(states > 700, `${states}`)
})

test('what stands somewhere for the time being is written before the groups that need it, and gone at the end', (t) => {
  const { events } = apply(join(folderFor(t), 'undo'))
  const writes = events.flatMap((event) => (event.kind === 'write' ? [event.offset] : []))
  assert.deepEqual([writes[0], writes.at(-1)], [0, 0])
  assert.deepEqual(writes.slice(1, -1).includes(0), false)
})

test('a cut before the seal leaves a card that was not touched, and says so', (t) => {
  const path = join(folderFor(t), 'undo')
  const sealed = apply(path).events[0]?.note ?? 0
  const whole = readFileSync(path)
  for (const length of [200, 300, 5000, sealed - 1]) {
    writeFileSync(path, whole.subarray(0, length))
    const card = recordingCard(before)
    const undo = openUndoFile(path)
    assert.equal(takeBack(card, undo).state, 'nothing')
    undo.close()
    assert.deepEqual(card.events, [])
  }
})

test('taken back twice is taken back once', (t) => {
  const path = join(folderFor(t), 'undo')
  const card = apply(path)
  for (const state of ['done', 'already']) {
    const undo = openUndoFile(path)
    assert.equal(takeBack(card, undo).state, state)
    undo.close()
  }
  assertTakenBack(card.bytes, 'twice')
})

test('a card that was used since, another card, and a damaged undo file are refused without a write', (t) => {
  const path = join(folderFor(t), 'undo')
  apply(path)
  const refused = (content: Uint8Array, code: string) => {
    const card = recordingCard(content)
    const undo = openUndoFile(path)
    try {
      assert.throws(() => takeBack(card, undo), { code })
    } finally {
      undo.close()
    }
    assert.deepEqual(card.events, [])
  }
  for (const offset of [8192, 4096, 70000, 511, 90 * 1024 + 100]) {
    const used = Uint8Array.from(after)
    used[offset] = (used[offset] ?? 0) ^ 1
    refused(used, 'undo-card-changed')
  }
  refused(noise(cardBytes, 99), 'undo-card-changed')
  refused(after.subarray(0, cardBytes - 512), 'undo-other-card')

  const whole = readFileSync(path)
  for (const at of [0, 20, 60]) {
    const bad = Uint8Array.from(whole)
    bad[at] = (bad[at] ?? 0) ^ 1
    writeFileSync(path, bad)
    assert.throws(() => openUndoFile(path), { code: 'undo-file-damaged' })
  }
  const bad = Uint8Array.from(whole)
  bad[6000] = (bad[6000] ?? 0) ^ 1
  writeFileSync(path, bad)
  assert.throws(() => openUndoFile(path), { code: 'undo-file-damaged' })
})

test('an undo file is never written over, and without room for it the card is not touched', (t) => {
  const folder = folderFor(t)
  const path = join(folder, 'undo')
  writeFileSync(path, 'mine')
  assert.throws(() => createUndoFile(path, head), { code: 'undo-file-unusable' })
  assert.equal(readFileSync(path, 'utf8'), 'mine')
  const card = recordingCard(before)
  const writer = createUndoFile(join(folder, 'other'), head)
  const full = { ...writer, add: () => assert.fail('no room') }
  assert.throws(() => applyJournalled({ card, view: recordingCard(after), groups, witnesses }, full))
  assert.deepEqual(card.events, [])
})
