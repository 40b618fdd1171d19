/**
 * One block of a bzip2 file. Nobody wrote a specification; this follows the description in "BZIP2: Format Specification" by Joe Tsai and bzip2's
 * decompress.c for what is allowed. Order of the fields after the block's magic:
 * crc 32, randomised 1, origPtr 24, used map 16 + 16 per set bit, tables 3, selectors 15, selector list (unary, move-to-front), code lengths (delta), symbols.
 */

import { InverseTransform } from './bzip2-inverse.ts'

export const maxBlockBytes = 900_000
/** The largest block as stored: 20 bits for each of 900 000 symbols, and its tables. A window of this size holds any block whole. */
export const maxStoredBlockBytes = 2_400_000

const groupSymbols = 50
const maxCodeBits = 20
const fastBits = 10
const maxTables = 6
const maxSymbols = 258
const maxSelectors = 18_002

export type Bzip2Problem = 'truncated' | 'damaged' | 'unsupported'

export class Bzip2Error extends Error {
  readonly problem: Bzip2Problem
  constructor(problem: Bzip2Problem, detail: string) {
    super(detail)
    this.problem = problem
  }
}

export interface DecodedBlock {
  /** Where the block ends, in bits from the beginning of the window. */
  endBit: number
  /** Length before the outermost run-length coding is undone; the bytes are in `bytes`. */
  length: number
  /** Of the bytes after it is undone. */
  crc: number
}

/** The buffers to decode with; 8 MiB, to be used for one block after the other. */
export class Bzip2Decoder {
  readonly bytes = new Uint8Array(maxBlockBytes)
  private readonly links = new Int32Array(maxBlockBytes)
  private readonly inverse = new InverseTransform(maxBlockBytes)
  private readonly selectors = new Uint8Array(maxSelectors)
  private readonly counts = new Int32Array(256)
  private readonly front = new Uint8Array(256)
  /** Per table: for the next 10 bits, symbol << 5 | length, or 0 when the code is longer. */
  private readonly fast = new Uint16Array(maxTables << fastBits)
  private readonly limit = new Int32Array(maxTables * (maxCodeBits + 2))
  private readonly base = new Int32Array(maxTables * (maxCodeBits + 2))
  private readonly symbols = new Uint16Array(maxTables * maxSymbols)
  private readonly lengths = new Uint8Array(maxSymbols)
  private data: Uint8Array = new Uint8Array(0)
  private at = 0

  /** `startBit` is behind the block's magic. The window must hold the whole block, or everything up to the end of the file. */
  decode(window: Uint8Array, startBit: number): DecodedBlock {
    this.data = window
    this.at = startBit
    const crc = ((this.bits(16) << 16) | this.bits(16)) >>> 0
    if (this.bits(1) === 1) throw new Bzip2Error('unsupported', 'it was made by a bzip2 from before 1997')
    const origin = this.bits(24)
    const used = this.readUsed()
    const tables = this.bits(3)
    const selectorCount = this.bits(15)
    if (tables < 2 || tables > maxTables || selectorCount === 0) throw this.bad('its Huffman tables are impossible')
    this.readSelectors(tables, selectorCount)
    for (let table = 0; table < tables; table++) this.readTable(table, used + 2)
    const length = this.readSymbols(used + 1, Math.min(selectorCount, maxSelectors))
    if (this.at > window.length * 8) throw new Bzip2Error('truncated', 'the bzip2 data stops in the middle')
    if (origin >= length) throw this.bad('a block points outside itself')
    this.invert(origin, length)
    return { endBit: this.at, length, crc }
  }

  /** Behind the end of the file there are zeros, in which anything may seem wrong. A whole file has more than one code behind every place where that can be. */
  private bad(detail: string): Bzip2Error {
    if (this.at + maxCodeBits > this.data.length * 8) return new Bzip2Error('truncated', 'the bzip2 data stops in the middle')
    return new Bzip2Error('damaged', detail)
  }

  private bits(count: number): number {
    let value = 0
    for (let index = 0; index < count; index++, this.at++)
      value = (value << 1) | (((this.data[this.at >>> 3] ?? 0) >> (7 - (this.at & 7))) & 1)
    return value
  }

  private readUsed(): number {
    let used = 0
    const groups = this.bits(16)
    for (let group = 0; group < 16; group++) {
      if (((groups >> (15 - group)) & 1) === 0) continue
      const members = this.bits(16)
      for (let member = 0; member < 16; member++) if ((members >> (15 - member)) & 1) this.front[used++] = group * 16 + member
    }
    if (used === 0) throw this.bad('a block uses no bytes')
    return used
  }

  private readSelectors(tables: number, count: number): void {
    const order = [0, 1, 2, 3, 4, 5]
    for (let index = 0; index < count; index++) {
      let position = 0
      while (this.bits(1) === 1) {
        position++
        if (position >= tables) throw this.bad('a selector names a table that is not there')
      }
      const [table] = order.splice(position, 1)
      order.unshift(table ?? 0)
      // Some encoders write a few more than any block needs; as in bzip2 1.0.8 these are read and left out.
      if (index < maxSelectors) this.selectors[index] = table ?? 0
    }
  }

