/** In what differences are counted: the page and block of nearly every filesystem. */
export const countedBlockBytes = 4096

export interface Differences {
  /** The lowest offset. */
  differsAt: number | null
  differingBlocks: number
}

/** Looks at two pieces that differ block by block. Pieces may come in any order. */
export function countDifferences(found: Differences, offset: number, expected: Uint8Array, actual: Uint8Array): void {
  for (let start = 0; start < expected.length; start += countedBlockBytes) {
    const one = expected.subarray(start, start + countedBlockBytes)
    const other = actual.subarray(start, start + countedBlockBytes)
    if (Buffer.compare(one, other) === 0) continue
    found.differingBlocks += 1
    if (found.differsAt !== null && found.differsAt < offset + start) continue
    found.differsAt = offset + start + one.findIndex((byte, index) => byte !== other[index])
  }
}
