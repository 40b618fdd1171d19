import { crc32 } from 'node:zlib'
import type { RangeReader } from './range-reader.ts'

/** The .xz file format, version 1.2.1: https://tukaani.org/xz/xz-file-format.txt */

const headerMagic = Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00)
const footerMagic = Uint8Array.of(0x59, 0x5a)
/** Of a stream; the first block follows. */
export const xzHeaderBytes = 12
const footerBytes = 12
/** Of one stream; a terabyte in blocks of 24 MiB needs half a MiB. */
const maxIndexBytes = 16 * 1024 * 1024
const maxStreams = 10_000

export interface XzBlock {
  /** Of the block's header in the file. */
  offset: number
  /** As the index has it: without the padding to four bytes. */
  unpaddedBytes: number
  contentOffset: number
  contentBytes: number
  /** The second byte of the stream flags: which check the block ends with. */
  check: number
}

export interface XzIndex {
  blocks: XzBlock[]
  contentBytes: number
}

/** What the indexes of all streams of a file tell, or null when they cannot be read: then only decoding tells what is wrong. */
export async function readXzIndex(file: RangeReader): Promise<XzIndex | null> {
  const streams: XzBlock[][] = []
  let end = file.sizeBytes
  while (end > 0) {
    if (end % 4 !== 0 || end < xzHeaderBytes + footerBytes || streams.length > maxStreams) return null
    const footer = await file.read(end - footerBytes, footerBytes)
    if (footer.every((byte) => byte === 0)) {
      end -= footerBytes
      continue
    }
    // 2.2, stream padding: multiples of four zero bytes.
    const padding = trailingZeroGroups(footer)
    if (padding > 0) {
      end -= padding
      continue
    }
    const stream = await readStream(file, end, footer)
    if (stream === null) return null
    streams.push(stream.blocks)
    end = stream.start
  }
  const blocks = streams.reverse().flat()
  let contentBytes = 0
  for (const block of blocks) {
    block.contentOffset = contentBytes
    contentBytes += block.contentBytes
  }
  return Number.isSafeInteger(contentBytes) ? { blocks, contentBytes } : null
}

function trailingZeroGroups(bytes: Uint8Array): number {
  let zeros = 0
  while (zeros < bytes.length && bytes.subarray(bytes.length - zeros - 4, bytes.length - zeros).every((byte) => byte === 0))
    zeros += 4
  return zeros
}

/** 2.1.2, the footer: CRC32 of the rest, backward size, stream flags, magic. */
async function readStream(
  file: RangeReader,
  end: number,
  footer: Uint8Array,
): Promise<{ blocks: XzBlock[]; start: number } | null> {
  const view = new DataView(footer.buffer, footer.byteOffset, footerBytes)
  if (footer[10] !== footerMagic[0] || footer[11] !== footerMagic[1]) return null
  if (view.getUint32(0, true) !== crc32(footer.subarray(4, 10))) return null
  const indexBytes = (view.getUint32(4, true) + 1) * 4
  if (indexBytes > maxIndexBytes || indexBytes + footerBytes + xzHeaderBytes > end) return null
  const indexStart = end - footerBytes - indexBytes
  const records = parseIndex(await file.read(indexStart, indexBytes))
  if (records === null) return null
  const stored = records.reduce((sum, { unpaddedBytes }) => sum + padded(unpaddedBytes), 0)
  const start = indexStart - stored - xzHeaderBytes
  if (start < 0) return null
  const header = await file.read(start, xzHeaderBytes)
  if (!headerMagic.every((byte, at) => header[at] === byte) || header[6] !== footer[8] || header[7] !== footer[9]) return null
  let offset = start + xzHeaderBytes
  const blocks = records.map(({ unpaddedBytes, contentBytes }) => {
    const block = { offset, unpaddedBytes, contentBytes, contentOffset: 0, check: header[7] ?? 0 }
    offset += padded(unpaddedBytes)
    return block
  })
  return { blocks, start }
}

export function padded(bytes: number): number {
  return Math.ceil(bytes / 4) * 4
}

/** 4, the index: indicator 0, number of records, records, padding, CRC32. */
function parseIndex(bytes: Uint8Array): { unpaddedBytes: number; contentBytes: number }[] | null {
  const end = bytes.length - 4
  if (bytes[0] !== 0 || new DataView(bytes.buffer, bytes.byteOffset).getUint32(end, true) !== crc32(bytes.subarray(0, end)))
    return null
  let at = 1
  /** 1.2: seven bits a byte, least significant first, at most nine bytes. */
  const integer = (): number => {
    let value = 0
    for (let digit = 0; digit < 9; digit++) {
      const byte = bytes[at++] ?? 0
      value += (byte & 0x7f) * 2 ** (7 * digit)
      if (byte < 0x80) break
    }
    return value
  }
  const count = integer()
  if (count * 2 > bytes.length) return null
  const records: { unpaddedBytes: number; contentBytes: number }[] = []
  for (let record = 0; record < count; record++) {
    const unpaddedBytes = integer()
    const contentBytes = integer()
    if (at > end || unpaddedBytes < 5 || !Number.isSafeInteger(unpaddedBytes) || !Number.isSafeInteger(contentBytes)) return null
    records.push({ unpaddedBytes, contentBytes })
  }
  return records
}

/** A stream header, and an index with a footer, around a single block: what a decoder needs to take it for a file of its own. */
export function xzFrame(block: XzBlock): { header: Uint8Array; trailer: Uint8Array } {
  const flags = Uint8Array.of(0, block.check)
  const header = new Uint8Array(xzHeaderBytes)
  header.set(headerMagic)
  header.set(flags, 6)
  new DataView(header.buffer).setUint32(8, crc32(flags), true)
  const record = [0, 1, ...varint(block.unpaddedBytes), ...varint(block.contentBytes)]
  const indexBytes = padded(record.length) + 4
  const trailer = new Uint8Array(indexBytes + footerBytes)
  const view = new DataView(trailer.buffer)
  trailer.set(record)
  view.setUint32(indexBytes - 4, crc32(trailer.subarray(0, indexBytes - 4)), true)
  view.setUint32(indexBytes + 4, indexBytes / 4 - 1, true)
  trailer.set(flags, indexBytes + 8)
  view.setUint32(indexBytes, crc32(trailer.subarray(indexBytes + 4, indexBytes + 10)), true)
  trailer.set(footerMagic, indexBytes + 10)
  return { header, trailer }
}

function varint(value: number): number[] {
  const digits: number[] = []
  let rest = value
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) digits.push((rest % 0x80) | 0x80)
  digits.push(rest)
  return digits
}

/**
 * 5.3.1: the dictionary that a block's LZMA2 filter asks for, from the block's header; null when it has other filters, whose need is not known.
 */
export function xzDictionaryBytes(header: Uint8Array): number | null {
  const flags = header[1] ?? 0
  let at = 2
  const skip = () => {
    while ((header[at++] ?? 0) >= 0x80 && at < header.length);
  }
  if (flags & 0x40) skip()
  if (flags & 0x80) skip()
  // Up to three simple filters (BCJ, delta) come first; each has an identifier, the length of its properties, and these.
  for (let filter = 0; filter <= (flags & 3); filter++) {
    const id = header[at++]
    const length = header[at++] ?? 0
    if (id === 0x21) {
      const bits = header[at] ?? 40
      if (bits >= 40) return 2 ** 32 - 1
      return (2 | (bits & 1)) * 2 ** (Math.floor(bits / 2) + 11)
    }
    at += length
  }
  return null
}
