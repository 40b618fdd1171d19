/**
 * The start of an archive, in the form of the rest of it but not packed: its length depends on nothing but its content's length, so that its place is kept while
 * everything behind it is written, and filled at the end.
 */
import { crc32 } from 'node:zlib'

export type Packing = 'none' | 'gzip' | 'zstd'

/** By the archive's name; null where it says none. */
export function packingOf(name: string): Packing | null {
  if (/\.tar$/i.test(name)) return 'none'
  if (/\.(tar\.gz|tgz)$/i.test(name)) return 'gzip'
  return /\.(tar\.zst|tzst)$/i.test(name) ? 'zstd' : null
}

/** Of pieces, so that a long content is not copied to be put together. */
export function* stored(packing: Packing, content: readonly Uint8Array[]): Generator<Uint8Array> {
  if (packing === 'none') yield* content
  else yield* packing === 'gzip' ? storedGzip(content) : storedZstd(content)
}

/** RFC 1952: magic, deflate, no flags, no time, no extra flags, made on Unix. */
const gzipHead = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3)
const longestDeflateBlock = 0xffff

/** A gzip member of blocks of the kind 00 (RFC 1951, 3.2.4): last or not, length, the same inverted, bytes. The last one is empty. */
function* storedGzip(content: readonly Uint8Array[]): Generator<Uint8Array> {
  yield gzipHead
  for (const block of blocksOf(content, longestDeflateBlock)) {
    yield deflateHead(block.length, false)
    yield block
  }
  yield deflateHead(0, true)
  const tail = Buffer.alloc(8)
  tail.writeUInt32LE(
    content.reduce((sum, piece) => crc32(piece, sum), 0),
    0,
  )
  tail.writeUInt32LE(lengthOf(content) % 2 ** 32, 4)
  yield tail
}

function deflateHead(lengthBytes: number, isLast: boolean): Uint8Array {
  const head = Buffer.alloc(5)
  head.writeUInt8(isLast ? 1 : 0, 0)
  head.writeUInt16LE(lengthBytes, 1)
  head.writeUInt16LE(~lengthBytes & 0xffff, 3)
  return head
}

/** RFC 8878, 3.1.1: magic; content size in 8 bytes, no checksum, no dictionary; a window of 1 MiB, which every decoder has room for. */
const zstdMagic = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd)
const zstdDescriptor = Uint8Array.of(0xc0, 0x50)
const longestZstdBlock = 128 * 1024

/** A frame of raw blocks (3.1.1.2): in 3 bytes whether it is the last, the kind 0 and its length. The last one is empty. */
function* storedZstd(content: readonly Uint8Array[]): Generator<Uint8Array> {
  const size = Buffer.alloc(8)
  size.writeBigUInt64LE(BigInt(lengthOf(content)))
  yield* [zstdMagic, zstdDescriptor, size]
  for (const block of blocksOf(content, longestZstdBlock)) {
    yield zstdHead(block.length, false)
    yield block
  }
  yield zstdHead(0, true)
}

function zstdHead(lengthBytes: number, isLast: boolean): Uint8Array {
  const head = Buffer.alloc(3)
  head.writeUIntLE((isLast ? 1 : 0) | (lengthBytes << 3), 0, 3)
  return head
}

function* blocksOf(content: readonly Uint8Array[], most: number): Generator<Uint8Array> {
  for (const piece of content) for (let at = 0; at < piece.length; at += most) yield piece.subarray(at, at + most)
}

function lengthOf(content: readonly Uint8Array[]): number {
  return content.reduce((sum, { length }) => sum + length, 0)
}
