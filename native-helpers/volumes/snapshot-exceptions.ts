import type { BlockDevice } from '../block/device.ts'
import { lastAtOrBefore } from '../block/extents.ts'
import { type ChunkMap, unreadableChunk } from '../block/merged.ts'

/** struct disk_exception, drivers/md/dm-snap-persistent.c: u64 chunk of the origin, u64 chunk of the store; 0 in the latter ends the list. */
export const exceptionBytes = 16
/** The whole file as 4 KiB chunks is 32 GiB; bounds the memory. */
const maxExceptions = 2 ** 23
/** An area is one chunk, which may be as large as 1 GiB: it is read in pieces. */
const pieceBytes = 65536
const maxDamageListed = 100
/** Numbers with less than this in their upper 32 bits are exact. */
const exactHigh = 0x1f_ffff

export interface StoreGeometry {
  chunkBytes: number
  /** Whole chunks that the store has room for, the header's included. */
  storeChunks: number
  /** Null where the origin is not at hand. */
  originChunks: number | null
}

export type DamageKind = 'outside' | 'metadata' | 'used-twice' | 'origin-twice' | 'beyond-origin' | 'behind-end'

export interface StoreDamage {
  kind: DamageKind
  area: number
  /** Place in the area. */
  entry: number
}

export interface Exceptions extends ChunkMap {
  readonly count: number
  /** Of the last area that was read: the one that is not full. */
  readonly currentArea: number
  /** Behind the highest chunk of the store that is named. As the kernel counts it, however absurd: it wraps at 64 bits. */
  readonly nextFreeChunk: bigint
  readonly damage: readonly StoreDamage[]
  /** Also of what is not listed. */
  readonly damageCount: number
  /** The next area would lie behind the end of the store; a kernel refuses the store then. */
  readonly areaMissing: boolean
  /** There are more than are looked at. */
  readonly cut: boolean
  /** What of the origin has a copy, ascending. */
  runs(): Generator<{ originChunk: number; count: number }>
}

export function entriesPerArea(chunkBytes: number): number {
  return chunkBytes / exceptionBytes
}

export function areaChunk(chunkBytes: number, area: number): number {
  return 1 + (entriesPerArea(chunkBytes) + 1) * area
}

export function isMetadataChunk(chunkBytes: number, chunk: number): boolean {
  return chunk === 0 || chunk % (entriesPerArea(chunkBytes) + 1) === 1
}

/** Walks the areas as read_exceptions of the kernel does: until one is not full. Entries that cannot be are told of and make their chunk unreadable. */
export function readExceptions(store: BlockDevice, geometry: StoreGeometry): Exceptions {
  const { chunkBytes, storeChunks, originChunks } = geometry
  const perArea = entriesPerArea(chunkBytes)
  const list = new ExceptionList()
  const damage: StoreDamage[] = []
  let damageCount = 0
  const tell = (kind: DamageKind, index: number): void => {
    damageCount += 1
    if (damage.length < maxDamageListed) damage.push({ kind, area: Math.floor(index / perArea), entry: index % perArea })
  }
  // A number as long as it is exact, which it always is in a store that a kernel made.
  let nextFree: number | bigint = 2
  let count = 0
  let currentArea = 0
  let areaMissing = false
  let cut = false

  walk: for (let area = 0; ; area += 1) {
    currentArea = area
    const chunk = areaChunk(chunkBytes, area)
    areaMissing = chunk >= storeChunks
    cut = count >= maxExceptions
    if (areaMissing || cut) break
    for (let at = 0; at < chunkBytes; at += pieceBytes) {
      const piece = new Uint8Array(Math.min(pieceBytes, chunkBytes - at))
      store.readSync(piece, chunk * chunkBytes + at)
      const view = new DataView(piece.buffer)
      for (let offset = 0; offset < piece.length; offset += exceptionBytes) {
        const newLow = view.getUint32(offset + 8, true)
        const newHigh = view.getUint32(offset + 12, true)
        if (newLow === 0 && newHigh === 0) {
          if (piece.subarray(offset).some((byte) => byte !== 0)) tell('behind-end', count)
          break walk
        }
        const newChunk = newHigh * 0x1_0000_0000 + newLow
        if (newChunk >= nextFree)
          nextFree = newHigh < exactHigh ? newChunk + 1 : BigInt.asUintN(64, ((BigInt(newHigh) << 32n) | BigInt(newLow)) + 1n)
        const oldChunk = view.getUint32(offset + 4, true) * 0x1_0000_0000 + view.getUint32(offset, true)
        const outside = newChunk >= storeChunks
        const inMetadata = !outside && isMetadataChunk(chunkBytes, newChunk)
        if (outside) tell('outside', count)
        else if (inMetadata) tell('metadata', count)
        if (oldChunk > 0xffff_ffff || (originChunks !== null && oldChunk >= originChunks)) tell('beyond-origin', count)
        else list.add(oldChunk, outside || inMetadata ? 0 : newChunk, count)
        count += 1
      }
    }
  }
  for (const index of list.usedTwice()) tell('used-twice', index)
  for (const index of list.settle()) tell('origin-twice', index)
  return {
    chunkBytes,
    count,
    currentArea,
    nextFreeChunk: skipMetadata(BigInt(nextFree), chunkBytes),
    damage,
    damageCount,
    areaMissing,
    cut,
    find: (originChunk) => list.find(originChunk),
    runs: () => list.runs(),
  }
}

