/*
 * Opens a drive as root, for a user whom polkit let. It believes nothing that it is told: that the drive is whole, real, not in use by the
 * computer, and the one that the user confirmed, it finds out by itself from the kernel, and looks again once nobody else can have it.
 * Stricter than the list that the user saw: whatever is not plainly a user's own mount refuses.
 */
#define _GNU_SOURCE
#include "access.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define MOST_VOLUMES 256
#define MOST_MOUNTS 64

/* The drive and its partitions. */
static dev_t volumes[MOST_VOLUMES];
static size_t volume_count;

static bool is_volume(dev_t number) {
  for (size_t i = 0; i < volume_count; i++)
    if (volumes[i] == number) return true;
  return false;
}

/* The first line of DIRECTORY/NAME in sysfs; false when there is none. */
static bool read_line(const char *directory, const char *name, char *into, int size) {
  char path[512];
  if (snprintf(path, sizeof path, "%s/%s", directory, name) >= (int)sizeof path) return false;
  FILE *file = fopen(path, "re");
  if (!file) return false;
  bool found = fgets(into, size, file) != NULL;
  fclose(file);
  if (found) into[strcspn(into, "\n")] = '\0';
  return found;
}

static bool exists(const char *directory, const char *name) {
  char path[512];
  return snprintf(path, sizeof path, "%s/%s", directory, name) < (int)sizeof path && access(path, F_OK) == 0;
}

static void refuse_holders(const char *directory) {
  char path[512];
  if (snprintf(path, sizeof path, "%s/holders", directory) >= (int)sizeof path) fail("refused", "a name too long");
  DIR *holders = opendir(path);
  if (!holders) return;
  for (struct dirent *entry; (entry = readdir(holders));)
    if (entry->d_name[0] != '.') fail("refused", "it is part of %s", entry->d_name);
  closedir(holders);
}

static void add_volume(const char *directory) {
  char number[32];
  unsigned major, minor;
  if (!read_line(directory, "dev", number, sizeof number) || sscanf(number, "%u:%u", &major, &minor) != 2) fail("refused", "the kernel does not know it");
  if (volume_count == MOST_VOLUMES) fail("refused", "it has too many partitions");
  volumes[volume_count++] = makedev(major, minor);
  refuse_holders(directory);
}

static void find_volumes(const char *directory) {
  volume_count = 0;
  add_volume(directory);
  DIR *entries = opendir(directory);
  if (!entries) fail("refused", "%s", strerror(errno));
  for (struct dirent *entry; (entry = readdir(entries));) {
    char partition[512];
    if (entry->d_name[0] == '.' || snprintf(partition, sizeof partition, "%s/%s", directory, entry->d_name) >= (int)sizeof partition) continue;
    if (exists(partition, "partition")) add_volume(partition);
  }
  closedir(entries);
}

static void check_drive(const struct request *request, const char *directory) {
  char line[64], real[512];
  if (exists(directory, "partition")) fail("refused", "it is a partition, not a whole drive");
  if (!read_line(directory, "size", line, sizeof line) || strtoull(line, NULL, 10) * 512 != request->size_bytes) fail("changed", "its size is another");
  if (request->size_bytes == 0) fail("refused", "it is empty");
  if (request->writing && (!read_line(directory, "ro", line, sizeof line) || strcmp(line, "0") != 0)) fail("read-only", "it is write-protected");
  ssize_t length = readlink(directory, real, sizeof real - 1);
  if (length <= 0) fail("refused", "the kernel does not know it");
  real[length] = '\0';
  if (strstr(real, "/virtual/") && !request->allow_virtual) fail("refused", "it is virtual");
}

static bool starts_with(const char *text, const char *beginning) {
  return strncmp(text, beginning, strlen(beginning)) == 0;
}

/* Where desktops and people mount their own drives; the live systems that mount themselves there are not among them. */
static bool is_users_place(const char *at) {
  if (starts_with(at, "/media/root-r") || starts_with(at, "/mnt/live")) return false;
  return starts_with(at, "/media/") || starts_with(at, "/run/media/") || starts_with(at, "/mnt/") || strcmp(at, "/mnt") == 0 ||
         starts_with(at, "/tmp/") || starts_with(at, "/var/tmp/");
}

/* mountinfo writes blank, tab, newline and backslash as three octal digits. */
static void unescape(char *text) {
  char *to = text;
  for (const char *from = text; *from; to++) {
    if (from[0] == '\\' && from[1] >= '0' && from[1] <= '3' && from[2] && from[3]) {
      *to = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + (from[3] - '0'));
      from += 4;
    } else {
      *to = *from++;
    }
  }
  *to = '\0';
}

