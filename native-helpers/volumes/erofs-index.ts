import type { ErofsInode } from './erofs-inode.ts'

/**
 * Where the clusters of a compressed file lie (fs/erofs/zmap.c, Documentation/filesystems/erofs.rst): for each logical cluster whether a
 * compressed piece begins in it, and at which of its bytes, or how far back it began.
 */
const mapHeaderBytes = 8
const fullEntryBytes = 8
const blockCountFlag = 0x800
const advice = { twoBytes: 0x1, bigFirst: 0x2, bigSecond: 0x4, inlineTail: 0x8, interlaced: 0x10, fragment: 0x20 }
/** In the last byte of the header: all of it is a place in the packed file, but for its highest bit. */
const wholeInFragment = 0x80
const wholeOffsetMask = 2n ** 63n - 1n
/** Logarithms of clusters: what the fields of an entry hold. */
const largestShift = { full: 16, packed: 14 }
/** Decoded, one piece is no longer than this (Z_EROFS_PCLUSTER_MAX_DSIZE), stored no longer than 1 MiB. */
const maxPieceBytes = 12 * 1024 * 1024
const maxStoredBytes = 1024 * 1024

export type ClusterType = 'plain' | 'first' | 'follows' | 'second'
const types: ClusterType[] = ['plain', 'first', 'follows', 'second']

interface Cluster {
  type: ClusterType
  /** Where in it the piece begins. */
  offset: number
  /** For one that follows: clusters back to the beginning. */
  back: number
  /** Of the stored piece, where this is told: in the first that follows. */
  storedBlocks: number
  block: number
  /** Where the entries behind this one's pack begin. */
  nextOffset: number
}

export interface Piece {
  start: number
  end: number
  storedOffset: number
  storedBytes: number
  type: Exclude<ClusterType, 'follows'>
  interlaced: boolean
  /** lz4 0, lzma 1, deflate 2, zstd 3 */
  algorithm: number
  /** Not null: the piece lies there in the packed file, as it is, and nothing of it is stored elsewhere. */
  fragmentOffset: number | null
}

const nothingStored = { storedOffset: 0, storedBytes: 0, type: 'plain', interlaced: false, algorithm: 0 } as const

export class ErofsIndex {
  readonly #inode: ErofsInode
  readonly #read: (offset: number, length: number) => DataView | null
  readonly #blockBytes: number
  readonly #shift: number
  readonly #advice: number
  readonly #algorithms: number
  readonly #inlineBytes: number
  readonly #fragmentLow: number
  readonly #header: number
  /** The last piece, where it lies behind the index or in the packed file. */
  #tail: { head: number; inlineOffset: number | null; fragmentOffset: number | null } | null = null
  /** Where all of the file lies in the packed file. */
  readonly #wholeAt: number | null

