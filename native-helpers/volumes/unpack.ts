import { crc32 } from 'node:zlib'
import type { BlockDevice } from '../block/device.ts'
import { Bzip2Decoder, Bzip2Error } from './codecs/bzip2-block.ts'
import { afterBlock, beginStream } from './codecs/bzip2-chain.ts'
import { expandRuns } from './codecs/bzip2-runs.ts'
import { Bzip2Window } from './codecs/bzip2-window.ts'
import { loadXzDecoder, lzma, type XzDecoder } from './codecs/liblzma.ts'
import { EngineError, openEngine } from './codecs/zlib-engine.ts'
import { zstdWindowLogMax } from './codecs/zstd-frames.ts'
import { decodeLz4 } from './lz4.ts'
import { gzipHeaderBytes, gzipTrailerBytes, lz4Blocks, lz4MaxBlockBytes, zstdFrameEnd } from './packed-ends.ts'
import type { Packing } from './packing.ts'
import { pieceOf } from './piece.ts'

/** Part of a device; `end` is exclusive. In bytes. */
export interface PackedRange {
  start: number
  end: number
}

export interface Unpacked {
  /**
   * "whole": to its own end, with every checksum that it has. "stopped": whoever took it wanted no more. "limit": more came out than was allowed.
   * "cut-off": it ends in the middle. "damaged": it does not decode. "unsupported": nothing here decodes it.
   */
  end: 'whole' | 'stopped' | 'limit' | 'cut-off' | 'damaged' | 'unsupported'
  /** A clause for people, where it is not whole. */
  detail: string | null
  /** Behind its last byte, where it is whole. */
  endOffset: number
  unpackedBytes: number
}

export interface UnpackOptions {
  device: BlockDevice
  range: PackedRange
  packing: Packing
  maxUnpackedBytes: number
  /** Gets what comes out in order, each piece valid until the next; answers whether it wants more. */
  take(piece: Uint8Array): boolean
}

const chunkBytes = 256 * 1024
/** A dictionary of 64 MiB, as of `xz -9`, and what the decoder needs besides. */
const xzMemoryBytes = 72 * 1024 * 1024

/** The reader has what it wants, or more came out than may. */
class Enough extends Error {
  readonly end: 'stopped' | 'limit'
  constructor(end: 'stopped' | 'limit') {
    super(end)
    this.end = end
  }
}

/** Unpacks one packed stream, never more than a piece at a time in memory. Only an error of the device is thrown. */
export async function unpack(options: UnpackOptions): Promise<Unpacked> {
  const { range, packing, maxUnpackedBytes, take } = options
  const xz = packing === 'xz' || packing === 'lzma' ? await loadXzDecoder() : null
  let unpackedBytes = 0
  const pass = (piece: Uint8Array): void => {
    unpackedBytes += piece.length
    if (!take(piece)) throw new Enough('stopped')
    if (unpackedBytes > maxUnpackedBytes) throw new Enough('limit')
  }
  const failed = (kind: Unpacked['end'], detail: string): Unpacked => ({
    end: kind,
    detail,
    endOffset: range.end,
    unpackedBytes,
  })
  try {
    const result = decoders[packing](options, pass, xz)
    if (typeof result === 'number') return { end: 'whole', detail: null, endOffset: result, unpackedBytes }
    return failed(result.end, result.detail)
  } catch (thrown) {
    if (thrown instanceof Enough) return failed(thrown.end, enoughText[thrown.end])
    if (thrown instanceof EngineError) return failed('damaged', `${packing} says "${thrown.message}"`)
    if (thrown instanceof Bzip2Error) return failed(thrown.problem === 'truncated' ? 'cut-off' : 'damaged', thrown.message)
    throw thrown
  }
}

const enoughText = { stopped: 'it was not unpacked to its end', limit: 'more comes out of it than is looked at' }

interface Failure {
  end: Unpacked['end']
  detail: string
}
type Pass = (piece: Uint8Array) => void
/** Answers where it ended, or why it did not. */
type Decoder = (options: UnpackOptions, pass: Pass, xz: XzDecoder | null) => number | Failure

const cutOff: Failure = { end: 'cut-off', detail: 'it stops in the middle' }

const decoders: Record<Packing, Decoder> = {
  gzip: decodeGzip,
  zstd: decodeZstd,
  xz: (options, pass, xz) => decodeLzma(options, pass, xz, 'xz'),
  lzma: (options, pass, xz) => decodeLzma(options, pass, xz, 'lzma'),
  lz4: decodeLz4Stream,
  bzip2: decodeBzip2,
  lzo: () => ({ end: 'unsupported', detail: 'it is packed with lzop' }),
}

/** Pieces of the range in order; valid until the next. */
function* chunks(
  device: BlockDevice,
  { start, end }: PackedRange,
): Generator<{ bytes: Uint8Array; offset: number; last: boolean }> {
  const buffer = new Uint8Array(chunkBytes)
  for (let offset = start; offset < end; offset += chunkBytes) {
    const bytes = buffer.subarray(0, Math.min(chunkBytes, end - offset))
    device.readSync(bytes, offset)
    yield { bytes, offset, last: offset + bytes.length >= end }
  }
}

