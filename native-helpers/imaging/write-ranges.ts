import type { ByteRange } from './write-map.ts'

/** What every direct write must be aligned to: the largest sector of cards and drives in use. */
export const writeAlignmentBytes = 4096

export function alignDown(offset: number): number {
  return offset - (offset % writeAlignmentBytes)
}

export function alignUp(offset: number): number {
  return alignDown(offset + writeAlignmentBytes - 1)
}

/** Widens sorted pieces of the block [start, end) to whole alignment units, and joins what then touches. */
export function alignOutward(pieces: readonly ByteRange[], start: number, end: number): ByteRange[] {
  const joined: ByteRange[] = []
  for (const piece of pieces) {
    const from = Math.max(start, alignDown(piece.start))
    const to = Math.min(end, alignUp(piece.end))
    const last = joined.at(-1)
    if (last && from <= last.end) last.end = Math.max(last.end, to)
    else if (from < to) joined.push({ start: from, end: to })
  }
  return joined
}
