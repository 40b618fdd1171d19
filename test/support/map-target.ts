import assert from 'node:assert/strict'
import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs'
import type { ByteRange, WriteMap } from '../../native-helpers/imaging/write-map.ts'

export const garbage = 0xa5

/** Lets an image pass a map block by block, and checks what a map promises about its ranges. Gives them joined. */
export async function passThrough(
  image: string,
  map: WriteMap,
  blockBytes: number,
  each: (block: Uint8Array, offset: number, needed: ByteRange[]) => void = () => {},
): Promise<ByteRange[]> {
  const file = openSync(image, 'r')
  try {
    const size = fstatSync(file).size
    const joined: ByteRange[] = []
    for (let offset = 0; offset < size; offset += blockBytes) {
      const block = new Uint8Array(Math.min(blockBytes, size - offset))
      readSync(file, block, 0, block.length, offset)
      const needed = await map.needed(offset, block)
      checkRanges(needed, offset, block.length)
      each(block, offset, needed)
      for (const range of needed) {
        const last = joined.at(-1)
        if (last && last.end === range.start) last.end = range.end
        else joined.push({ ...range })
      }
    }
    await map.finish(size)
    return joined
  } finally {
    closeSync(file)
  }
}

/** Sorted, apart, inside the block, aligned to 4096 except where the block ends. */
export function checkRanges(needed: readonly ByteRange[], offset: number, length: number): void {
  let reached = offset
  for (const { start, end } of needed) {
    assert.ok(start >= reached && end > start && end <= offset + length, `range ${start}-${end} in block ${offset}+${length}`)
    assert.ok(start % 4096 === 0 && (end % 4096 === 0 || end === offset + length), `range ${start}-${end} is aligned`)
    reached = end + 1
  }
}

/** Writes what a map leaves of an image over a target that is full of garbage, as a used card is. */
export async function writeThrough(image: string, map: WriteMap, target: string, blockBytes: number): Promise<ByteRange[]> {
  const file = openSync(target, 'w')
  try {
    return await passThrough(image, map, blockBytes, (block, offset, needed) => {
      const written = new Uint8Array(block.length).fill(garbage)
      for (const { start, end } of needed) written.set(block.subarray(start - offset, end - offset), start - offset)
      writeSync(file, written, 0, written.length, offset)
    })
  } finally {
    closeSync(file)
  }
}

export function gapsBetween(ranges: readonly ByteRange[], sizeBytes: number): ByteRange[] {
  const gaps: ByteRange[] = []
  let reached = 0
  for (const { start, end } of ranges) {
    if (start > reached) gaps.push({ start: reached, end: start })
    reached = end
  }
  if (reached < sizeBytes) gaps.push({ start: reached, end: sizeBytes })
  return gaps
}

export function totalBytes(ranges: readonly ByteRange[]): number {
  return ranges.reduce((sum, { start, end }) => sum + end - start, 0)
}
