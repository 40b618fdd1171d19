import { constants, deflateRawSync, zstdCompressSync } from 'node:zlib'
import { openErofs } from '../../native-helpers/volumes/erofs.ts'
import { ErofsIndex } from '../../native-helpers/volumes/erofs-index.ts'
import { extendedBytes, inodeSlotBytes, parseErofsInode } from '../../native-helpers/volumes/erofs-inode.ts'
import { walkTree } from '../../native-helpers/volumes/tree.ts'
import { memoryDevice } from './file-device.ts'

const superOffset = 1024
/** Place in the superblock, and behind it: which algorithms there are, and their settings, each with its length before it. */
const algorithmsOffset = superOffset + 84
const settingsOffset = superOffset + 128
const compatOffset = superOffset + 8

const codecs = {
  deflate: {
    number: 2,
    settings: [15, 0, 0, 0, 0, 0],
    encode: (bytes: Uint8Array) => deflateRawSync(bytes, { level: 9 }),
    stretch: stretchDeflate,
  },
  zstd: {
    number: 3,
    settings: [0, 10, 0, 0, 0, 0],
    encode: (bytes: Uint8Array) =>
      zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: 19, [constants.ZSTD_c_windowLog]: 20 } }),
    stretch: stretchZstd,
  },
}

/** Blocks without content in front: one with fixed codes, one stored (RFC 1951, 3.2.4 and 3.2.6), together six bytes. */
function stretchDeflate(encoded: Uint8Array, lengthBytes: number): Buffer {
  const count = Math.floor((lengthBytes - encoded.length) / 6)
  return Buffer.concat([...Array.from({ length: count }, () => Buffer.from([2, 0, 0, 0, 0xff, 0xff])), encoded])
}

/** Raw blocks without content, three zeros each, behind the frame's header (RFC 8878, 3.1.1). */
function stretchZstd(encoded: Uint8Array, lengthBytes: number): Buffer {
  const descriptor = encoded[4] ?? 0
  const isSingle = (descriptor & 0x20) !== 0
  const sizeBytes = descriptor >> 6 === 0 ? (isSingle ? 1 : 0) : 2 ** (descriptor >> 6)
  const header = 5 + (isSingle ? 0 : 1) + ([0, 1, 2, 4][descriptor & 3] ?? 0) + sizeBytes
  const count = Math.floor((lengthBytes - encoded.length) / 3)
  return Buffer.concat([encoded.subarray(0, header), Buffer.alloc(count * 3), encoded.subarray(header)])
}

/**
 * Compresses an lz4 image with large clusters anew, piece by piece in its place, because Debian's mkfs.erofs knows lz4 only. Whether the
 * outcome is an EROFS is for the kernel to say. Returns how many pieces were exchanged.
 */
export function recodeErofs(image: Buffer, name: keyof typeof codecs): number {
  const codec = codecs[name]
  const sound = Buffer.from(image)
  const { value: tree } = openErofs(memoryDevice(sound))
  if (!tree) throw new Error('no EROFS image')
  const { metaStart, blockBytes } = tree.facts
  const done = new Set<number>()
  let pieces = 0
  walkTree(tree, (path, node) => {
    const offset = metaStart + node.id * inodeSlotBytes
    const inode = parseErofsInode(sound.subarray(offset, offset + extendedBytes), offset)
    if (!inode?.layout.startsWith('compressed') || node.kind !== 'file' || done.has(node.id)) return
    done.add(node.id)
    const read = (at: number, length: number) => new DataView(sound.buffer, sound.byteOffset + at, length)
    const index = ErofsIndex.open(inode, blockBytes, read)
    const content = node.open().value
    if (!index || !content) throw new Error(`${path} has no index`)
    for (let at = 0; at < inode.sizeBytes; ) {
      const piece = index.pieceAt(at)
      if (!piece) throw new Error(`${path} has no piece at ${at}`)
      if (piece.type !== 'plain') {
        const bytes = new Uint8Array(piece.end - piece.start)
        content.readSync(bytes, piece.start)
        const short = codec.encode(bytes)
        if (short.length > piece.storedBytes) throw new Error(`${path} does not fit at ${at}`)
        // The kernel looks for the first byte in the first block only.
        const encoded = codec.stretch(short, piece.storedBytes)
        image.fill(0, piece.storedOffset, piece.storedOffset + piece.storedBytes)
        image.set(encoded, piece.storedOffset + piece.storedBytes - encoded.length)
        pieces += 1
      }
      at = piece.end
    }
    image[Math.ceil(inode.bodyOffset / 8) * 8 + 6] = codec.number
  })
  image.writeUInt16LE(1 << codec.number, algorithmsOffset)
  image.writeUInt16LE(codec.settings.length, settingsOffset)
  image.set(codec.settings, settingsOffset + 2)
  image.writeUInt32LE(image.readUInt32LE(compatOffset) & ~1, compatOffset)
  return pieces
}
