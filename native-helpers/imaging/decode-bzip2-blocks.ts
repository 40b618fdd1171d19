import fs from 'node:fs'
import { Bzip2Decoder, Bzip2Error, type DecodedBlock } from '../volumes/codecs/bzip2-block.ts'
import { afterBlock, beginStream, type Link } from '../volumes/codecs/bzip2-chain.ts'
import { expandedLength, expandRuns } from '../volumes/codecs/bzip2-runs.ts'
import { Bzip2Window } from '../volumes/codecs/bzip2-window.ts'
import { bzip2Error, checkCrc, checkLevel, decodeAt } from './decode-bzip2.ts'
import { countBytes, type Meter } from './meter.ts'
import { type Filled, PartWriter, type RingParts } from './slot-ring.ts'
import { type FileSpec, openFile, readWaited } from './source.ts'

/**
 * What the threads that decode one bzip2 file share. A block does not say how long it is or becomes, so each thread looks for the next block's magic at any
 * bit, decodes from there, and then waits for its turn to learn where the content goes. At its turn it also learns whether the block before it really ended where
 * this one begins: a magic that is only a part of another block's data is then left out.
 * `words`: [0] the lock of the search, [1] tickets given, [2] whose turn it is, [3] the stream's checksum so far, [4] its level in bytes.
 * `places`: [0] where the search goes on, in bits; [1] where the next content goes; [2] behind which bit's magic the next block must begin, -1 before the first.
 */
export interface Bzip2Shared {
  readonly words: Int32Array
  readonly places: Float64Array
}

const lock = 0
const tickets = 1
const turn = 2
const combined = 3
const level = 4
const searchBit = 0
const contentOffset = 1
const expectedBit = 2

export function createBzip2Shared(): Bzip2Shared {
  const shared = { words: new Int32Array(new SharedArrayBuffer(20)), places: new Float64Array(new SharedArrayBuffer(24)) }
  shared.places[expectedBit] = -1
  return shared
}

/** One of the threads. Answers the length of the image when this thread decoded its last block, else null. */
export function decodeBzip2Blocks(
  name: string,
  file: FileSpec,
  ring: RingParts,
  meter: Meter,
  shared: Bzip2Shared,
  filled: Filled,
): number | null {
  const { words, places } = shared
  const descriptor = openFile(name, file.path)
  const window = new Bzip2Window((into, at) => {
    const wanted = Math.min(into.length, 256 * 1024, file.end - file.start - at)
    return wanted <= 0 ? 0 : readWaited(name, descriptor, into, wanted, file.start + at, meter)
  })
  const decoder = new Bzip2Decoder()
  try {
    for (;;) {
      const found = takeBlock(window, shared)
      if (found === null) return null
      if (found === 'empty') return 0
      const decoded = attempt(decoder, window, found.bit)
      waitForTurn(words, found.ticket)
      const mustBe = places[expectedBit] as number
      if (found.bit !== mustBe) {
        passTurn(words)
        continue
      }
      if (decoded instanceof Bzip2Error) throw decoded
      const link: Link = { blockBit: mustBe, levelBytes: words[level] as number, combined: (words[combined] as number) >>> 0 }
      const next = afterBlock(window, decoded.endBit, link, decoded.crc)
      checkLevel(decoded, link)
      const offset = places[contentOffset] as number
      const end = offset + expandedLength(decoder.bytes, decoded.length)
      places[contentOffset] = end
      setLink(shared, next)
      countBytes(meter, (decoded.endBit - found.bit) / 8)
      passTurn(words)
      const out = new PartWriter(ring, offset, filled)
      checkCrc(
        decoded,
        expandRuns(decoder.bytes, decoded.length, (piece) => out.write(piece)),
      )
      out.flush()
      if (next === null) return end
    }
  } catch (thrown) {
    throw bzip2Error(name, thrown)
  } finally {
    fs.closeSync(descriptor)
  }
}

