import { inflateRawSync, zstdDecompressSync } from 'node:zlib'
import type { BlockDevice } from '../block/device.ts'
import type { Extent } from '../block/extents.ts'
import { LivecardError } from '../errors.ts'
import type { ErofsIndex, Piece } from './erofs-index.ts'
import type { ErofsInode } from './erofs-inode.ts'
import { decodeLz4 } from './lz4.ts'
import { pieceOf } from './piece.ts'
import { type Parsed, parsed, unusable } from './problem.ts'

const chunkShiftMask = 0x1f
const chunkIndexes = 0x20
const noBlock = 0xffffffff
const maxChunks = 1_048_576
const algorithm = { lz4: 0, deflate: 2, zstd: 3 }

/** Where a file lies that is not compressed: in one run, with its tail behind the inode, or in chunks. */
export function erofsExtents(device: BlockDevice, inode: ErofsInode, blockBytes: number): Parsed<Extent[]> {
  const extents: Extent[] = []
  const { sizeBytes, layout } = inode
  const outside = unusable('erofs-outside', 'a file lies outside of the volume')
  const fits = (start: number, length: number) => start + length <= device.size
  if (layout === 'plain' || layout === 'inline') {
    const tailBytes = layout === 'inline' ? sizeBytes % blockBytes || Math.min(sizeBytes, blockBytes) : 0
    const start = inode.place * blockBytes
    const body = sizeBytes - tailBytes
    if ((body > 0 && !fits(start, body)) || !fits(inode.bodyOffset, tailBytes)) return outside
    if (body > 0) extents.push({ start, lengthBytes: body })
    if (tailBytes > 0) extents.push({ start: inode.bodyOffset, lengthBytes: tailBytes })
    return parsed(extents)
  }
  if (layout !== 'chunks') return unusable('erofs-compressed', 'the file is compressed')
  const chunkBytes = blockBytes * 2 ** (inode.place & chunkShiftMask)
  const entryBytes = inode.place & chunkIndexes ? 8 : 4
  const count = Math.ceil(sizeBytes / chunkBytes)
  const table =
    count <= maxChunks ? pieceOf(device, Math.ceil(inode.bodyOffset / entryBytes) * entryBytes, count * entryBytes) : null
  if (!table) return outside
  const view = new DataView(table.buffer)
  for (let index = 0; index < count; index += 1) {
    const block = view.getUint32((index + 1) * entryBytes - 4, true)
    const lengthBytes = Math.min(chunkBytes, sizeBytes - index * chunkBytes)
    if (entryBytes === 8 && view.getUint16(index * 8 + 2, true) !== 0)
      return unusable('erofs-features', 'the file lies on another device')
    if (block !== noBlock && !fits(block * blockBytes, lengthBytes)) return outside
    extents.push({ start: block === noBlock ? null : block * blockBytes, lengthBytes })
  }
  return parsed(extents)
}

export interface ErofsCompressed {
  sizeBytes: number
  blockBytes: number
  zeroPadding: boolean
  /** What holds the ends of files; asked for when one of them is read. */
  packed(): BlockDevice | null
}

/** A compressed file as a device; the piece that was decoded last is kept. */
export function erofsCompressedFile(
  device: BlockDevice,
  index: ErofsIndex,
  { sizeBytes, blockBytes, zeroPadding, packed }: ErofsCompressed,
): BlockDevice {
  let kept: { start: number; bytes: Uint8Array } | null = null
  /** From the beginning of `into`; answers how much. */
  const readSome = (into: Uint8Array, offset: number): number => {
    if (!kept || offset < kept.start || offset >= kept.start + kept.bytes.length) {
      const piece = index.pieceAt(offset)
      if (!piece || offset < piece.start || offset >= piece.end) throw damaged(offset)
      if (piece.fragmentOffset !== null) {
        const part = into.subarray(0, piece.end - offset)
        const from = piece.fragmentOffset + offset - piece.start
        const fragments = packed()
        if (!fragments || from + part.length > fragments.size) throw damaged(offset)
        fragments.readSync(part, from)
        return part.length
      }
      const stored = pieceOf(device, piece.storedOffset, piece.storedBytes)
      const bytes = stored && decoded(piece, stored, blockBytes, zeroPadding)
      if (!bytes) throw damaged(offset)
      kept = { start: piece.start, bytes }
    }
    const from = offset - kept.start
    const part = kept.bytes.subarray(from, from + into.length)
    into.set(part)
    return part.length
  }
  return {
    size: sizeBytes,
    sectorSize: device.sectorSize,
    readSync(into, offset) {
      if (offset < 0 || offset + into.length > sizeBytes)
        throw new RangeError(`${into.length} bytes at ${offset} do not lie within ${sizeBytes}`)
      for (let done = 0; done < into.length; ) done += readSome(into.subarray(done), offset + done)
    },
  }
}

function decoded(piece: Piece, stored: Uint8Array, blockBytes: number, zeroPadding: boolean): Uint8Array | null {
  const length = piece.end - piece.start
  if (piece.type === 'plain') return plainPiece(piece, stored, blockBytes)
  // What is stored is moved to the end of its blocks, so that it can be decoded in place.
  const margin = zeroPadding ? stored.findIndex((byte) => byte !== 0) : 0
  if (margin < 0) return null
  const content = stored.subarray(margin)
  if (piece.algorithm === algorithm.lz4) {
    const bytes = new Uint8Array(length)
    return decodeLz4(content, bytes) === length ? bytes : null
  }
  try {
    const options = { maxOutputLength: length }
    if (piece.algorithm === algorithm.deflate) return exact(inflateRawSync(content, options), length)
    if (piece.algorithm === algorithm.zstd) return exact(zstdDecompressSync(content, options), length)
  } catch {
    return null
  }
  return null
}

function exact(bytes: Uint8Array, length: number): Uint8Array | null {
  return bytes.length === length ? bytes : null
}

/** As it is; or turned, so that each byte keeps its place in its block. */
function plainPiece(piece: Piece, stored: Uint8Array, blockBytes: number): Uint8Array | null {
  const length = piece.end - piece.start
  if (length > stored.length) return null
  if (!piece.interlaced) return stored.slice(0, length)
  const skip = piece.start % blockBytes
  const right = Math.min(blockBytes - skip, length)
  const bytes = new Uint8Array(length)
  bytes.set(stored.subarray(skip, skip + right))
  bytes.set(stored.subarray(0, length - right), right)
  return bytes
}

function damaged(offset: number): LivecardError {
  return new LivecardError('data', 'erofs-damaged', {
    message: `A compressed file of the EROFS image cannot be decoded at byte ${offset}.`,
    meaning: 'The image is damaged, or compressed in a way that is not known here. Nothing was changed.',
    next: 'Compare the image with the published one, and write it to the card anew if it differs.',
  })
}