/** The kernel's skip_metadata: an area is no place for a copy. */
function skipMetadata(chunk: bigint, chunkBytes: number): bigint {
  return chunk % BigInt(entriesPerArea(chunkBytes) + 1) === 1n ? chunk + 1n : chunk
}

/** Pairs of chunk numbers, of which the store's 0, its header, stands for one that cannot be read. */
class ExceptionList {
  #old = new Uint32Array(1024)
  #new = new Uint32Array(1024)
  #index = new Uint32Array(1024)
  #count = 0

  add(oldChunk: number, newChunk: number, index: number): void {
    if (this.#count === this.#old.length) {
      this.#old = grown(this.#old)
      this.#new = grown(this.#new)
      this.#index = grown(this.#index)
    }
    this.#old[this.#count] = oldChunk
    this.#new[this.#count] = newChunk
    this.#index[this.#count] = index
    this.#count += 1
  }

  /** Entries that name a chunk of the store that an earlier one has named. */
  usedTwice(): number[] {
    // As the kernel makes them, they ascend but for what was in flight together.
    const order = stableOrder(this.#new, this.#count)
    const repeated: number[] = []
    for (let at = 1; at < order.length; at += 1) {
      const here = order[at] ?? 0
      const copy = this.#new[here]
      if (copy !== 0 && copy === this.#new[order[at - 1] ?? 0]) repeated.push(this.#index[here] ?? 0)
    }
    return repeated
  }

  /** Sorts by the origin's chunk; of two for the same one the earlier counts, as in the kernel's table. Returns the others. */
  settle(): number[] {
    const order = stableOrder(this.#old, this.#count)
    const old = new Uint32Array(this.#count)
    const copies = new Uint32Array(this.#count)
    const repeated: number[] = []
    let kept = 0
    for (const place of order) {
      const chunk = this.#old[place] ?? 0
      if (kept > 0 && old[kept - 1] === chunk) repeated.push(this.#index[place] ?? 0)
      else {
        old[kept] = chunk
        copies[kept] = this.#new[place] ?? 0
        kept += 1
      }
    }
    this.#old = old.subarray(0, kept)
    this.#new = copies.subarray(0, kept)
    this.#index = new Uint32Array()
    this.#count = kept
    return repeated
  }

  find(originChunk: number): number | null {
    const at = lastAtOrBefore(this.#old, originChunk)
    if (at < 0 || this.#old[at] !== originChunk) return null
    return this.#new[at] || unreadableChunk
  }

  *runs(): Generator<{ originChunk: number; count: number }> {
    for (let first = 0; first < this.#count; ) {
      const originChunk = this.#old[first] ?? 0
      let count = 1
      while (first + count < this.#count && this.#old[first + count] === originChunk + count) count += 1
      yield { originChunk, count }
      first += count
    }
  }
}

function grown(array: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(array.length * 2)
  larger.set(array)
  return larger
}

/** The places of the first `count` values in ascending order, equal ones as they came: a radix sort by 16 bits, unless they ascend already. */
function stableOrder(values: Uint32Array, count: number): Uint32Array<ArrayBuffer> {
  let order = new Uint32Array(count)
  let ascending = true
  for (let at = 0; at < count; at += 1) {
    order[at] = at
    if (at > 0 && (values[at] ?? 0) < (values[at - 1] ?? 0)) ascending = false
  }
  if (ascending) return order
  let next = new Uint32Array(count)
  for (const shift of [0, 16]) {
    const starts = new Uint32Array(65537)
    for (let at = 0; at < count; at += 1) bump(starts, (((values[at] ?? 0) >>> shift) & 0xffff) + 1)
    for (let digit = 1; digit < starts.length; digit += 1) starts[digit] = (starts[digit] ?? 0) + (starts[digit - 1] ?? 0)
    for (const place of order) next[bump(starts, ((values[place] ?? 0) >>> shift) & 0xffff)] = place
    ;[order, next] = [next, order]
  }
  return order
}

function bump(counts: Uint32Array, at: number): number {
  const before = counts[at] ?? 0
  counts[at] = before + 1
  return before
}
