import { crc32c } from './crc.ts'
import { crc32cWithout, type ExtLog, logBlockType, logHeader, logMagic } from './ext-replay-log.ts'
import type { Problem } from './problem.ts'

/** A block of the volume as a transaction left it. */
export interface LoggedBlock {
  /** Its number in the volume. */
  target: number
  /** Where in the log it is. */
  place: number
  sequence: number
  /** Its first four bytes were those of a header and are kept as zeros. */
  escaped: boolean
  /** As the tag says: 32 bits, or 16 with version 2. */
  sum: number
}

/** A block of the log that tells which blocks are not to be replayed. */
export interface LoggedRevokes {
  place: number
  sequence: number
}

export interface LogScan {
  /** Of all transactions that were finished, in their order. */
  blocks: LoggedBlock[]
  revokes: LoggedRevokes[]
  transactions: number
  /** Of the transaction that would be next. */
  nextSequence: number
  /** Why it ends before the log does. */
  problem: Problem | null
  /** It is damaged so that neither the kernel nor e2fsck replays anything of it. */
  isUseless: boolean
}

/** journal_block_tag_t, journal_block_tag3_t; the flags of the latter are the low half of 32 bits, and so in the same place. */
const tagFields = { target: 0, sum2: 4, flags: 6, targetHigh: 8, sum3: 12 }
const tagFlags = { escaped: 1, sameUuid: 2, last: 8 }
const uuidBytes = 16
const tailBytes = 4
/** struct commit_header */
const commitFields = { sumType: 12, sumBytes: 13, sum: 16, seconds: 48 }
const crc32Type = 1
const crc32Bytes = 4
/** jbd2_journal_revoke_header_t: how many of its bytes are in use, this header included. */
const revokeFields = { usedBytes: 12 }
const revokeHeaderBytes = 16

/**
 * Finds the transactions that were finished, as the first pass of do_one_pass (fs/jbd2/recovery.c) does. Of the blocks in them only
 * those that describe others are read.
 */
export function scanLog(log: ExtLog): LogScan {
  const scan: LogScan = { blocks: [], revokes: [], transactions: 0, nextSequence: log.sequence, problem: null, isUseless: false }
  const problem = (detail: string): Problem => ({ code: 'ext-journal', detail: `the journal ${detail}` })
  const stopped = (detail: string): LogScan => ({ ...scan, problem: problem(detail) })
  const useless = (detail: string): LogScan => ({
    ...scan,
    blocks: [],
    revokes: [],
    transactions: 0,
    problem: problem(detail),
    isUseless: true,
  })
  const ring = log.end - log.first
  const wrapped = (place: number) => (place >= log.end ? place - ring : place)
  const bytes = new Uint8Array(log.blockBytes)
  const view = new DataView(bytes.buffer)
  let open = emptyTransaction()
  let suspicious = false
  let lastSeconds = 0n
  for (let next = log.start, walked = 0; walked < ring; ) {
    const place = next
    log.device.readSync(bytes, place * log.blockBytes)
    if (view.getUint32(logHeader.magic) !== logMagic || view.getUint32(logHeader.sequence) !== scan.nextSequence) return scan
    const sequence = scan.nextSequence
    next = wrapped(next + 1)
    walked += 1
    switch (view.getUint32(logHeader.type)) {
      case logBlockType.descriptor: {
        // What an earlier life of the journal left there may look like a block of this one: its commit tells.
        suspicious ||= !tailFits(log, bytes)
        const tags = readTags(log, view)
        if (walked + tags.length > ring) return useless('describes more than it holds')
        if (log.checksums === 1) open.sum = crc32be(open.sum, bytes)
        for (const tag of tags) {
          open.blocks.push({ ...tag, place: next, sequence })
          if (log.checksums === 1) {
            log.device.readSync(bytes, next * log.blockBytes)
            open.sum = crc32be(open.sum, bytes)
          }
          next = wrapped(next + 1)
        }
        walked += tags.length
        break
      }
      case logBlockType.revoke:
        suspicious ||= !tailFits(log, bytes)
        open.revokes.push({ place, sequence })
        break
      case logBlockType.commit: {
        const seconds = view.getBigUint64(commitFields.seconds)
        const isOlder = seconds < lastSeconds
        if (suspicious) return isOlder ? scan : useless(`is damaged in transaction ${sequence}`)
        if (!commitFits(log, bytes, open.sum)) {
          // Where a commit does not wait for what it commits, this is how an interrupted one looks.
          return isOlder || log.asyncCommit ? scan : stopped(`is damaged at the end of transaction ${sequence}`)
        }
        for (const block of open.blocks) scan.blocks.push(block)
        for (const revokes of open.revokes) scan.revokes.push(revokes)
        scan.transactions += 1
        scan.nextSequence = (sequence + 1) >>> 0
        lastSeconds = seconds
        open = emptyTransaction()
        break
      }
      default:
        return scan
    }
  }
  return scan
}

