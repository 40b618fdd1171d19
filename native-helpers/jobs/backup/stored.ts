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

export function stored(packing: Packing, content: Uint8Array): Uint8Array {
  if (packing === 'none') return content
  return packing === 'gzip' ? storedGzip(content) : storedZstd(content)
}

/** RFC 1952: magic, deflate, no flags, no time, no extra flags, made on Unix. */
const gzipHead = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3)
const longestDeflateBlock = 0xffff

/** A gzip member of blocks of the kind 00 (RFC 1951, 3.2.4): last or not, length, the same inverted, bytes. */
function storedGzip(content: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [gzipHead]
  for (let at = 0; at === 0 || at < content.length; at += longestDeflateBlock) {
    const block = content.subarray(at, at + longestDeflateBlock)
    const head = Buffer.alloc(5)
    head.writeUInt8(at + longestDeflateBlock >= content.length ? 1 : 0, 0)
    head.writeUInt16LE(block.length, 1)
    head.writeUInt16LE(~block.length & 0xffff, 3)
    parts.push(head, block)
  }
  const tail = Buffer.alloc(8)
  tail.writeUInt32LE(crc32(content), 0)
  tail.writeUInt32LE(content.length % 2 ** 32, 4)
  return Buffer.concat([...parts, tail])
}

/** RFC 8878, 3.1.1: magic; content size in 8 bytes, no checksum, no dictionary; a window of 1 MiB, which every decoder has room for. */
const zstdMagic = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd)
const zstdDescriptor = Uint8Array.of(0xc0, 0x50)
const longestZstdBlock = 128 * 1024

/** A frame of raw blocks (3.1.1.2): in 3 bytes whether it is the last, the kind 0 and its length. */
function storedZstd(content: Uint8Array): Uint8Array {
  const size = Buffer.alloc(8)
  size.writeBigUInt64LE(BigInt(content.length))
  const parts: Uint8Array[] = [zstdMagic, zstdDescriptor, size]
  for (let at = 0; at === 0 || at < content.length; at += longestZstdBlock) {
    const block = content.subarray(at, at + longestZstdBlock)
    const head = Buffer.alloc(3)
    head.writeUIntLE((at + longestZstdBlock >= content.length ? 1 : 0) | (block.length << 3), 0, 3)
    parts.push(head, block)
  }
  return Buffer.concat(parts)
}
