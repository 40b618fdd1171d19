/**
 * What codec.c calls of liblzma, and what that calls: unpacking xz with the filters that squashfs knows and the older lzma, packing xz in one call. Named here
 * because its configure script would build all of it, with threads and with what needs files.
 */
import { join } from 'node:path'

const liblzma = 'src/liblzma'

const names: Record<string, readonly string[]> = {
  check: ['check', 'crc32_fast', 'crc32_table'],
  common: [
    'alone_decoder',
    'block_buffer_encoder',
    'block_decoder',
    'block_encoder',
    'block_header_decoder',
    'block_header_encoder',
    'block_util',
    'common',
    'filter_common',
    'filter_decoder',
    'filter_encoder',
    'filter_flags_decoder',
    'filter_flags_encoder',
    'index',
    'index_encoder',
    'index_hash',
    'stream_buffer_encoder',
    'stream_decoder',
    'stream_flags_common',
    'stream_flags_decoder',
    'stream_flags_encoder',
    'vli_decoder',
    'vli_encoder',
    'vli_size',
  ],
  lz: ['lz_decoder', 'lz_encoder', 'lz_encoder_mf'],
  lzma: [
    'fastpos_table',
    'lzma2_decoder',
    'lzma2_encoder',
    'lzma_decoder',
    'lzma_encoder',
    'lzma_encoder_optimum_fast',
    'lzma_encoder_optimum_normal',
    'lzma_encoder_presets',
  ],
  rangecoder: ['price_table'],
  simple: ['arm', 'arm64', 'armthumb', 'ia64', 'powerpc', 'simple_coder', 'simple_decoder', 'sparc', 'x86'],
}

export const liblzmaFiles = Object.entries(names).flatMap(([folder, files]) =>
  files.map((name) => join(liblzma, folder, `${name}.c`)),
)

export const liblzmaInclude = ['api', ...Object.keys(names), 'delta'].map((folder) => join(liblzma, folder)).concat('src/common')

/** What its configure script would have found out, in the place of config.h. CRC32 is the only check that the kernel knows in a squashfs. */
export const liblzmaDefines = [
  'HAVE_STDBOOL_H',
  'HAVE_STDINT_H',
  'HAVE_INTTYPES_H',
  'HAVE_LIMITS_H',
  'HAVE_STRING_H',
  'HAVE_STRINGS_H',
  'HAVE_CHECK_CRC32',
  'HAVE_DECODERS',
  'HAVE_ENCODERS',
  'HAVE_DECODER_LZMA1',
  'HAVE_DECODER_LZMA2',
  'HAVE_ENCODER_LZMA2',
  'HAVE_MF_BT4',
  'HAVE_DECODER_X86',
  'HAVE_DECODER_ARM',
  'HAVE_DECODER_ARMTHUMB',
  'HAVE_DECODER_ARM64',
  'HAVE_DECODER_POWERPC',
  'HAVE_DECODER_IA64',
  'HAVE_DECODER_SPARC',
  'TUKLIB_FAST_UNALIGNED_ACCESS',
  'TUKLIB_SYMBOL_PREFIX=lzma_',
  'HAVE___BUILTIN_BSWAPXX',
  'HAVE___BUILTIN_ASSUME_ALIGNED',
  'HAVE___BUILTIN_EXPECT',
  'ASSUME_RAM=128',
  'SIZEOF_SIZE_T=4',
  'LZMA_API_STATIC',
].map((definition) => `-D${definition}`)
