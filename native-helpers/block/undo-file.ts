import { closeSync, fsyncSync, ftruncateSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { crc32 } from 'node:zlib'
import * as z from 'zod'
import { LivecardError, systemCode } from '../errors.ts'
import { decodeRecordHead, encodeRecord, type RecordKind, recordBytes, recordKinds, type UndoRecord } from './undo-record.ts'

/** What an undo file says of itself: which card, which job, when. */
export const undoHead = z.object({
  format: z.literal(1),
  /** What was to be done, for people: "Repair the changes of the stick". */
  title: z.string(),
  job: z.string(),
  createdAt: z.number(),
  card: z.object({
    /** Where it was; a hint only, since drives change their names. */
    path: z.string(),
    serial: z.string().nullable(),
    sizeBytes: z.number().int().nonnegative(),
    sectorSize: z.number().int().positive(),
  }),
})
export type UndoHead = z.infer<typeof undoHead>

/** Places by which a card and its use are known (tables, superblocks, the head of a store), with the CRC-32 of what stands there. */
export const undoWitnesses = z.array(z.object({ offset: z.number(), lengthBytes: z.number(), crc: z.number() }))
export type UndoWitnesses = z.infer<typeof undoWitnesses>

export interface UndoWriter {
  readonly path: string
  add(kind: RecordKind, group: number, offset: number, lengthBytes: number, payload: Uint8Array): void
  /** What was added is on the disk when this returns. */
  sync(): void
  close(): void
  /** Closes and removes it: for a work that never began. */
  discard(): void
}

/** Makes a new undo file with its head; never writes over one that is there. */
export function createUndoFile(path: string, head: UndoHead): UndoWriter {
  const fd = named(path, () => openSync(path, 'wx', 0o600))
  const writer = writerAt(path, fd, { end: 0, sequence: 0 })
  try {
    writer.add(recordKinds.head, 0, 0, 0, json(head))
    writer.sync()
    named(path, () => syncFolder(dirname(path)))
  } catch (thrown) {
    writer.discard()
    throw thrown
  }
  return writer
}

export interface UndoFile {
  path: string
  head: UndoHead
  /** The card was never touched, unless it is sealed. */
  sealed: boolean
  /** How many groups there are, and how many of them are known to be on the card. */
  groups: number
  appliedGroups: number
  ended: boolean
  /** As they are when the work is done. */
  witnesses: UndoWitnesses
  /** Those of them that the work leaves alone. */
  landmarks: UndoWitnesses
  undoBegun: boolean
  undoneGroups: ReadonlySet<number>
  undoEnded: boolean
  /** Which places each group writes. Two groups may write the same one: the earlier only for the time being. */
  places: readonly { offset: number; lengthBytes: number; group: number }[]
  /** Bytes of the card that were to be written, and those of them that can be put back. */
  changedBytes: number
  keptBytes: number
  /** The ranges in the order in which they were written. */
  ranges(): Generator<UndoRecord>
  /** For going on: what stands behind the last whole record is cut off. */
  append(): UndoWriter
  close(): void
}

/** Throws `undo-file-damaged` for a file that is none, is torn before its seal was needed, or fails one of its sums. */
export function openUndoFile(path: string): UndoFile {
  const fd = named(path, () => openSync(path, 'r+'))
  try {
    return survey(path, fd)
  } catch (thrown) {
    closeSync(fd)
    throw thrown
  }
}

function survey(path: string, fd: number): UndoFile {
  const marks = { sealed: false, ended: false, undoBegun: false, undoEnded: false }
  const applied = new Set<number>()
  const undone = new Set<number>()
  let head: UndoHead | null = null
  let witnesses: UndoWitnesses = []
  let landmarks: UndoWitnesses = []
  const places: { offset: number; lengthBytes: number; group: number }[] = []
  const total = { groups: 0, changedBytes: 0, keptBytes: 0, end: 0, sequence: 0 }
  for (const { record, end } of recordsOf(fd)) {
    if (record.sequence !== total.sequence || (record.sequence === 0) !== (record.kind === recordKinds.head)) break
    switch (record.kind) {
      case recordKinds.head:
        head = undoHead.safeParse(fromJson(record.payload)).data ?? null
        break
      case recordKinds.old:
      case recordKinds.free:
        if (marks.sealed) throw damaged(path, 'it has old bytes behind its seal')
        total.groups = Math.max(total.groups, record.group + 1)
        total.changedBytes += record.lengthBytes
        places.push({ offset: record.offset, lengthBytes: record.lengthBytes, group: record.group })
        if (record.kind === recordKinds.old) total.keptBytes += record.lengthBytes
        break
      case recordKinds.seal:
        marks.sealed = true
        landmarks = undoWitnesses.safeParse(fromJson(record.payload)).data ?? []
        break
      case recordKinds.applied:
        applied.add(record.group)
        break
      case recordKinds.end:
        marks.ended = true
        witnesses = undoWitnesses.safeParse(fromJson(record.payload)).data ?? []
        break
      case recordKinds.undoBegun:
        marks.undoBegun = true
        break
      case recordKinds.undone:
        undone.add(record.group)
        break
      case recordKinds.undoEnd:
        marks.undoEnded = true
        break
    }
    total.end = end
    total.sequence += 1
  }
  if (!head) throw damaged(path, 'it does not begin as an undo file does')
  // Torn before the seal was needed is as usual; before a seal that is there, it may be all that is left of somebody's bytes.
  if (!marks.sealed && hasSealBehind(fd, total.end)) throw damaged(path, `what stands at byte ${total.end} of it is spoiled`)
  const { end, sequence } = total
  return {
    path,
    head,
    ...marks,
    groups: total.groups,
    appliedGroups: applied.size,
    witnesses,
    landmarks,
    undoneGroups: undone,
    places,
    changedBytes: total.changedBytes,
    keptBytes: total.keptBytes,
    *ranges() {
      for (const { record } of recordsOf(fd)) {
        if (record.kind === recordKinds.seal) return
        if (record.kind !== recordKinds.head) yield record
      }
    },
    append() {
      named(path, () => ftruncateSync(fd, end))
      return writerAt(path, fd, { end, sequence })
    },
    close: () => closeSync(fd),
  }
}

/** Up to the first that is torn, or does not have its sums. */
function* recordsOf(fd: number): Generator<{ record: UndoRecord; end: number }> {
  for (let next = recordAt(fd, 0); next; next = recordAt(fd, next.end)) yield next
}

function recordAt(fd: number, at: number): { record: UndoRecord; end: number } | null {
  const fixed = Buffer.alloc(recordBytes)
  if (readWhole(fd, fixed, at) < recordBytes) return null
  const head = decodeRecordHead(fixed)
  if (!head) return null
  const { payloadBytes, payloadCrc, ...fields } = head
  const payload = Buffer.alloc(payloadBytes)
  if (readWhole(fd, payload, at + recordBytes) < payloadBytes || crc32(payload) !== payloadCrc) return null
  return { record: { ...fields, payload }, end: at + recordBytes + payloadBytes }
}

const scanBytes = 1024 * 1024

function hasSealBehind(fd: number, from: number): boolean {
  const window = Buffer.alloc(scanBytes + recordBytes)
  for (let at = from; ; at += scanBytes) {
    const got = readWhole(fd, window, at)
    for (
      let found = window.indexOf('LCUR', 0, 'latin1');
      found >= 0 && found + recordBytes <= got;
      found = window.indexOf('LCUR', found + 1, 'latin1')
    ) {
      const head = decodeRecordHead(window.subarray(found, found + recordBytes))
      if (head && head.kind >= recordKinds.seal && recordAt(fd, at + found)) return true
    }
    if (got < window.length) return false
  }
}

function readWhole(fd: number, into: Buffer, at: number): number {
  let done = 0
  while (done < into.length) {
    const count = readSync(fd, into, done, into.length - done, at + done)
    if (count === 0) break
    done += count
  }
  return done
}

function writerAt(path: string, fd: number, at: { end: number; sequence: number }): UndoWriter {
  return {
    path,
    add(kind, group, offset, lengthBytes, payload) {
      const bytes = encodeRecord({ kind, sequence: at.sequence, group, offset, lengthBytes, payload })
      named(path, () => {
        for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done, at.end + done)
      })
      at.end += bytes.length
      at.sequence += 1
    },
    sync: () => named(path, () => fsyncSync(fd)),
    close: () => closeSync(fd),
    discard() {
      closeSync(fd)
      unlinkSync(path)
    },
  }
}