/* The mount has its data on the drive: by its number, or by its source where the filesystem has no one number (btrfs). */
static bool lies_on_drive(unsigned major, unsigned minor, const char *source) {
  struct stat facts;
  if (is_volume(makedev(major, minor))) return true;
  return major == 0 && source[0] == '/' && stat(source, &facts) == 0 && S_ISBLK(facts.st_mode) && is_volume(facts.st_rdev);
}

/* Refuses when the computer has something of it mounted. What the user mounted is unmounted before writing, and may stay for reading. */
static void settle_mounts(bool unmounting) {
  FILE *mounts = fopen("/proc/self/mountinfo", "re");
  char *line = NULL, *found[MOST_MOUNTS];
  size_t capacity = 0, count = 0;
  if (!mounts) fail("refused", "the mounts cannot be read");
  while (getline(&line, &capacity, mounts) > 0) {
    unsigned major, minor;
    char at[4096], source[4096];
    const char *after = strstr(line, " - ");
    if (sscanf(line, "%*u %*u %u:%u %*s %4095s", &major, &minor, at) != 3 || !after || sscanf(after, " - %*s %4095s", source) != 1) continue;
    unescape(at);
    unescape(source);
    if (!lies_on_drive(major, minor, source)) continue;
    if (!is_users_place(at)) fail("refused", "this computer uses it at %s", at);
    if (count == MOST_MOUNTS || !(found[count++] = strdup(at))) fail("refused", "it is mounted too often");
  }
  free(line);
  fclose(mounts);
  while (unmounting && count > 0) {
    const char *at = found[--count];
    if (umount2(at, UMOUNT_NOFOLLOW) != 0 && errno != EINVAL) fail("mounted", "%s: %s", at, strerror(errno));
  }
}

static void refuse_file_on_drive(const char *path, const char *use) {
  struct stat facts;
  if (stat(path, &facts) == 0 && is_volume(S_ISBLK(facts.st_mode) ? facts.st_rdev : facts.st_dev)) fail("refused", "%s: %s", use, path);
}

static void refuse_swaps(void) {
  FILE *swaps = fopen("/proc/swaps", "re");
  char line[4352], path[4096];
  if (!swaps) return;
  while (fgets(line, sizeof line, swaps)) {
    if (sscanf(line, "%4095s", path) != 1) continue;
    unescape(path);
    if (path[0] == '/') refuse_file_on_drive(path, "this computer swaps to it");
  }
  fclose(swaps);
}

static void refuse_loops(void) {
  DIR *devices = opendir("/sys/block");
  if (!devices) return;
  for (struct dirent *entry; (entry = readdir(devices));) {
    char directory[512], file[4096];
    if (!starts_with(entry->d_name, "loop") || snprintf(directory, sizeof directory, "/sys/block/%s", entry->d_name) >= (int)sizeof directory) continue;
    if (read_line(directory, "loop/backing_file", file, sizeof file)) refuse_file_on_drive(file, "a file on it is in use as a disk");
  }
  closedir(devices);
}

static int open_exclusively(const struct request *request) {
  int flags = O_DIRECT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | (request->writing ? O_RDWR | O_EXCL : O_RDONLY);
  int descriptor = open(request->path, flags);
  if (descriptor < 0) fail(errno == EBUSY ? "busy" : "gone", "%s", strerror(errno));
  struct stat facts;
  uint64_t size_bytes;
  if (fstat(descriptor, &facts) != 0 || !S_ISBLK(facts.st_mode)) fail("changed", "it is not a drive");
  if (facts.st_rdev != makedev(request->major, request->minor)) fail("changed", "its name belongs to another device");
  if (ioctl(descriptor, BLKGETSIZE64, &size_bytes) != 0 || size_bytes != request->size_bytes) fail("changed", "its size is another");
  return descriptor;
}

int broker_open(const struct request *request) {
  char directory[64];
  struct stat facts;
  snprintf(directory, sizeof directory, "/sys/dev/block/%u:%u", request->major, request->minor);
  if (lstat(request->path, &facts) != 0 || !S_ISBLK(facts.st_mode)) fail("gone", "there is no such drive");
  if (facts.st_rdev != makedev(request->major, request->minor)) fail("changed", "its name belongs to another device");
  check_drive(request, directory);
  /* For reading too: nobody needs the system's own disk in the hands of a program, with everybody's secrets on it. */
  find_volumes(directory);
  refuse_swaps();
  refuse_loops();
  settle_mounts(request->writing);
  int descriptor = open_exclusively(request);
  check_drive(request, directory);
  return descriptor;
}
