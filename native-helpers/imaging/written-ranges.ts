import { cellSum, sumCellBytes } from './cell-sum.ts'
import type { ByteRange } from './write-map.ts'

export interface SumCell {
  offset: number
  end: number
  sum: bigint
}

/** What was written where, for reading it back: the ranges, and a sum of each 64 KiB of them. That is 8 bytes per 64 KiB: 8 MiB for an image of 64 GiB. */
export class WrittenRanges {
  readonly ranges: ByteRange[] = []
  private readonly firstCells: number[] = []
  private shared = new BigUint64Array(new SharedArrayBuffer(1024 * 8))
  private count = 0
  totalBytes = 0

  /** In the order of the image. */
  add(offset: number, bytes: Uint8Array): void {
    const last = this.ranges.at(-1)
    const joins = last !== undefined && last.end === offset && offset % sumCellBytes === 0
    if (joins) last.end = offset + bytes.length
    else {
      this.ranges.push({ start: offset, end: offset + bytes.length })
      this.firstCells.push(this.count)
    }
    this.totalBytes += bytes.length
    for (const sum of cellSums(offset, bytes)) this.append(sum)
  }

  /** Makes room for the sums of a range that others fill in, by `sums` and `cellIndex`. */
  reserve(start: number, end: number): void {
    this.ranges.push({ start, end })
    this.firstCells.push(this.count)
    this.totalBytes += end - start
    this.count += Math.ceil(end / sumCellBytes) - Math.floor(start / sumCellBytes)
    this.makeRoom()
  }

  /** The sums of `ranges[rangeIndex]` for the part of it that begins at `offset`, which must begin a cell of it. */
  sumAt(rangeIndex: number, offset: number): bigint {
    return this.shared[this.cellIndex(rangeIndex, offset)] ?? 0n
  }

  /** All sums in the order of the image, in shared memory. */
  get sums(): BigUint64Array {
    return this.shared
  }

  /** The place in `sums` of the cell of `ranges[rangeIndex]` that begins at `offset`. */
  cellIndex(rangeIndex: number, offset: number): number {
    const range = this.ranges[rangeIndex]
    if (!range) throw new RangeError(`no written range ${rangeIndex}`)
    const first = this.firstCells[rangeIndex] ?? 0
    return first + Math.floor(offset / sumCellBytes) - Math.floor(range.start / sumCellBytes)
  }

  /** Every remembered sum with the place it belongs to. */
  *cells(): Generator<SumCell> {
    for (const [index, range] of this.ranges.entries()) yield* this.cellsOf(index, range.start)
  }

  /** The cells from `offset` on, which must begin one; at most `limit`. */
  *cellsFrom(offset: number, limit: number): Generator<SumCell> {
    let left = limit
    for (const [index, range] of this.ranges.entries()) {
      if (range.end <= offset) continue
      for (const cell of this.cellsOf(index, Math.max(range.start, offset))) {
        if (left <= 0) return
        left -= 1
        yield cell
      }
    }
  }

  /** Cells spread evenly over what was written from `offset` on; fewer than `count` when there is not so much. */
  spreadFrom(offset: number, count: number): SumCell[] {
    const rest = [...this.ranges.entries()].filter(([, range]) => range.end > offset)
    const restBytes = rest.reduce((sum, [, range]) => sum + range.end - Math.max(range.start, offset), 0)
    const step = Math.max(sumCellBytes, restBytes / count)
    const picked: SumCell[] = []
    let passed = 0
    for (const [index, range] of rest) {
      const start = Math.max(range.start, offset)
      while (picked.length * step < passed + range.end - start) {
        const inside = start + picked.length * step - passed
        const [cell] = this.cellsOf(index, Math.max(start, inside - (inside % sumCellBytes)))
        if (cell) picked.push(cell)
        if (!cell || picked.length >= count) return picked
      }
      passed += range.end - start
    }
    return picked
  }

  private *cellsOf(index: number, from: number): Generator<SumCell> {
    const range = this.ranges[index]
    for (let offset = from; range && offset < range.end; offset = cellEnd(offset)) {
      yield { offset, end: Math.min(range.end, cellEnd(offset)), sum: this.sumAt(index, offset) }
    }
  }

  private append(sum: bigint): void {
    this.count += 1
    this.makeRoom()
    this.shared[this.count - 1] = sum
  }

  private makeRoom(): void {
    if (this.count <= this.shared.length) return
    const larger = new BigUint64Array(new SharedArrayBuffer(8 * Math.max(this.count, 2 * this.shared.length)))
    larger.set(this.shared)
    this.shared = larger
  }
}

/** Cells are cut at multiples of 64 KiB of the image, wherever a range begins. */
export function cellEnd(offset: number): number {
  return offset - (offset % sumCellBytes) + sumCellBytes
}

export function* cellSums(offset: number, bytes: Uint8Array): Generator<bigint> {
  for (let done = 0; done < bytes.length; ) {
    const end = Math.min(bytes.length, cellEnd(offset + done) - offset)
    yield cellSum(bytes.subarray(done, end))
    done = end
  }
}