  private readTable(table: number, symbolCount: number): void {
    let length = this.bits(5)
    for (let symbol = 0; symbol < symbolCount; symbol++) {
      for (;;) {
        if (length < 1 || length > maxCodeBits) throw this.bad('a Huffman code has an impossible length')
        if (this.bits(1) === 0) break
        length += this.bits(1) === 0 ? 1 : -1
      }
      this.lengths[symbol] = length
    }
    this.buildTable(table, symbolCount)
  }

  /** Canonical codes: ordered by length, then by symbol. `limit[n]` is the first code of n bits that is none. */
  private buildTable(table: number, symbolCount: number): void {
    const row = table * (maxCodeBits + 2)
    const first = table * maxSymbols
    const fastRow = table << fastBits
    this.fast.fill(0, fastRow, fastRow + (1 << fastBits))
    let code = 0
    let rank = 0
    for (let length = 1; length <= maxCodeBits; length++) {
      this.base[row + length] = rank - code
      for (let symbol = 0; symbol < symbolCount; symbol++) {
        if (this.lengths[symbol] !== length) continue
        this.symbols[first + rank] = symbol
        if (length <= fastBits) {
          const start = fastRow + ((code << (fastBits - length)) & ((1 << fastBits) - 1))
          this.fast.fill((symbol << 5) | length, start, Math.min(start + (1 << (fastBits - length)), fastRow + (1 << fastBits)))
        }
        rank++
        code++
      }
      if (code > 1 << length) throw this.bad('a Huffman table has more codes than fit')
      this.limit[row + length] = code
      code <<= 1
    }
  }

  /** Huffman, then move-to-front and the inner run lengths. Fills `links` with one byte each and `counts`; answers how many. */
  private readSymbols(endSymbol: number, selectorCount: number): number {
    const { data, fast, limit, base, symbols, selectors, links, counts, front } = this
    counts.fill(0)
    let position = this.at >>> 3
    let have = 8 - (this.at & 7)
    let buffer = (data[position++] ?? 0) & ((1 << have) - 1)
    let length = 0
    let group = 0
    let left = 0
    let table = 0
    let run = 0
    let runUnit = 1
    const fail = (detail: string) => {
      this.at = position * 8 - have
      return this.bad(detail)
    }
    for (;;) {
      if (left === 0) {
        if (group === selectorCount) throw fail('a block has more symbols than selectors')
        table = selectors[group++] as number
        left = groupSymbols
      }
      left--
      while (have <= 24) {
        buffer = (buffer << 8) | (data[position++] as number)
        have += 8
      }
      let symbol: number
      const entry = fast[(table << fastBits) | ((buffer >>> (have - fastBits)) & ((1 << fastBits) - 1))] as number
      if (entry !== 0) {
        have -= entry & 31
        symbol = entry >>> 5
      } else {
        let bits = fastBits + 1
        const row = table * (maxCodeBits + 2)
        let code = (buffer >>> (have - bits)) & ((1 << bits) - 1)
        while (bits <= maxCodeBits && code >= (limit[row + bits] as number)) {
          bits++
          code = (buffer >>> (have - bits)) & ((1 << bits) - 1)
        }
        if (bits > maxCodeBits) throw fail('a Huffman code has no symbol')
        have -= bits
        symbol = symbols[table * maxSymbols + code + (base[row + bits] as number)] as number
      }
      if (symbol <= 1) {
        // Inner run lengths: bijective base 2, RUNA counts one and RUNB two of the unit.
        run += runUnit << symbol
        runUnit <<= 1
        if (run > maxBlockBytes) throw fail('a run is longer than a block')
        continue
      }
      if (run > 0) {
        if (length + run > maxBlockBytes) throw fail('a block is longer than 900 000 bytes')
        const byte = front[0] as number
        counts[byte] = (counts[byte] as number) + run
        links.fill(byte, length, length + run)
        length += run
        run = 0
        runUnit = 1
      }
      if (symbol === endSymbol) break
      if (length === maxBlockBytes) throw fail('a block is longer than 900 000 bytes')
      const index = symbol - 1
      const byte = front[index] as number
      if (index < 24) for (let move = index; move > 0; move--) front[move] = front[move - 1] as number
      else front.copyWithin(1, 0, index)
      front[0] = byte
      counts[byte] = (counts[byte] as number) + 1
      links[length++] = byte
    }
    this.at = position * 8 - have
    return length
  }

  /** The Burrows-Wheeler transform backwards: each link holds a byte and, above it, where the next one is. */
  private invert(origin: number, length: number): void {
    const { links, counts, bytes } = this
    let sum = 0
    for (let byte = 0; byte < 256; byte++) {
      const count = counts[byte] as number
      counts[byte] = sum
      sum += count
    }
    for (let index = 0; index < length; index++) {
      const byte = (links[index] as number) & 0xff
      const to = counts[byte] as number
      counts[byte] = to + 1
      links[to] = (links[to] as number) | (index << 8)
    }
    this.inverse.run(links, length, (links[origin] as number) >>> 8, bytes)
  }
}