export function json(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value))
}

function fromJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    return null
  }
}

/** A new name is only safe once its folder is; Windows has no such call, and needs none. */
function syncFolder(folder: string): void {
  if (process.platform === 'win32') return
  const fd = openSync(folder, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

function named<T>(path: string, operation: () => T): T {
  try {
    return operation()
  } catch (thrown) {
    const code = systemCode(thrown)
    if (code === null) throw thrown
    throw new LivecardError(
      'failed',
      code === 'ENOSPC' || code === 'EDQUOT' ? 'undo-no-room' : 'undo-file-unusable',
      {
        message: `The undo file ${path} cannot be ${code === 'EEXIST' ? 'made, because there is one already' : `kept there (${code})`}.`,
        meaning: 'Without it nothing could be taken back, so nothing more is written to the card.',
        next: 'Choose another place for it with --undo FILE, on a disk with room and not on the card itself.',
      },
      thrown,
    )
  }
}

export function damaged(path: string, how: string): LivecardError {
  return new LivecardError('data', 'undo-file-damaged', {
    message: `${path} is no usable undo file: ${how}.`,
    meaning:
      'Nothing was written to the card now. What the job changed on it, if it came so far, cannot be taken back with this file.',
    next: 'Take the undo file that the job named when it ended; the history lists them. If it is this one, inspect the card.',
  })
}