/** What a block that begins at a false magic gives is nobody's error; whether it is one turns out later. */
function attempt(decoder: Bzip2Decoder, window: Bzip2Window, bit: number): DecodedBlock | Bzip2Error {
  try {
    window.seek(Math.floor(bit / 8))
    return decodeAt(decoder, window, bit)
  } catch (thrown) {
    if (thrown instanceof Bzip2Error) return thrown
    throw thrown
  }
}

function setLink({ words, places }: Bzip2Shared, link: Link | null): void {
  places[expectedBit] = link?.blockBit ?? Number.POSITIVE_INFINITY
  words[level] = link?.levelBytes ?? 0
  words[combined] = link?.combined ?? 0
}

/** The next place that looks like a block's beginning, and the right to be asked about it in order. */
function takeBlock(window: Bzip2Window, shared: Bzip2Shared): { ticket: number; bit: number } | 'empty' | null {
  const { words, places } = shared
  while (Atomics.compareExchange(words, lock, 0, 1) !== 0) Atomics.wait(words, lock, 1)
  try {
    if (places[expectedBit] === -1) {
      const first = beginStream(window, 0)
      setLink(shared, first)
      if (first === null) {
        places[searchBit] = Number.POSITIVE_INFINITY
        return 'empty'
      }
      places[searchBit] = first.blockBit - 48
    }
    const bit = findMagic(window, places[searchBit] as number)
    places[searchBit] = bit ?? Number.POSITIVE_INFINITY
    return bit === null ? null : { ticket: Atomics.add(words, tickets, 1), bit }
  } finally {
    Atomics.store(words, lock, 0)
    Atomics.notify(words, lock, 1)
  }
}

function waitForTurn(words: Int32Array, ticket: number): void {
  for (;;) {
    const now = Atomics.load(words, turn)
    if (now === ticket) return
    Atomics.wait(words, turn, now)
  }
}

function passTurn(words: Int32Array): void {
  Atomics.add(words, turn, 1)
  Atomics.notify(words, turn)
}

/** By the value of the byte behind the one in which a magic begins: a set bit for each of the eight bit offsets that this may mean. */
const magicBytes = [0x31, 0x41, 0x59, 0x26, 0x53, 0x59]
const secondByte = new Uint8Array(256)
for (let shift = 0; shift < 8; shift++) {
  const byte = (((magicBytes[0] as number) << 8) | (magicBytes[1] as number)) >> shift
  secondByte[byte & 0xff] = (secondByte[byte & 0xff] as number) | (1 << shift)
}

/** The bit behind the next block magic at or behind `fromBit`; null when there is none. */
function findMagic(window: Bzip2Window, fromBit: number): number | null {
  if (!Number.isFinite(fromBit)) return null
  const step = 1024 * 1024
  window.seek(Math.floor(fromBit / 8))
  for (let startByte = Math.floor(fromBit / 8); ; startByte += step) {
    const { data, at } = window.from(startByte * 8, step + 8)
    const first = at / 8
    for (let index = first; index < Math.min(first + step, data.length - 5); index++) {
      // Eight magics may begin within this byte; the one behind it tells which of them are possible.
      const shifts = secondByte[data[index + 1] as number] as number
      if (shifts === 0) continue
      for (let shift = 0; shift < 8; shift++) {
        if ((shifts & (1 << shift)) === 0) continue
        const bit = startByte * 8 + (index - first) * 8 + shift
        if (bit >= fromBit && isMagic(data, index, shift)) return bit + 48
      }
    }
    if (data.length - first < step + 8) return null
  }
}

function isMagic(data: Uint8Array, index: number, shift: number): boolean {
  for (let byte = 0; byte < 6; byte++) {
    const pair = ((data[index + byte] as number) << 8) | (data[index + byte + 1] ?? 0)
    if (((pair >> (8 - shift)) & 0xff) !== magicBytes[byte]) return false
  }
  return true
}
