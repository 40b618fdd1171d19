import type { ImageFormat } from '../contract.ts'

/** The first bytes by which a format is known; the name of a file is never asked. */
const magics: { format: ImageFormat; bytes: number[]; mask?: number[] }[] = [
  /** RFC 1952: ID1, ID2, CM = deflate. */
  { format: 'gzip', bytes: [0x1f, 0x8b, 0x08] },
  /** "BZh"; the level follows and is checked by the decoder. */
  { format: 'bzip2', bytes: [0x42, 0x5a, 0x68] },
  /** The .xz file format, 2.1.1.1. */
  { format: 'xz', bytes: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00] },
  /** RFC 8878, 3.1.1. */
  { format: 'zstd', bytes: [0x28, 0xb5, 0x2f, 0xfd] },
  /** RFC 8878, 3.1.2: a skippable frame, 0x184D2A50 to 0x184D2A5F; pzstd begins with one. */
  { format: 'zstd', bytes: [0x50, 0x2a, 0x4d, 0x18], mask: [0xf0, 0xff, 0xff, 0xff] },
  /** APPNOTE 4.3.7, a local file header. */
  { format: 'zip', bytes: [0x50, 0x4b, 0x03, 0x04] },
  /** APPNOTE 4.3.16, an archive without members. */
  { format: 'zip', bytes: [0x50, 0x4b, 0x05, 0x06] },
]

/** A bootable image may begin with anything; what is none of the known formats is raw. */
export function formatOf(head: Uint8Array): ImageFormat {
  for (const { format, bytes, mask } of magics) {
    if (head.length < bytes.length) continue
    if (bytes.every((byte, index) => ((head[index] ?? 0) & (mask?.[index] ?? 0xff)) === byte)) return format
  }
  return 'raw'
}
