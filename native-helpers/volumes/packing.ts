import { startsWith } from './identity.ts'

/** How the parts of a boot are packed: what the kernel's own list of decompressors knows (lib/decompress.c). */
export type Packing = 'gzip' | 'bzip2' | 'lzma' | 'xz' | 'lzo' | 'lz4' | 'zstd'

/**
 * First bytes of each. lzma's are the properties byte that every encoder writes and the low byte of the dictionary's size; lz4's are those of the
 * format before its frames, the only one that Linux unpacks; lzo's are those of lzop.
 */
const magics: readonly [Packing, string][] = [
  ['gzip', '\x1f\x8b'],
  ['bzip2', 'BZh'],
  ['lzma', '\x5d\x00\x00'],
  ['xz', '\xfd7zXZ\x00'],
  ['lzo', '\x89LZO'],
  ['lz4', '\x02\x21\x4c\x18'],
  ['zstd', '\x28\xb5\x2f\xfd'],
]

/** Enough of a beginning to tell by. */
export const packingBytes = 6

export function packingOf(beginning: Uint8Array): Packing | null {
  return magics.find(([, magic]) => startsWith(beginning, magic))?.[0] ?? null
}

/** The frame format of lz4(1), which people take for the one that Linux unpacks. */
export function isLz4Frame(beginning: Uint8Array): boolean {
  return startsWith(beginning, '\x04\x22\x4d\x18')
}
