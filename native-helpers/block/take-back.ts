import { crc32 } from 'node:zlib'
import { LivecardError } from '../errors.ts'
import type { BlockDevice } from './device.ts'
import { piece } from './journalled.ts'
import { damaged, type UndoFile, type UndoWitnesses } from './undo-file.ts'
import { type RangePayload, rangePayload, recordKinds, sumsOf, sumUnitBytes, type UndoRecord } from './undo-record.ts'

export interface TakeBackOptions {
  /** Gives a card that is a file its old length again, at the end. */
  shrink?: (sizeBytes: number) => void
  progress?: (doneBytes: number, totalBytes: number) => void
}

export interface TakenBack {
  /** `nothing`: the job never came so far as to write. `already`: it was taken back before. */
  state: 'nothing' | 'already' | 'done'
  writtenBytes: number
}

/**
 * Puts back what `applyJournalled` wrote, wherever it or an earlier taking-back was broken off. First every place is looked at: one that is
 * neither as it was nor as the job left it means that the card was used since, and then nothing is written.
 * Throws `undo-other-card`, `undo-card-changed`, `undo-file-damaged`.
 */
export function takeBack(card: BlockDevice, undo: UndoFile, options: TakeBackOptions = {}): TakenBack {
  const { writeSync, flushSync } = card
  if (!writeSync || !flushSync) throw new TypeError('the card was opened for reading only')
  const { head } = undo
  if (!undo.sealed) return { state: 'nothing', writtenBytes: 0 }
  if (undo.undoEnded) return { state: 'already', writtenBytes: 0 }
  if (card.size < head.card.sizeBytes) throw otherCard(head.card.sizeBytes, card.size)
  checkUnchanged(card, undo)

  const marks = undo.append()
  marks.add(recordKinds.undoBegun, 0, 0, 0, new Uint8Array())
  marks.sync()
  let writtenBytes = 0
  // In reverse: what made the rest valid goes first.
  for (let group = undo.groups - 1; group >= 0; group -= 1) {
    for (const { offset, old } of rangesOf(undo, group)) {
      if (!old) continue
      writeSync.call(card, old, offset)
      writtenBytes += old.length
      options.progress?.(writtenBytes, undo.keptBytes)
    }
    flushSync.call(card)
    marks.add(recordKinds.undone, group, 0, 0, new Uint8Array())
    marks.sync()
  }
  if (card.size > head.card.sizeBytes) options.shrink?.(head.card.sizeBytes)
  flushSync.call(card)
  marks.add(recordKinds.undoEnd, 0, 0, 0, new Uint8Array())
  marks.sync()
  return { state: 'done', writtenBytes }
}

type Range = RangePayload & Pick<UndoRecord, 'offset' | 'lengthBytes' | 'group'>

function* rangesOf(undo: UndoFile, group: number | null = null): Generator<Range> {
  for (const record of undo.ranges()) {
    if (group !== null && record.group !== group) continue
    const payload = rangePayload(record)
    if (!payload) throw damaged(undo.path, `the range at byte ${record.offset} is not whole`)
    yield { ...payload, offset: record.offset, lengthBytes: record.lengthBytes, group: record.group }
  }
}

type Allowed = 'old' | 'new' | 'both' | 'anything'

/** What a group's places may hold, by how far the work and its taking-back came. */
function allowedIn(undo: UndoFile, group: number): Allowed {
  if (undo.undoBegun) {
    if (undo.undoneGroups.has(group)) return 'old'
    // From the last: the first that is not known to be back is the one that was being written.
    const inFlight = undo.groups - 1 - undo.undoneGroups.size
    return group === inFlight ? 'anything' : 'both'
  }
  if (undo.ended || group < undo.appliedGroups) return 'new'
  return group === undo.appliedGroups ? 'anything' : 'old'
}

function checkUnchanged(card: BlockDevice, undo: UndoFile): void {
  checkPlaces(card, undo.landmarks)
  const twice = writtenTwice(undo)
  for (const { offset, lengthBytes, group, old, newSums } of rangesOf(undo)) {
    const allowed = allowedIn(undo, group)
    // Of several groups that write a place, the last one that may have come so far knows what stands there; before all of them, the first.
    const others = twice.filter((other) => other.group !== group && other.offset < offset + lengthBytes && offset < other.end)
    // A free place may hold anything once it is free again.
    if (allowed === 'anything' || !old) continue
    if (offset + lengthBytes > card.size) throw otherCard(undo.head.card.sizeBytes, card.size)
    const now = piece(card, offset, lengthBytes)
    const sums = sumsOf(now)
    for (let at = 0; at < lengthBytes; at += sumUnitBytes) {
      const unit = now.subarray(at, at + sumUnitBytes)
      const known = others.filter((other) => other.offset < offset + at + unit.length && offset + at < other.end)
      if (known.some((other) => (other.group < group ? allowed === 'old' : allowedIn(undo, other.group) !== 'old'))) continue
      const isOld = allowed !== 'new' && Buffer.compare(unit, old.subarray(at, at + sumUnitBytes)) === 0
      const place = (at / sumUnitBytes) * 4
      const isNew = allowed !== 'old' && Buffer.compare(sums.subarray(place, place + 4), newSums.subarray(place, place + 4)) === 0
      if (!isOld && !isNew) throw changedSince(offset + at)
    }
  }
  if (undo.ended && !undo.undoBegun) checkPlaces(card, undo.witnesses)
}

/** Places that more than one group writes, with each of these groups. */
function writtenTwice({ places }: UndoFile): { offset: number; end: number; group: number }[] {
  const sorted = places.map(({ offset, lengthBytes, group }) => ({ offset, end: offset + lengthBytes, group }))
  sorted.sort((a, b) => a.offset - b.offset)
  const twice = new Set<(typeof sorted)[number]>()
  let furthest = sorted[0]
  for (const place of sorted.slice(1)) {
    if (furthest && place.offset < furthest.end) twice.add(furthest).add(place)
    if (!furthest || place.end > furthest.end) furthest = place
  }
  return [...twice]
}

function checkPlaces(card: BlockDevice, places: UndoWitnesses): void {
  for (const { offset, lengthBytes, crc } of places) {
    if (offset + lengthBytes > card.size || crc32(piece(card, offset, lengthBytes)) !== crc) throw changedSince(offset)
  }
}

function changedSince(offset: number): LivecardError {
  return new LivecardError('refused', 'undo-card-changed', {
    message: `The card was changed since this undo file was made (at byte ${offset}).`,
    meaning: 'To take the job back now would damage what came after it. Nothing was written.',
    next: 'Inspect the card. If it works, keep it as it is; the undo file can be removed.',
  })
}

function otherCard(expectedBytes: number, foundBytes: number): LivecardError {
  return new LivecardError('refused', 'undo-other-card', {
    message: `This is not the card that the undo file belongs to: it holds ${foundBytes} bytes, the other one at least ${expectedBytes}.`,
    meaning: 'Nothing was written.',
    next: 'Plug in the card that was changed, and name it behind the undo file.',
  })
}
