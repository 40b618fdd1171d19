import type { SnapshotMap } from '../../contract-report.ts'
import type { Exceptions } from '../../volumes/snapshot-exceptions.ts'

/** The contract's limit; more could not be told apart in the picture. */
const maxCells = 2048

/** How much of every part of the origin has a copy in the store: equal cells of whole chunks, the last one perhaps shorter. */
export function mapOfSnapshot(
  { chunkBytes, runs }: Pick<Exceptions, 'chunkBytes' | 'runs'>,
  originBytes: number,
): SnapshotMap | null {
  const originChunks = Math.ceil(originBytes / chunkBytes)
  if (originChunks === 0) return null
  const cellChunks = Math.ceil(originChunks / maxCells)
  const copied = new Array<number>(Math.ceil(originChunks / cellChunks)).fill(0)
  for (const { originChunk, count } of runs()) {
    const end = Math.min(originChunks, originChunk + count)
    for (let at = originChunk; at < end; ) {
      const cell = Math.floor(at / cellChunks)
      const stop = Math.min(end, (cell + 1) * cellChunks)
      copied[cell] = (copied[cell] ?? 0) + stop - at
      at = stop
    }
  }
  const chunksOf = (cell: number): number => Math.min(cellChunks, originChunks - cell * cellChunks)
  return { originBytes, cellBytes: cellChunks * chunkBytes, cells: copied.map((count, cell) => count / chunksOf(cell)) }
}
