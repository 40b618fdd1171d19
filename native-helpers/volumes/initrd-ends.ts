import { crc32 } from 'node:zlib'
import type { BlockDevice } from '../block/device.ts'
import { endsAsBzip2, endsAsXz, lz4Blocks, zstdFrameEnd } from './packed-ends.ts'
import type { Packing } from './packing.ts'
import { pieceOf } from './piece.ts'
import type { PackedRange } from './unpack.ts'

/**
 * "whole" and "cut-off" are certain; "likely": the last bytes are as they should be, and no more can be told without unpacking; "doubtful": they are not,
 * but what is behind the packed part may be something else.
 */
export interface PackedEnd {
  verdict: 'whole' | 'likely' | 'doubtful' | 'cut-off' | 'damaged'
  /** Behind the last byte, as far as it is known; else the end of the range. */
  endOffset: number
}

/** How far zeros at the end are taken for padding. */
const maxPaddingBytes = 64 * 1024
/** cpio(1) fills an archive up to blocks of this length. */
const archiveBlockBytes = 512
/** Modules and programs become a half to a fifth; the bytes of a gzip that was cut off would tell nearly any number. */
const usualMostRatio = 16

/** Whether a packed archive seems to end where its file ends, from a few reads and without unpacking. */
export function packedEnd(device: BlockDevice, range: PackedRange, packing: Packing): PackedEnd {
  switch (packing) {
    case 'zstd': {
      const { value, problem } = zstdFrameEnd(device, range)
      if (problem) return { verdict: 'damaged', endOffset: range.end }
      return value === null ? { verdict: 'cut-off', endOffset: range.end } : { verdict: 'whole', endOffset: value }
    }
    case 'lz4':
      return lz4End(device, range)
    case 'xz':
      return byLastBytes(device, range, (within) => endsAsXz(device, within, (bytes) => crc32(bytes)))
    case 'bzip2':
      return byLastBytes(device, range, (within) => endsAsBzip2(device, within))
    case 'gzip':
      return byLastBytes(device, range, (within) => endsAsGzip(device, within))
    // Neither has anything at its end that could be known again.
    case 'lzma':
    case 'lzo':
      return { verdict: 'likely', endOffset: range.end }
  }
}

/** A cut exactly between two blocks cannot be seen. */
function lz4End(device: BlockDevice, range: PackedRange): PackedEnd {
  const blocks = lz4Blocks(device, range)
  let step = blocks.next()
  while (!step.done) step = blocks.next()
  const { end, damaged } = step.value
  if (end !== null) return { verdict: 'likely', endOffset: end }
  return { verdict: damaged ? 'damaged' : 'cut-off', endOffset: range.end }
}

/** The end of the range, or where the padding before it may begin: behind the last byte that is not zero and a few that may belong to a number. */
function byLastBytes(device: BlockDevice, range: PackedRange, endsWell: (within: PackedRange) => boolean): PackedEnd {
  const tail = pieceOf(
    device,
    Math.max(range.start, range.end - maxPaddingBytes),
    Math.min(maxPaddingBytes, range.end - range.start),
  )
  const zeros = tail ? tail.length - 1 - tail.findLastIndex((byte) => byte !== 0) : 0
  const candidates = [range.end, ...Array.from({ length: 8 }, (_, more) => range.end - zeros + more)]
  const found = candidates.some((end) => end <= range.end && endsWell({ start: range.start, end }))
  return { verdict: found ? 'likely' : 'doubtful', endOffset: range.end }
}

/**
 * The last four bytes tell how long it becomes: whole blocks, and about as much as archives do. One that was cut off anywhere tells such a number once in
 * some thousand times; an archive that was made in another way does not, and is then unpacked to be sure.
 */
function endsAsGzip(device: BlockDevice, { start, end }: PackedRange): boolean {
  const last = end - start > 18 ? pieceOf(device, end - 4, 4) : null
  if (!last) return false
  const unpackedBytes = new DataView(last.buffer, last.byteOffset).getUint32(0, true)
  const packedBytes = end - start
  return unpackedBytes % archiveBlockBytes === 0 && unpackedBytes >= packedBytes / 2 && unpackedBytes < packedBytes * usualMostRatio
}
