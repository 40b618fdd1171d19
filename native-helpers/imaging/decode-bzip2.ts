import { Bzip2Decoder, Bzip2Error, type DecodedBlock, maxStoredBlockBytes } from '../volumes/codecs/bzip2-block.ts'
import { afterBlock, beginStream, type Link } from '../volumes/codecs/bzip2-chain.ts'
import { expandRuns } from '../volumes/codecs/bzip2-runs.ts'
import { Bzip2Window } from '../volumes/codecs/bzip2-window.ts'
import { damaged, truncated, unsupported } from './image-errors.ts'
import type { PartWriter } from './slot-ring.ts'
import type { ByteSource } from './source.ts'

/** One block after the other, from bytes that only come in order. */
export function decodeBzip2(name: string, source: ByteSource, out: PartWriter): void {
  let rest: Uint8Array = new Uint8Array(0)
  const window = new Bzip2Window((into) => {
    if (rest.length === 0) rest = source.read() ?? rest
    const length = Math.min(into.length, rest.length)
    into.set(rest.subarray(0, length))
    rest = rest.subarray(length)
    return length
  })
  const decoder = new Bzip2Decoder()
  try {
    for (let link = beginStream(window, 0); link !== null; ) {
      const block = decodeAt(decoder, window, link.blockBit)
      const next = afterBlock(window, block.endBit, link, block.crc)
      checkLevel(block, link)
      checkCrc(
        block,
        expandRuns(decoder.bytes, block.length, (piece) => out.write(piece)),
      )
      link = next
    }
  } catch (thrown) {
    throw bzip2Error(name, thrown)
  }
}

/** The block behind the magic that ends at `bit`; `endBit` counts from the beginning of the stored bytes. */
export function decodeAt(decoder: Bzip2Decoder, window: Bzip2Window, bit: number): DecodedBlock {
  const { data, at } = window.from(bit, maxStoredBlockBytes)
  const block = decoder.decode(data, at)
  return { ...block, endBit: block.endBit + bit - at }
}

export function checkLevel(block: DecodedBlock, link: Link): void {
  if (block.length > link.levelBytes) throw new Bzip2Error('damaged', 'a block is longer than its stream allows')
}

export function checkCrc(block: DecodedBlock, crc: number): void {
  if (crc !== block.crc) throw new Bzip2Error('damaged', 'the checksum of a block differs')
}

export function bzip2Error(name: string, thrown: unknown): unknown {
  if (!(thrown instanceof Bzip2Error)) return thrown
  if (thrown.problem === 'truncated') return truncated(name, thrown.message)
  return thrown.problem === 'unsupported' ? unsupported(name, thrown.message) : damaged(name, thrown.message, thrown)
}