/** RFC 1952; the header and the trailer are looked at here, so that what lies behind is found. */
function decodeGzip({ device, range }: UnpackOptions, pass: Pass): number | Failure {
  const header = gzipHeaderBytes(device, range)
  if (header === null) return cutOff
  const output = new Uint8Array(chunkBytes)
  let sum = 0
  let length = 0
  const finish = (at: number): number | Failure => {
    const trailer = at + gzipTrailerBytes <= range.end ? pieceOf(device, at, gzipTrailerBytes) : null
    if (!trailer) return cutOff
    const view = new DataView(trailer.buffer, trailer.byteOffset)
    if (view.getUint32(0, true) !== sum) return { end: 'damaged', detail: 'its checksum is wrong' }
    if (view.getUint32(4, true) !== length % 0x1_0000_0000) return { end: 'damaged', detail: 'it has another length than it says' }
    return at + gzipTrailerBytes
  }
  const engine = openEngine('deflate')
  try {
    for (const { bytes, offset, last } of chunks(device, { start: range.start + header, end: range.end })) {
      for (let at = 0; ; ) {
        const { consumed, produced } = engine.step(bytes.subarray(at), output, false)
        at += consumed
        if (produced > 0) {
          sum = crc32(output.subarray(0, produced), sum)
          length += produced
          pass(output.subarray(0, produced))
        }
        if (consumed === 0 && produced === 0 && at < bytes.length) return finish(offset + at)
        if (produced < output.length && at === bytes.length) break
      }
      // The end of the deflated data may be the end of the chunk; the trailer behind it then still has to come.
      if (last) return cutOff
    }
    return cutOff
  } finally {
    engine.close()
  }
}

/** One frame of RFC 8878, the end of which its headers tell. */
function decodeZstd({ device, range }: UnpackOptions, pass: Pass): number | Failure {
  const found = zstdFrameEnd(device, range)
  if (found.problem) return { end: 'damaged', detail: found.problem.detail }
  const end = found.value ?? range.end
  const output = new Uint8Array(chunkBytes)
  const engine = openEngine('zstd', zstdWindowLogMax)
  try {
    for (const { bytes } of chunks(device, { start: range.start, end })) {
      for (let at = 0; ; ) {
        const { consumed, produced } = engine.step(bytes.subarray(at), output, false)
        at += consumed
        if (produced > 0) pass(output.subarray(0, produced))
        if (produced < output.length && at === bytes.length) break
        if (consumed === 0 && produced === 0) return { end: 'damaged', detail: 'the decoder does not go on' }
      }
    }
  } finally {
    engine.close()
  }
  return found.value ?? cutOff
}

/** liblzma, one stream. */
function decodeLzma({ device, range }: UnpackOptions, pass: Pass, xz: XzDecoder | null, format: 'xz' | 'lzma'): number | Failure {
  if (!xz) return { end: 'unsupported', detail: 'liblzma is missing' }
  const output = new Uint8Array(chunkBytes)
  xz.start(xzMemoryBytes, false, format)
  for (const { bytes, offset, last } of chunks(device, range)) {
    for (let at = 0; ; ) {
      const { code, consumed, produced } = xz.step(bytes.subarray(at), output, last)
      at += consumed
      if (produced > 0) pass(output.subarray(0, produced))
      if (code === lzma.streamEnd) return offset + at
      if (code === lzma.buffer && at === bytes.length) break
      if (code === lzma.memoryLimit || code === lzma.options)
        return { end: 'unsupported', detail: 'its dictionary is too large, or it has a filter that liblzma does not know' }
      if (code !== lzma.ok) return { end: 'damaged', detail: `liblzma says ${code}` }
      if (produced < output.length && at === bytes.length) break
    }
  }
  return cutOff
}

function decodeLz4Stream({ device, range }: UnpackOptions, pass: Pass): number | Failure {
  const output = new Uint8Array(lz4MaxBlockBytes)
  const blocks = lz4Blocks(device, range)
  for (let step = blocks.next(); ; step = blocks.next()) {
    if (step.done)
      return step.value.end ?? (step.value.damaged ? { end: 'damaged', detail: 'a block has an impossible size' } : cutOff)
    const { start, length } = step.value
    const block = pieceOf(device, start, length)
    const decoded = block && decodeLz4(block, output)
    if (decoded === null) return { end: 'damaged', detail: 'a block does not decode' }
    for (let at = 0; at < decoded; at += chunkBytes) pass(output.subarray(at, Math.min(decoded, at + chunkBytes)))
  }
}

/** Streams of bzip2 that follow each other, to the end of the range. */
function decodeBzip2({ device, range }: UnpackOptions, pass: Pass): number | Failure {
  const window = new Bzip2Window((into, at) => {
    const count = Math.min(into.length, range.end - range.start - at)
    if (count <= 0) return 0
    device.readSync(into.subarray(0, count), range.start + at)
    return count
  })
  const decoder = new Bzip2Decoder()
  for (let link = beginStream(window, 0); link !== null; ) {
    const { data, at } = window.from(link.blockBit, 2_400_000)
    const block = decoder.decode(data, at)
    const next = afterBlock(window, block.endBit + link.blockBit - at, link, block.crc)
    if (block.length > link.levelBytes) throw new Bzip2Error('damaged', 'a block is longer than its stream allows')
    if (expandRuns(decoder.bytes, block.length, pass) !== block.crc)
      throw new Bzip2Error('damaged', 'the checksum of a block differs')
    link = next
  }
  return range.end
}
