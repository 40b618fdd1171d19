/* The block formats of squashfs that Node does not bring, for native-helpers/volumes/squashfs/block-codec.ts.
 * Nothing is imported: a block goes into `input`, what becomes of it comes out in `output`. */
#include <lz4.h>
#include <lzma.h>
#include <lzo/lzo1x.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define EXPORT(name) __attribute__((export_name(#name))) name

/* A block of squashfs is at most a mebibyte; packed, it may be a little more. */
enum { BLOCK = 1 << 20, SPACE = BLOCK + (1 << 16) };
/* As fs/squashfs/squashfs_fs.h numbers them. */
enum { LZMA = 2, LZO = 3, XZ = 4, LZ4 = 5 };

static unsigned char input[SPACE], output[SPACE];

/* All that liblzma asks for while one block goes through it; the next block begins anew. Packing a mebibyte takes 14 of it, unpacking one a little
 * more than one, and what is never touched is never there. */
static _Alignas(16) unsigned char arena[20 << 20];
static size_t used;

void *malloc(size_t bytes) {
  size_t rounded = (bytes + 15) & ~(size_t)15;
  if (rounded < bytes || rounded > sizeof arena - used) return NULL;
  used += rounded;
  return arena + used - rounded;
}

void *calloc(size_t count, size_t bytes) {
  if (bytes != 0 && count > sizeof arena / bytes) return NULL;
  void *place = malloc(count * bytes);
  return place ? memset(place, 0, count * bytes) : NULL;
}

void free(void *place) { (void)place; }

const unsigned char *EXPORT(codec_input)(void) { return input; }
const unsigned char *EXPORT(codec_output)(void) { return output; }
int EXPORT(codec_space)(void) { return SPACE; }

static int unpack_lzma(int format, int packed, int limit) {
  used = 0;
  lzma_stream stream = LZMA_STREAM_INIT;
  /* The dictionary that a block asks for is to fit into the arena. */
  const uint64_t memory = 16 << 20;
  lzma_ret begun = format == XZ ? lzma_stream_decoder(&stream, memory, 0) : lzma_alone_decoder(&stream, memory);
  if (begun != LZMA_OK) return -1;
  stream.next_in = input;
  stream.avail_in = packed;
  stream.next_out = output;
  stream.avail_out = limit;
  lzma_ret end = lzma_code(&stream, LZMA_FINISH);
  /* A filter may fill the output before it says that this was the end. The older format has no end mark at all. */
  if (end == LZMA_OK && stream.avail_out == 0) end = format == XZ ? lzma_code(&stream, LZMA_FINISH) : LZMA_STREAM_END;
  return end == LZMA_STREAM_END ? limit - (int)stream.avail_out : -1;
}

/* The number of bytes in `output`, or -1. */
int EXPORT(codec_decode)(int format, int packed, int limit) {
  if (packed < 0 || packed > SPACE || limit < 0 || limit > SPACE) return -1;
  switch (format) {
    case LZMA:
    case XZ:
      return unpack_lzma(format, packed, limit);
    case LZ4:
      return LZ4_decompress_safe((const char *)input, (char *)output, packed, limit);
    case LZO: {
      lzo_uint length = (lzo_uint)limit;
      return lzo1x_decompress_safe(input, (lzo_uint)packed, output, &length, NULL) == LZO_E_OK ? (int)length : -1;
    }
    default:
      return -1;
  }
}

/* xz as `xz -6` does it, with CRC32, the only check that the kernel knows, and a dictionary of one block at most, since the kernel makes room for no
 * more. The number of bytes in `output`, or -1. */
int EXPORT(codec_pack_xz)(int length, int dictionary) {
  if (length < 0 || length > BLOCK || dictionary < LZMA_DICT_SIZE_MIN || dictionary > BLOCK) return -1;
  used = 0;
  lzma_options_lzma options = {
      .dict_size = (uint32_t)dictionary,
      .lc = LZMA_LC_DEFAULT,
      .lp = LZMA_LP_DEFAULT,
      .pb = LZMA_PB_DEFAULT,
      .mode = LZMA_MODE_NORMAL,
      .nice_len = 64,
      .mf = LZMA_MF_BT4,
  };
  lzma_filter filters[] = {{LZMA_FILTER_LZMA2, &options}, {LZMA_VLI_UNKNOWN, NULL}};
  size_t position = 0;
  lzma_ret end = lzma_stream_buffer_encode(filters, LZMA_CHECK_CRC32, NULL, input, (size_t)length, output, &position, SPACE);
  return end == LZMA_OK ? (int)position : -1;
}
