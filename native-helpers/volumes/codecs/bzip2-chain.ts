import { Bzip2Error } from './bzip2-block.ts'
import type { Bzip2Window } from './bzip2-window.ts'

/** The 48 bits before a block (pi) and at the end of a stream (the square root of pi), in two halves. */
export const blockMagic = [0x314159, 0x265359] as const
const endMagic = [0x177245, 0x385090] as const

/** Where the next block must begin, and what is known of the stream that it belongs to. */
export interface Link {
  /** Behind the block's magic. */
  blockBit: number
  levelBytes: number
  /** The stream's checksum so far. */
  combined: number
}

/** Streams may follow each other. `bit` is the beginning of one; null when there is none. */
export function beginStream(window: Bzip2Window, bit: number): Link | null {
  let at = bit
  for (;;) {
    const header = window.bits(at, 32)
    if (header === null || header >>> 8 !== 0x425a68) return onlyPadding(window, at, at === 0)
    const level = (header & 0xff) - 0x30
    if (level < 1 || level > 9) throw new Bzip2Error('damaged', 'the bzip2 header names an impossible block size')
    const next = follow(window, at + 32, { blockBit: 0, levelBytes: level * 100_000, combined: 0 })
    if (typeof next !== 'number') return next
    at = next
  }
}

/** After a block: the next one, or null at the end of the file. Compares the checksum where the stream ends. */
export function afterBlock(window: Bzip2Window, endBit: number, link: Link, crc: number): Link | null {
  const combined = (((link.combined << 1) | (link.combined >>> 31)) ^ crc) >>> 0
  const next = follow(window, endBit, { ...link, combined })
  return typeof next === 'number' ? beginStream(window, next) : next
}

/** The block that begins at `bit`, or the byte boundary behind the end of the stream, in bits. */
function follow(window: Bzip2Window, bit: number, link: Link): Link | number {
  const high = window.bits(bit, 24)
  const low = window.bits(bit + 24, 24)
  if (high === null || low === null) throw new Bzip2Error('truncated', 'the bzip2 data stops in the middle')
  if (high === blockMagic[0] && low === blockMagic[1]) return { ...link, blockBit: bit + 48 }
  if (high !== endMagic[0] || low !== endMagic[1])
    throw new Bzip2Error('damaged', 'neither a block nor the end of the bzip2 stream is where it must be')
  const stored = window.bits(bit + 48, 32)
  if (stored === null) throw new Bzip2Error('truncated', 'the bzip2 data stops in the middle')
  if (stored !== link.combined) throw new Bzip2Error('damaged', 'the checksum of the bzip2 stream differs')
  return Math.ceil((bit + 80) / 8) * 8
}

/** As with gzip, zeros may follow, and nothing else. */
function onlyPadding(window: Bzip2Window, bit: number, isStart: boolean): null {
  if (isStart) throw new Bzip2Error('damaged', 'the bzip2 header is missing')
  for (let at = bit; ; at += 8) {
    const byte = window.bits(at, 8)
    if (byte === null) return null
    if (byte !== 0) throw new Bzip2Error('damaged', 'something that is not bzip2 data follows the image')
  }
}
