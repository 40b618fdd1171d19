import { crc32 } from 'node:zlib'
import { LivecardError } from '../errors.ts'
import type { BlockDevice } from './device.ts'
import { json, type UndoWitnesses, type UndoWriter } from './undo-file.ts'
import { maxRangeBytes, recordKinds, sumsOf } from './undo-record.ts'

/** A run of bytes that is to be written. */
export interface ChangedRange {
  offset: number
  lengthBytes: number
  /** Nobody will miss what stands there: the place is free, or behind the old end. */
  free?: boolean
  /** What stands there until a later group writes the place for good: this instead of what the view holds. At most a record's worth. */
  meanwhile?: Uint8Array
}

/** Writes that may reach the card in any order among themselves. Those of the next group begin when these are flushed. */
export interface ChangeGroup {
  ranges: ChangedRange[]
}

export interface CardChange {
  /** The card as it is; the same device is written to. */
  card: BlockDevice
  /** The card as it shall be: what is to be written is read from here. */
  view: BlockDevice
  groups: ChangeGroup[]
  /** Places that any use of the card changes, by which `takeBack` notices it. */
  witnesses: { offset: number; lengthBytes: number }[]
  /** Makes room where the card is a file that has to grow, and gives the longer card; runs after the seal. */
  grow?: () => BlockDevice
  /** Bytes done of all, twice: kept in the undo file, and written. */
  progress?: (doneBytes: number, totalBytes: number) => void
  /** Asked between writes up to the seal. Afterwards the work is brought to its end: a half-changed card helps nobody. */
  checkCancelled?: () => void
}

export interface Applied {
  writtenBytes: number
}

/**
 * Writes a change to a card so that it can be taken back: old bytes to the undo file, the file safe on the disk, then the groups in their order,
 * a flush after each. Ranges that already hold what they shall are left alone. The undo file is removed when the card was not touched.
 */
export function applyJournalled(change: CardChange, undo: UndoWriter): Applied {
  const { card, view, progress, checkCancelled } = change
  if (!card.writeSync || !card.flushSync) throw new TypeError('the card was opened for reading only')
  refuseOverlaps(change.groups)
  const totalBytes = 2 * change.groups.flatMap(({ ranges }) => ranges).reduce((sum, { lengthBytes }) => sum + lengthBytes, 0)
  let doneBytes = 0
  const advance = (lengthBytes: number): void => {
    doneBytes += lengthBytes
    progress?.(doneBytes, totalBytes)
  }

  const passing = change.groups.flatMap(({ ranges }, group) => ranges.flatMap((one) => (one.meanwhile ? [{ ...one, group }] : [])))
  const writes: ChangedRange[][] = []
  try {
    for (const [group, { ranges }] of change.groups.entries()) {
      const kept: ChangedRange[] = []
      for (const range of ranges.flatMap((one) => inPieces(one, card.size))) {
        checkCancelled?.()
        if (keep(range, group)) kept.push(range)
        advance(range.lengthBytes)
      }
      writes.push(kept)
    }
    checkCancelled?.()
    const all = writes.flat()
    const landmarks = change.witnesses.filter((place) => !all.some((range) => overlap(place, range)))
    undo.add(recordKinds.seal, 0, 0, 0, json(witnessed(card, landmarks)))
    undo.sync()
  } catch (thrown) {
    undo.discard()
    throw thrown
  }

  let writtenBytes = 0
  const room = new Uint8Array(maxRangeBytes)
  try {
    const target = change.grow?.() ?? card
    for (const [group, ranges] of writes.entries()) {
      for (const { offset, lengthBytes, meanwhile } of ranges) {
        const next = meanwhile ?? room.subarray(0, lengthBytes)
        if (!meanwhile) view.readSync(next, offset)
        target.writeSync?.(next, offset)
        writtenBytes += lengthBytes
        advance(lengthBytes)
      }
      target.flushSync?.()
      undo.add(recordKinds.applied, group, 0, 0, new Uint8Array())
      undo.sync()
    }
    undo.add(recordKinds.end, 0, 0, 0, json(witnessed(target, change.witnesses)))
    undo.sync()
  } catch (thrown) {
    throw brokenOff(undo.path, thrown)
  } finally {
    undo.close()
  }
  progress?.(totalBytes, totalBytes)
  return { writtenBytes }

  function keep({ offset, lengthBytes, free, meanwhile }: ChangedRange, group: number): boolean {
    if (free || offset + lengthBytes > card.size) {
      undo.add(recordKinds.free, group, offset, lengthBytes, new Uint8Array())
      return true
    }
    const next = meanwhile ?? piece(view, offset, lengthBytes)
    const old = asBefore(offset, lengthBytes, group)
    if (Buffer.compare(old, next) === 0) return false
    undo.add(recordKinds.old, group, offset, lengthBytes, Buffer.concat([sumsOf(next), old]))
    return true
  }

  /** What a group finds: the card, with what groups before it have put there meanwhile. */
  function asBefore(offset: number, lengthBytes: number, group: number): Uint8Array {
    const bytes = piece(card, offset, lengthBytes)
    for (const { offset: at, meanwhile, group: earlier } of passing) {
      if (!meanwhile || earlier >= group || !overlap({ offset, lengthBytes }, { offset: at, lengthBytes: meanwhile.length }))
        continue
      const from = Math.max(offset, at)
      bytes.set(meanwhile.subarray(from - at, offset + lengthBytes - at), from - offset)
    }
    return bytes
  }
}

