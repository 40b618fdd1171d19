/* What the parts of the opener share. See open-drive.c for what it is. */
#ifndef LIVECARD_ACCESS_H
#define LIVECARD_ACCESS_H

#include <stdbool.h>
#include <stdint.h>

/* The socket to the one who asked; pkexec keeps only the descriptors 0 to 2 open. */
#define ASKER 0

/* Prints "error CODE text" for the one who asked, and ends. */
_Noreturn void fail(const char *code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* udisks.c: both end the program with `fail` when it cannot be done. */
int udisks_open(const char *kernel_name, bool writing);
void udisks_unmount(const char *kernel_name);

/* broker.c: as root. Ends with `fail` unless the drive is safe to open; unmounts what the user mounted of it. */
struct request {
  const char *path;
  unsigned major, minor;
  uint64_t size_bytes;
  bool writing;
  bool allow_virtual;
};
int broker_open(const struct request *request);

#endif
