import { createHash, type Hash } from 'node:crypto'
import { setImmediate as afterPendingEvents } from 'node:timers/promises'
import { LivecardError } from '../errors.ts'
import type { Bmap, BmapRange } from './bmap.ts'
import type { ByteRange, WriteMap } from './write-map.ts'
import { alignOutward } from './write-ranges.ts'

/** About half a millisecond of SHA-256: how long the thread that also serves the writes may be held at a time. */
const hashSliceBytes = 512 * 1024

/**
 * What a block map leaves of an image. The checksum of each range is computed from the image's bytes as they pass; the first one that
 * differs rejects. Throws at once when the image's size is known and is not the map's.
 */
export function bmapWriteMap(bmap: Bmap, image: { imageBytes: number | null }): WriteMap {
  if (image.imageBytes !== null) checkSize(bmap, image.imageBytes, nothingWritten)
  const type = bmap.checksumType
  let nextRange = 0
  let hash: Hash | null = null

  const check = async (range: BmapRange, piece: Uint8Array, from: number): Promise<void> => {
    if (range.checksum === null || type === null) return
    if (from === range.start) hash = createHash(type)
    for (let at = 0; at < piece.length; at += hashSliceBytes) {
      if (at > 0) await afterPendingEvents()
      hash?.update(piece.subarray(at, at + hashSliceBytes))
    }
    if (from + piece.length < range.end) return
    const actual = hash?.digest('hex')
    hash = null
    if (actual !== range.checksum)
      throw mismatch(`its bytes ${range.start} to ${range.end} have another checksum than the map says`)
  }

  return {
    kind: 'bmap',
    async needed(offset, bytes): Promise<ByteRange[]> {
      const end = offset + bytes.length
      if (end > bmap.imageBytes) throw mismatch(`the map describes an image of ${bmap.imageBytes} bytes, and this one is longer`)
      const pieces: ByteRange[] = []
      for (;;) {
        const range = bmap.ranges[nextRange]
        if (!range || range.start >= end) break
        const piece = { start: Math.max(range.start, offset), end: Math.min(range.end, end) }
        pieces.push(piece)
        await check(range, bytes.subarray(piece.start - offset, piece.end - offset), piece.start)
        if (range.end > end) break
        nextRange += 1
      }
      return alignOutward(pieces, offset, end)
    },
    async finish(imageBytes) {
      checkSize(bmap, imageBytes, partWritten)
    },
  }
}

const nothingWritten = 'Nothing was written.'
const partWritten = 'What has been written so far is not a usable system.'

function checkSize(bmap: Bmap, imageBytes: number, state: string): void {
  if (imageBytes === bmap.imageBytes) return
  throw mismatch(`the map describes an image of ${bmap.imageBytes} bytes, and this one has ${imageBytes}`, state)
}

function mismatch(what: string, state = partWritten): LivecardError {
  return new LivecardError('data', 'bmap-mismatch', {
    message: `The block map (.bmap) does not belong to this image, or the image is damaged: ${what}.`,
    meaning: `With it, parts of the image that matter could be left out. ${state}`,
    next: 'Download the image and its .bmap again, or write the whole image without the map (--bmap none).',
  })
}
