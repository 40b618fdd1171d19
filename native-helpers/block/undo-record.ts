import { crc32 } from 'node:zlib'

/**
 * The records of an undo file, one behind the other, little-endian. A head comes first, then the old bytes of everything that will be written,
 * then the seal: only after it is safe on the disk may the card be written to. Marks follow as the work goes on.
 *
 * | bytes   | what                                                                             |
 * |---------|----------------------------------------------------------------------------------|
 * | 0–3     | "LCUR"                                                                           |
 * | 4–7     | kind, see `recordKinds`                                                          |
 * | 8–11    | place of the record in the file, from 0                                          |
 * | 12–15   | group: its writes are flushed before the next group's begin                      |
 * | 16–23   | where on the card, in bytes                                                      |
 * | 24–31   | how many bytes of the card                                                       |
 * | 32–35   | length of what follows the record's 48 bytes                                     |
 * | 36–39   | CRC-32 of what follows                                                           |
 * | 40–43   | zero                                                                             |
 * | 44–47   | CRC-32 of bytes 0–43                                                             |
 *
 * What follows: JSON for a head and an end; for old bytes a CRC-32 of every 512 bytes as they will be, then the bytes as they were. Nothing for bytes
 * that nobody will miss (or, in files of earlier versions, the former): what is free may change at any time, and who begins to use it changes other places too.
 */
export const recordBytes = 48
export const sumUnitBytes = 512
/** So much of the card in one record at most. */
export const maxRangeBytes = 1024 * 1024
const maxPayloadBytes = maxRangeBytes + (maxRangeBytes / sumUnitBytes) * 4
const magic = 0x5255434c

export const recordKinds = {
  head: 1,
  old: 2,
  /** The place was free, or behind the end: nothing to be put back. */
  free: 3,
  seal: 4,
  /** A group is on the card, and flushed. */
  applied: 5,
  /** All groups are; holds the witnesses. */
  end: 6,
  undoBegun: 7,
  /** A group is taken back, and flushed. */
  undone: 8,
  undoEnd: 9,
} as const
export type RecordKind = (typeof recordKinds)[keyof typeof recordKinds]
const known = new Set<number>(Object.values(recordKinds))

export interface UndoRecord {
  kind: RecordKind
  sequence: number
  group: number
  offset: number
  lengthBytes: number
  payload: Uint8Array
}

export function encodeRecord({ kind, sequence, group, offset, lengthBytes, payload }: UndoRecord): Uint8Array {
  const bytes = Buffer.alloc(recordBytes + payload.length)
  bytes.writeUInt32LE(magic, 0)
  bytes.writeUInt32LE(kind, 4)
  bytes.writeUInt32LE(sequence, 8)
  bytes.writeUInt32LE(group, 12)
  bytes.writeBigUInt64LE(BigInt(offset), 16)
  bytes.writeBigUInt64LE(BigInt(lengthBytes), 24)
  bytes.writeUInt32LE(payload.length, 32)
  bytes.writeUInt32LE(crc32(payload), 36)
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 44)), 44)
  bytes.set(payload, recordBytes)
  return bytes
}

/** The record's fixed part; null where none stands, or a torn one. */
export function decodeRecordHead(
  head: Buffer,
): (Omit<UndoRecord, 'payload'> & { payloadBytes: number; payloadCrc: number }) | null {
  if (head.length < recordBytes || head.readUInt32LE(0) !== magic || head.readUInt32LE(44) !== crc32(head.subarray(0, 44)))
    return null
  const kind = head.readUInt32LE(4)
  const payloadBytes = head.readUInt32LE(32)
  const offset = Number(head.readBigUInt64LE(16))
  const lengthBytes = Number(head.readBigUInt64LE(24))
  if (!known.has(kind) || payloadBytes > maxPayloadBytes || lengthBytes > maxRangeBytes || !Number.isSafeInteger(offset))
    return null
  return {
    kind: kind as RecordKind,
    sequence: head.readUInt32LE(8),
    group: head.readUInt32LE(12),
    offset,
    lengthBytes,
    payloadBytes,
    payloadCrc: head.readUInt32LE(36),
  }
}

/** A CRC-32 of every 512 bytes. */
export function sumsOf(bytes: Uint8Array): Uint8Array {
  const sums = Buffer.alloc(Math.ceil(bytes.length / sumUnitBytes) * 4)
  for (let at = 0; at < bytes.length; at += sumUnitBytes) {
    sums.writeUInt32LE(crc32(bytes.subarray(at, at + sumUnitBytes)), (at / sumUnitBytes) * 4)
  }
  return sums
}

export interface RangePayload {
  /** Empty where the place was free. */
  newSums: Uint8Array
  /** Null where the place was free. */
  old: Uint8Array | null
}

/** Null where the payload does not have the length that its range asks for. */
export function rangePayload({ kind, lengthBytes, payload }: UndoRecord): RangePayload | null {
  const sumsBytes = Math.ceil(lengthBytes / sumUnitBytes) * 4
  if (kind === recordKinds.free) return [0, sumsBytes].includes(payload.length) ? { newSums: payload, old: null } : null
  if (payload.length !== sumsBytes + lengthBytes) return null
  return { newSums: payload.subarray(0, sumsBytes), old: payload.subarray(sumsBytes) }
}
