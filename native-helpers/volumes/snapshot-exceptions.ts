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
  let nextFreeChunk = 2n
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
        if (newChunk >= nextFreeChunk) nextFreeChunk = BigInt.asUintN(64, ((BigInt(newHigh) << 32n) | BigInt(newLow)) + 1n)
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
    nextFreeChunk: skipMetadata(nextFreeChunk, chunkBytes),
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
    return this.#repeated(this.#new)
      .filter((at) => this.#new[at] !== 0)
      .map((at) => this.#index[at] ?? 0)
  }

  /** Sorts by the origin's chunk; of two for the same one the earlier counts, as in the kernel's table. Returns the others. */
  settle(): number[] {
    const repeated = new Set(this.#repeated(this.#old))
    const kept = stableOrder(this.#old, this.#count).filter((at) => !repeated.has(at))
    const indexes = [...repeated].map((at) => this.#index[at] ?? 0)
    const old = this.#old
    const copies = this.#new
    this.#old = kept.map((at) => old[at] ?? 0)
    this.#new = kept.map((at) => copies[at] ?? 0)
    this.#count = kept.length
    return indexes
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

  #repeated(values: Uint32Array): number[] {
    const order = stableOrder(values, this.#count)
    const repeated: number[] = []
    for (let at = 1; at < order.length; at += 1) {
      const here = order[at] ?? 0
      if (values[here] === values[order[at - 1] ?? 0]) repeated.push(here)
    }
    return repeated
  }
}

function grown(array: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(array.length * 2)
  larger.set(array)
  return larger
}

/** The places of the first `count` values in ascending order, equal ones as they came: a radix sort by 16 bits. */
function stableOrder(values: Uint32Array, count: number): Uint32Array<ArrayBuffer> {
  let order = Uint32Array.from({ length: count }, (_, at) => at)
  for (const shift of [0, 16]) {
    const starts = new Uint32Array(65537)
    for (let at = 0; at < count; at += 1) bump(starts, (((values[at] ?? 0) >>> shift) & 0xffff) + 1)
    for (let digit = 1; digit < starts.length; digit += 1) starts[digit] = (starts[digit] ?? 0) + (starts[digit - 1] ?? 0)
    const next = new Uint32Array(count)
    for (const place of order) next[bump(starts, ((values[place] ?? 0) >>> shift) & 0xffff)] = place
    order = next
  }
  return order
}

function bump(counts: Uint32Array, at: number): number {
  const before = counts[at] ?? 0
  counts[at] = before + 1
  return before
}
