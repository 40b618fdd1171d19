import type { BlockDevice } from '../block/device.ts'
import { ZstdFormatError, ZstdFrameWalker } from './codecs/zstd-frames.ts'
import { pieceOf, pieceUpTo } from './piece.ts'
import { type Parsed, parsed, unusable } from './problem.ts'
import type { PackedRange } from './unpack.ts'

/** Where packed streams end, as far as that can be told without unpacking them. */

/** RFC 1952, 2.3: flags of the optional fields of a header. */
const gzipFlags = { headerCrc: 2, extra: 4, name: 8, comment: 16 }
const gzipFixedBytes = 10
const maxGzipHeaderBytes = 128 * 1024
/** CRC-32 and length of what was packed. */
export const gzipTrailerBytes = 8

/** How long the header is; null where it is none or not whole. */
export function gzipHeaderBytes(device: BlockDevice, { start, end }: PackedRange): number | null {
  const bytes = pieceUpTo(device, start, Math.min(maxGzipHeaderBytes, end - start))
  if (!bytes || bytes.length < gzipFixedBytes || bytes[2] !== 8) return null
  const flags = bytes[3] ?? 0
  let at = gzipFixedBytes
  if (flags & gzipFlags.extra) at += 2 + ((bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8))
  for (const flag of [gzipFlags.name, gzipFlags.comment]) {
    if ((flags & flag) === 0) continue
    const zero = bytes.indexOf(0, at)
    if (zero < 0) return null
    at = zero + 1
  }
  if (flags & gzipFlags.headerCrc) at += 2
  return at <= bytes.length ? at : null
}

const windowBytes = 4096

/** Behind the first frame of zstd, by the headers of its blocks; null where it is cut off. */
export function zstdFrameEnd(device: BlockDevice, { start, end }: PackedRange): Parsed<number | null> {
  const walker = new ZstdFrameWalker()
  let window = new Uint8Array()
  let windowStart = start
  try {
    for (let at = start; ; ) {
      if (walker.skippable > end - at) return parsed(null)
      if (walker.skippable > 0) {
        at += walker.skippable
        walker.skipped(walker.skippable)
        continue
      }
      if (walker.frames > 0 && walker.atBoundary) return parsed(at)
      if (at >= end) return parsed(null)
      if (at < windowStart || at >= windowStart + window.length) {
        windowStart = at
        window = new Uint8Array(Math.min(windowBytes, end - at))
        device.readSync(window, at)
      }
      walker.feed(window.subarray(at - windowStart, at - windowStart + 1))
      at += 1
    }
  } catch (thrown) {
    if (thrown instanceof ZstdFormatError) return unusable(`zstd-${thrown.problem.code}`, thrown.problem.detail)
    throw thrown
  }
}

/** lib/decompress_unlz4.c: what one block becomes, and the most that it may take. */
export const lz4MaxBlockBytes = 8 * 1024 * 1024
const lz4MaxPackedBytes = lz4MaxBlockBytes + Math.floor(lz4MaxBlockBytes / 255) + 16
const lz4Magic = 0x184c2102

/**
 * The blocks of the older format of lz4: a magic, then lengths with blocks, without a mark at the end; another magic may follow, and zeros as padding.
 * Answers where it ends, null where it is cut off or has an impossible block.
 */
export function* lz4Blocks(
  device: BlockDevice,
  { start, end }: PackedRange,
): Generator<{ start: number; length: number }, { end: number | null; damaged: boolean }> {
  for (let at = start + 4; ; ) {
    if (at === end) return { end, damaged: false }
    const head = at + 4 <= end ? pieceOf(device, at, 4) : null
    if (!head) return { end: null, damaged: false }
    const length = new DataView(head.buffer, head.byteOffset).getUint32(0, true)
    if (length === 0) return { end: at, damaged: false }
    at += 4
    if (length === lz4Magic) continue
    if (length > lz4MaxPackedBytes) return { end: null, damaged: true }
    if (at + length > end) return { end: null, damaged: false }
    yield { start: at, length }
    at += length
  }
}

/** The .xz file format, 2.1.2: the last twelve bytes of a stream, behind which only zeros may stand. */
const xzFooterBytes = 12

/** Whether what ends at `end` ends as a stream of xz does: a footer with its own checksum, and an index before it that begins as one. */
export function endsAsXz(device: BlockDevice, { start, end }: PackedRange, crc32: (bytes: Uint8Array) => number): boolean {
  const footer = end - xzFooterBytes >= start ? pieceOf(device, end - xzFooterBytes, xzFooterBytes) : null
  if (footer?.[10] !== 0x59 || footer[11] !== 0x5a) return false
  const view = new DataView(footer.buffer, footer.byteOffset)
  if (view.getUint32(0, true) !== crc32(footer.subarray(4, 10))) return false
  const indexBytes = (view.getUint32(4, true) + 1) * 4
  const index = end - xzFooterBytes - indexBytes >= start ? pieceOf(device, end - xzFooterBytes - indexBytes, 1) : null
  return index?.[0] === 0
}

/** Sign of the end of a stream of bzip2, in 48 bits that may begin at any bit (the square root of pi). */
const bzip2End = 0x177245385090n

/** Whether the end of a stream of bzip2 stands before `end`: its sign, a checksum of 32 bits and at most seven bits that fill the last byte. */
export function endsAsBzip2(device: BlockDevice, { start, end }: PackedRange): boolean {
  const bytes = end - 11 >= start ? pieceOf(device, end - 11, 11) : null
  if (!bytes) return false
  const tail = bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
  return Array.from({ length: 8 }, (_, bit) => BigInt(bit)).some((bit) => ((tail >> (bit + 32n)) & 0xffffffffffffn) === bzip2End)
}