  /** Null where the index is damaged. */
  static open(inode: ErofsInode, blockBytes: number, read: (offset: number, length: number) => DataView | null): ErofsIndex | null {
    const header = Math.ceil(inode.bodyOffset / 8) * 8
    const view = read(header, mapHeaderBytes)
    if (!view) return null
    const index = new ErofsIndex(inode, blockBytes, read, header, view)
    if (index.#wholeAt !== null) return index
    return index.#shift <= largestShift[inode.layout === 'compressed-full' ? 'full' : 'packed'] && index.#findTail() ? index : null
  }

  private constructor(
    inode: ErofsInode,
    blockBytes: number,
    read: (offset: number, length: number) => DataView | null,
    header: number,
    view: DataView,
  ) {
    this.#inode = inode
    this.#read = read
    this.#blockBytes = blockBytes
    this.#header = header
    this.#inlineBytes = view.getUint16(2, true)
    this.#advice = view.getUint16(4, true)
    this.#algorithms = view.getUint8(6)
    this.#shift = Math.log2(blockBytes) + (view.getUint8(7) & 7)
    this.#fragmentLow = view.getUint32(0, true)
    this.#wholeAt = view.getUint8(7) & wholeInFragment ? Number(view.getBigUint64(0, true) & wholeOffsetMask) : null
  }

  /** The piece that holds this byte of the file, or null where the index is damaged. */
  pieceAt(offset: number): Piece | null {
    if (this.#wholeAt !== null) return { ...nothingStored, start: 0, end: this.#inode.sizeBytes, fragmentOffset: this.#wholeAt }
    const number = Math.floor(offset / 2 ** this.#shift)
    const within = offset - number * 2 ** this.#shift
    const first = this.#cluster(number)
    if (!first) return null
    const back = first.type === 'follows' ? first.back : within >= first.offset ? 0 : 1
    const head = this.#headOf(number, back)
    return head && this.#pieceFrom(head.number, head.cluster)
  }

  #headOf(from: number, back: number): { number: number; cluster: Cluster & { type: Piece['type'] } } | null {
    let number = from - back
    for (let cluster = this.#cluster(number); cluster; cluster = this.#cluster(number)) {
      const { type } = cluster
      if (type !== 'follows') return { number, cluster: { ...cluster, type } }
      if (cluster.back === 0) return null
      number -= cluster.back
    }
    return null
  }

  #pieceFrom(number: number, head: Cluster & { type: Piece['type'] }): Piece | null {
    const clusterBytes = 2 ** this.#shift
    const start = number * clusterBytes + head.offset
    let end = this.#inode.sizeBytes
    for (let next = number + 1; next * clusterBytes < this.#inode.sizeBytes; next += 1) {
      const cluster = this.#cluster(next)
      if (!cluster || next * clusterBytes - start > maxPieceBytes) return null
      if (cluster.type === 'follows') continue
      end = next * clusterBytes + cluster.offset
      break
    }
    const tail = this.#tail?.head === number ? this.#tail : null
    if (tail && tail.fragmentOffset !== null)
      return end <= start ? null : { ...nothingStored, start, end, fragmentOffset: tail.fragmentOffset }
    const inline = tail?.inlineOffset ?? null
    const storedBytes = inline === null ? this.#storedBytes(number, head.type) : this.#inlineBytes
    if (end <= start || end - start > maxPieceBytes || storedBytes === null || storedBytes > maxStoredBytes) return null
    return {
      start,
      end,
      storedOffset: inline ?? head.block * this.#blockBytes,
      storedBytes,
      type: head.type,
      interlaced: (this.#advice & advice.interlaced) !== 0,
      algorithm: head.type === 'second' ? this.#algorithms >> 4 : this.#algorithms & 15,
      fragmentOffset: null,
    }
  }

  #storedBytes(number: number, type: Piece['type']): number | null {
    const clusterBytes = 2 ** this.#shift
    const big = type === 'first' ? advice.bigFirst : type === 'second' ? advice.bigSecond : 0
    if (!(this.#advice & big) || (number + 1) * clusterBytes >= this.#inode.sizeBytes) return clusterBytes
    const next = this.#cluster(number + 1)
    if (!next) return null
    if (next.type !== 'follows') return clusterBytes
    return next.storedBlocks > 0 ? next.storedBlocks * this.#blockBytes : null
  }

  /** The last piece may lie behind the index itself, or in the packed file. */
  #findTail(): boolean {
    const isFragment = (this.#advice & advice.fragment) !== 0
    if ((!isFragment && !(this.#advice & advice.inlineTail)) || this.#inode.sizeBytes === 0) return true
    const number = Math.floor((this.#inode.sizeBytes - 1) / 2 ** this.#shift)
    const last = this.#cluster(number)
    if (!last) return false
    const within = (this.#inode.sizeBytes - 1) % 2 ** this.#shift
    const head = this.#headOf(number, last.type === 'follows' ? last.back : within >= last.offset ? 0 : 1)
    if (!head) return false
    // Only the long entries have room for a place beyond 4 GiB.
    const high = this.#inode.layout === 'compressed-full' ? head.cluster.block : 0
    this.#tail = isFragment
      ? { head: head.number, inlineOffset: null, fragmentOffset: high * 2 ** 32 + this.#fragmentLow }
      : { head: head.number, inlineOffset: last.nextOffset, fragmentOffset: null }
    return true
  }

  #cluster(number: number): Cluster | null {
    if (number < 0 || number * 2 ** this.#shift >= this.#inode.sizeBytes) return null
    return this.#inode.layout === 'compressed-full' ? this.#fullEntry(number) : this.#packedEntry(number)
  }

  #fullEntry(number: number): Cluster | null {
    const offset = this.#header + mapHeaderBytes + 8 + number * fullEntryBytes
    const view = this.#read(offset, fullEntryBytes)
    if (!view) return null
    const type = types[view.getUint16(0, true) & 3] ?? 'plain'
    const back = view.getUint16(4, true)
    const tells = type === 'follows' && (back & blockCountFlag) !== 0
    return {
      type,
      offset: type === 'follows' ? 0 : view.getUint16(2, true),
      back: tells ? 1 : back,
      storedBlocks: tells ? back & ~blockCountFlag : 0,
      block: view.getUint32(4, true),
      nextOffset: offset + fullEntryBytes,
    }
  }

  /** Entries of two or four bytes on average, packed: bits for each, and at the end of the pack one block number for all. */
  #packedEntry(number: number): Cluster | null {
    const base = this.#header + mapHeaderBytes
    const total = Math.ceil(this.#inode.sizeBytes / 2 ** this.#shift)
    const leading = ((32 - (base % 32)) / 4) % 8
    const short = this.#advice & advice.twoBytes && leading < total ? Math.floor((total - leading) / 16) * 16 : 0
    let offset = base
    let averageBytes = 4
    if (number < leading) offset += number * 4
    else if (number < leading + short) {
      averageBytes = 2
      offset += leading * 4 + (number - leading) * 2
    } else offset += leading * 4 + short * 2 + (number - leading - short) * 4
    if (averageBytes === 2 && this.#shift > 12) return null
    return this.#unpacked(offset, averageBytes)
  }

  #unpacked(offset: number, averageBytes: number): Cluster | null {
    const count = averageBytes === 4 ? 2 : 16
    const packBytes = count * averageBytes
    const start = Math.floor(offset / packBytes) * packBytes
    const view = this.#read(start, packBytes)
    if (!view) return null
    const lowBits = Math.max(this.#shift, 12)
    const entryBits = ((packBytes - 4) * 8) / count
    const entry = (index: number): { low: number; type: ClusterType } => {
      const bit = index * entryBits
      const value = view.getUint32(Math.min(bit >> 3, packBytes - 4), true) >>> (bit & 7)
      return { low: value & (2 ** lowBits - 1), type: types[(value >>> lowBits) & 3] ?? 'plain' }
    }
    const index = (offset - start) / averageBytes
    const here = entry(index)
    const nextOffset = start + packBytes
    if (here.type === 'follows') {
      if (here.low & blockCountFlag)
        return { type: 'follows', offset: 0, back: 1, storedBlocks: here.low & ~blockCountFlag, block: 0, nextOffset }
      const before = index + 1 === count ? entry(index - 1) : null
      // The last of a pack tells how far it is forward; back is one more than of the one before.
      const back = before === null ? here.low : before.type !== 'follows' ? 1 : before.low & blockCountFlag ? 2 : before.low + 1
      return { type: 'follows', offset: 0, back, storedBlocks: 0, block: 0, nextOffset }
    }
    const blocks = this.#advice & (advice.bigFirst | advice.bigSecond) ? bigBlocksBefore(entry, index) : blocksBefore(entry, index)
    if (blocks === null) return null
    return { ...here, offset: here.low, back: 0, storedBlocks: 0, block: view.getUint32(packBytes - 4, true) + blocks, nextOffset }
  }
}

type Entry = (index: number) => { low: number; type: ClusterType }

/** Pieces that begin before this one in the pack, and this one. */
function blocksBefore(entry: Entry, index: number): number {
  let blocks = 1
  for (let at = index - 1; at >= 0; at -= 1) {
    const { low, type } = entry(at)
    if (type === 'follows') at -= low
    if (at >= 0) blocks += 1
  }
  return blocks
}

function bigBlocksBefore(entry: Entry, index: number): number | null {
  let blocks = 0
  for (let at = index - 1; at >= 0; at -= 1) {
    const { low, type } = entry(at)
    if (type !== 'follows') blocks += 1
    else if (low & blockCountFlag) {
      at -= 1
      blocks += low & ~blockCountFlag
    } else if (low <= 1) return null
    else at -= low - 2
  }
  return blocks
}