interface OpenTransaction {
  blocks: LoggedBlock[]
  revokes: LoggedRevokes[]
  /** With checksums of version 1: of all its blocks. */
  sum: number
}

function emptyTransaction(): OpenTransaction {
  return { blocks: [], revokes: [], sum: 0xffffffff }
}

/** journal_tag_bytes */
function tagBytesOf(log: ExtLog): number {
  if (log.checksums === 3) return 16
  return (log.bit64 ? 12 : 8) + (log.checksums === 2 ? 2 : 0)
}

function readTags(log: ExtLog, view: DataView): Omit<LoggedBlock, 'place' | 'sequence'>[] {
  const tagBytes = tagBytesOf(log)
  const end = log.blockBytes - (log.checksums >= 2 ? tailBytes : 0)
  const tags: Omit<LoggedBlock, 'place' | 'sequence'>[] = []
  for (let at = logHeader.bytes; at + tagBytes <= end; ) {
    const flags = view.getUint16(at + tagFields.flags)
    const high = log.bit64 ? view.getUint32(at + tagFields.targetHigh) : 0
    tags.push({
      target: view.getUint32(at + tagFields.target) + high * 0x1_0000_0000,
      escaped: (flags & tagFlags.escaped) !== 0,
      sum: log.checksums === 3 ? view.getUint32(at + tagFields.sum3) : view.getUint16(at + tagFields.sum2),
    })
    if (flags & tagFlags.last) break
    at += tagBytes + (flags & tagFlags.sameUuid ? 0 : uuidBytes)
  }
  return tags
}

/** Of descriptors and revokes the last four bytes are a checksum, from version 2 on. */
function tailFits(log: ExtLog, bytes: Uint8Array): boolean {
  if (log.checksums < 2) return true
  const offset = bytes.length - tailBytes
  return crc32cWithout(log.checksumSeed, bytes, offset) === new DataView(bytes.buffer).getUint32(offset)
}

function commitFits(log: ExtLog, bytes: Uint8Array, sum: number): boolean {
  const found = new DataView(bytes.buffer).getUint32(commitFields.sum)
  if (log.checksums >= 2) return crc32cWithout(log.checksumSeed, bytes, commitFields.sum) === found
  if (log.checksums === 0) return true
  const [type, length] = [bytes[commitFields.sumType], bytes[commitFields.sumBytes]]
  if (type === 0 && length === 0 && found === 0) return true
  return type === crc32Type && length === crc32Bytes && found === sum
}

/** jbd2_block_tag_csum_verify: the number of the transaction and the block as it lies in the log. */
export function loggedBlockFits(log: ExtLog, { sequence, sum }: LoggedBlock, bytes: Uint8Array): boolean {
  if (log.checksums < 2) return true
  const number = new Uint8Array(4)
  new DataView(number.buffer).setUint32(0, sequence)
  const actual = crc32c(crc32c(log.checksumSeed, number), bytes)
  return (log.checksums === 3 ? actual : actual & 0xffff) === sum
}

/** The last transaction that revokes a block, for those of the blocks that are asked for (scan_revoke_records). */
export function readRevokes(log: ExtLog, revokes: readonly LoggedRevokes[], asked: ReadonlySet<number>): Map<number, number> {
  const found = new Map<number, number>()
  const bytes = new Uint8Array(log.blockBytes)
  const view = new DataView(bytes.buffer)
  const numberBytes = log.bit64 ? 8 : 4
  const most = log.blockBytes - (log.checksums >= 2 ? tailBytes : 0)
  for (const { place, sequence } of revokes) {
    log.device.readSync(bytes, place * log.blockBytes)
    const end = Math.min(most, view.getUint32(revokeFields.usedBytes))
    for (let at = revokeHeaderBytes; at + numberBytes <= end; at += numberBytes) {
      const block = log.bit64 ? Number(view.getBigUint64(at)) : view.getUint32(at)
      const known = found.get(block)
      if (asked.has(block) && (known === undefined || isLater(sequence, known))) found.set(block, sequence)
    }
  }
  return found
}

/** tid_gt: numbers of transactions run in a circle. */
export function isLater(sequence: number, other: number): boolean {
  return ((sequence - other) | 0) > 0
}

const crc32beTable = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index << 24
  for (let bit = 0; bit < 8; bit += 1) value = value & 0x8000_0000 ? (value << 1) ^ 0x04c1_1db7 : value << 1
  return value >>> 0
})

/** crc32_be, lib/crc32.c of Linux: CRC-32 with the highest bit first. */
function crc32be(start: number, bytes: Uint8Array): number {
  let value = start
  for (let at = 0; at < bytes.length; at += 1) value = (value << 8) ^ (crc32beTable[(value >>> 24) ^ (bytes[at] ?? 0)] ?? 0)
  return value >>> 0
}