/** Of a place that is written twice the old bytes would be kept twice, and one of them is not old. */
function refuseOverlaps(groups: ChangeGroup[]): void {
  const ranges = groups.flatMap((group) => group.ranges.filter(({ meanwhile }) => !meanwhile)).sort((a, b) => a.offset - b.offset)
  for (const [index, range] of ranges.entries()) {
    const before = ranges[index - 1]
    if (before && overlap(before, range)) throw new TypeError(`byte ${range.offset} would be written twice`)
  }
}

/** A range that begins within the card and ends behind it has old bytes in its first part only. */
function inPieces({ offset, lengthBytes, free, meanwhile }: ChangedRange, cardBytes: number): ChangedRange[] {
  if (meanwhile) {
    if (meanwhile.length !== lengthBytes || lengthBytes > maxRangeBytes || offset + lengthBytes > cardBytes)
      throw new TypeError('what stands on a card meanwhile is one whole record of it')
    return [{ offset, lengthBytes, meanwhile }]
  }
  const pieces: ChangedRange[] = []
  for (let at = offset; at < offset + lengthBytes; ) {
    const stop = at < cardBytes ? Math.min(cardBytes, offset + lengthBytes) : offset + lengthBytes
    const piece = { offset: at, lengthBytes: Math.min(maxRangeBytes, stop - at) }
    pieces.push(free ? { ...piece, free } : piece)
    at += piece.lengthBytes
  }
  return pieces
}

function overlap(one: { offset: number; lengthBytes: number }, other: { offset: number; lengthBytes: number }): boolean {
  return one.offset < other.offset + other.lengthBytes && other.offset < one.offset + one.lengthBytes
}

function witnessed(card: BlockDevice, places: CardChange['witnesses']): UndoWitnesses {
  return places.map(({ offset, lengthBytes }) => ({ offset, lengthBytes, crc: crc32(piece(card, offset, lengthBytes)) }))
}

export function piece(device: BlockDevice, offset: number, lengthBytes: number): Uint8Array {
  const bytes = new Uint8Array(lengthBytes)
  device.readSync(bytes, offset)
  return bytes
}

function brokenOff(undoPath: string, cause: unknown): LivecardError {
  const what = cause instanceof Error ? cause.message : String(cause)
  return new LivecardError(
    'failed',
    'apply-broken-off',
    {
      message: `The change was broken off in the middle: ${what}`,
      meaning: `The card is neither as it was nor as it shall be. Nothing is lost: what was there is kept in ${undoPath}.`,
      next: `Plug the card in again and run "livecard undo ${undoPath}"; after that the job can be tried anew.`,
    },
    cause,
  )
}
