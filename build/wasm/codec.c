/* The block formats of squashfs that neither Node nor a package brings, for native-helpers/volumes/squashfs/block-codec.ts.
 * Nothing is imported and nothing allocated: a packed block goes into `input`, its bytes come out in `output`. */
#include <lz4.h>
#include <lzo/lzo1x.h>

#define EXPORT(name) __attribute__((export_name(#name))) name

/* A block of squashfs is at most a mebibyte; packed, it may be a little more. */
enum { SPACE = (1 << 20) + (1 << 16) };
/* As fs/squashfs/squashfs_fs.h numbers them. */
enum { LZO = 3, LZ4 = 5 };

static unsigned char input[SPACE], output[SPACE];

const unsigned char *EXPORT(codec_input)(void) { return input; }
const unsigned char *EXPORT(codec_output)(void) { return output; }
int EXPORT(codec_space)(void) { return SPACE; }

/* The number of bytes in `output`, or -1. */
int EXPORT(codec_decode)(int format, int packed, int limit) {
  if (packed < 0 || packed > SPACE || limit < 0 || limit > SPACE) return -1;
  if (format == LZ4) return LZ4_decompress_safe((const char *)input, (char *)output, packed, limit);
  if (format == LZO) {
    lzo_uint length = (lzo_uint)limit;
    return lzo1x_decompress_safe(input, (lzo_uint)packed, output, &length, NULL) == LZO_E_OK ? (int)length : -1;
  }
  return -1;
}
