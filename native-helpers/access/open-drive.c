/*
 * Opens one whole drive and hands its descriptor over; nothing else. Three closed verbs, no file of the user's is opened, no shell, no network.
 *
 *   open-drive udisks-open NAME r|rw       as the user: UDisks2 opens it and asks for the password (NAME: the kernel's, such as sdb)
 *   open-drive udisks-unmount NAME         as the user: UDisks2 unmounts a volume
 *   open-drive open PATH MAJOR:MINOR SIZE r|rw [virtual]     as root, started by pkexec: see broker.c
 *
 * Standard input is a socket of a pair made by the asker; the descriptor goes back over it (SCM_RIGHTS). Standard output carries one line:
 * "ok", or "error CODE text". The asker is Node, which receives the descriptor with receive.c. The other way round, a privileged program that
 * starts Node with the descriptor inherited, would run a whole runtime with privilege for a moment; this way a few hundred lines do.
 */
#define _GNU_SOURCE
#include "access.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* People need time to find a password; nothing here needs longer. */
#define PATIENCE_SECONDS 300

_Noreturn void fail(const char *code, const char *format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  for (char *at = text; *at; at++)
    if ((unsigned char)*at < ' ') *at = ' ';
  printf("error %s %s\n", code, text);
  fflush(stdout);
  exit(1);
}

static void hand_over(int descriptor) {
  char byte = 'd';
  struct iovec part = {.iov_base = &byte, .iov_len = 1};
  union {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr aligned;
  } control = {0};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(header), &descriptor, sizeof(int));
  if (sendmsg(ASKER, &message, MSG_NOSIGNAL) != 1) fail("asker-gone", "%s", strerror(errno));
}

/* "8:16" and a size in bytes: digits only, nothing before or behind. */
static bool parse_number(const char *text, uint64_t limit, char end, uint64_t *value, const char **rest) {
  uint64_t sum = 0;
  const char *at = text;
  for (; *at >= '0' && *at <= '9'; at++) {
    if (sum > (limit - (uint64_t)(*at - '0')) / 10) return false;
    sum = sum * 10 + (uint64_t)(*at - '0');
  }
  if (at == text || *at != end) return false;
  *value = sum;
  if (rest) *rest = at + 1;
  return true;
}

static bool parse_mode(const char *text) {
  if (strcmp(text, "rw") == 0) return true;
  if (strcmp(text, "r") != 0) fail("usage", "the mode is r or rw");
  return false;
}

static void check_name(const char *name) {
  size_t length = strlen(name);
  if (length == 0 || length > 64) fail("usage", "no such name");
  for (const char *at = name; *at; at++)
    if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-!", *at)) fail("usage", "no such name");
}

static void check_path(const char *path) {
  if (strncmp(path, "/dev/", 5) != 0 || strlen(path) > 128 || strstr(path, "..") || strstr(path, "//")) fail("usage", "not a path of a drive");
}

/* The pair was made by whoever asks; root opens a drive only for the user that pkexec asked for permission. */
static void check_asker(void) {
  const char *said = getenv("PKEXEC_UID");
  uint64_t uid;
  struct ucred peer;
  socklen_t length = sizeof peer;
  if (!said || !parse_number(said, UINT32_MAX, '\0', &uid, NULL)) fail("usage", "to be started by pkexec");
  if (getsockopt(ASKER, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0 || peer.uid != (uid_t)uid) fail("usage", "the socket is not the asker's");
}

int main(int count, char **words) {
  struct sigaction ignore = {.sa_handler = SIG_IGN};
  sigaction(SIGPIPE, &ignore, NULL);
  alarm(PATIENCE_SECONDS);

  if (count == 4 && strcmp(words[1], "udisks-open") == 0) {
    check_name(words[2]);
    hand_over(udisks_open(words[2], parse_mode(words[3])));
  } else if (count == 3 && strcmp(words[1], "udisks-unmount") == 0) {
    check_name(words[2]);
    udisks_unmount(words[2]);
  } else if ((count == 6 || count == 7) && strcmp(words[1], "open") == 0) {
    struct request request = {.path = words[2], .allow_virtual = count == 7};
    uint64_t major, minor;
    const char *rest;
    if (geteuid() != 0) fail("usage", "needs root");
    check_asker();
    clearenv();
    check_path(words[2]);
    if (!parse_number(words[3], 0xfff, ':', &major, &rest) || !parse_number(rest, 0xfffff, '\0', &minor, NULL)) fail("usage", "no such number");
    if (!parse_number(words[4], INT64_MAX, '\0', &request.size_bytes, NULL)) fail("usage", "no such size");
    if (count == 7 && strcmp(words[6], "virtual") != 0) fail("usage", "unknown word");
    request.major = (unsigned)major;
    request.minor = (unsigned)minor;
    request.writing = parse_mode(words[5]);
    hand_over(broker_open(&request));
  } else {
    fail("usage", "unknown verb");
  }
  puts("ok");
  return 0;
}
