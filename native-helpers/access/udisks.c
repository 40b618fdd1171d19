/*
 * Two calls to UDisks2 over the system's D-Bus, spoken by hand as the D-Bus Specification 0.41 has it ("Message Protocol", "Authentication
 * Protocol"), so that the program needs no library. Which methods: org.freedesktop.UDisks2.Block.OpenDevice (since 2.7.3) and .Filesystem.Unmount.
 */
#define _GNU_SOURCE
#include "access.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define LIMIT 65536

enum { METHOD_CALL = 1, METHOD_RETURN = 2, ERROR = 3 };
enum { FIELD_PATH = 1, FIELD_INTERFACE = 2, FIELD_MEMBER = 3, FIELD_ERROR_NAME = 4, FIELD_REPLY_SERIAL = 5, FIELD_DESTINATION = 6, FIELD_SIGNATURE = 8 };
enum { ALLOW_INTERACTIVE_AUTHORIZATION = 4 };

struct buffer {
  unsigned char bytes[4096];
  size_t length;
};

static void put(struct buffer *to, const void *bytes, size_t length) {
  if (length > sizeof to->bytes - to->length) fail("bus", "a message grew too long");
  memcpy(to->bytes + to->length, bytes, length);
  to->length += length;
}

static void align(struct buffer *to, size_t boundary) {
  while (to->length % boundary) put(to, "", 1);
}

static void put_u32(struct buffer *to, uint32_t value) {
  align(to, 4);
  put(to, &value, 4);
}

/* STRING and OBJECT_PATH. */
static void put_string(struct buffer *to, const char *text) {
  put_u32(to, (uint32_t)strlen(text));
  put(to, text, strlen(text) + 1);
}

static void put_signature(struct buffer *to, const char *text) {
  unsigned char length = (unsigned char)strlen(text);
  put(to, &length, 1);
  put(to, text, (size_t)length + 1);
}

static void put_field(struct buffer *to, unsigned char code, const char *type, const char *text) {
  align(to, 8);
  put(to, &code, 1);
  put_signature(to, type);
  if (*type == 'g') put_signature(to, text);
  else put_string(to, text);
}

/* Waits for the bus, and gives up when the one who asked is gone. */
static void wait_for(int bus) {
  struct pollfd sides[2] = {{.fd = bus, .events = POLLIN}, {.fd = ASKER, .events = POLLRDHUP}};
  while (poll(sides, 2, -1) < 0)
    if (errno != EINTR) fail("bus", "%s", strerror(errno));
  if (sides[1].revents & (POLLHUP | POLLRDHUP | POLLERR)) exit(1);
}

/* Reads exactly `length` bytes; a descriptor that comes with them goes to *descriptor. */
static void receive(int bus, void *into, size_t length, int *descriptor) {
  for (size_t done = 0; done < length;) {
    union {
      char bytes[CMSG_SPACE(4 * sizeof(int))];
      struct cmsghdr aligned;
    } control;
    struct iovec part = {.iov_base = (char *)into + done, .iov_len = length - done};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    wait_for(bus);
    ssize_t got = recvmsg(bus, &message, MSG_CMSG_CLOEXEC);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) fail("bus", "the system bus closed the connection");
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
      if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
      size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      for (size_t i = 0; i < count; i++) {
        int received;
        memcpy(&received, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
        if (*descriptor < 0) *descriptor = received;
        else close(received);
      }
    }
    done += (size_t)got;
  }
}

static void send_all(int bus, const void *bytes, size_t length) {
  for (size_t done = 0; done < length;) {
    ssize_t sent = send(bus, (const char *)bytes + done, length - done, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) fail("bus", "%s", strerror(errno));
    done += (size_t)sent;
  }
}

static void expect_line(int bus, const char *beginning) {
  char line[256];
  size_t length = 0;
  int none = -1;
  do {
    if (length + 1 == sizeof line) fail("bus", "a line too long");
    receive(bus, line + length, 1, &none);
  } while (line[length++] != '\n');
  line[length] = '\0';
  if (strncmp(line, beginning, strlen(beginning)) != 0) fail("bus", "expected %s, got %s", beginning, line);
}

static int connect_to_bus(void) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  const char *given = getenv("DBUS_SYSTEM_BUS_ADDRESS");
  const char *path = given && strncmp(given, "unix:path=", 10) == 0 ? given + 10 : "/run/dbus/system_bus_socket";
  size_t length = strcspn(path, ",;");
  if (length >= sizeof address.sun_path) fail("no-bus", "the path of the bus is too long");
  memcpy(address.sun_path, path, length);
  int bus = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (bus < 0 || connect(bus, (struct sockaddr *)&address, sizeof address) != 0) fail("no-bus", "%s", strerror(errno));

  char uid[16], hello[64], *at;
  snprintf(uid, sizeof uid, "%u", (unsigned)geteuid());
  at = hello + sprintf(hello, "%cAUTH EXTERNAL ", '\0');
  for (char *digit = uid; *digit; digit++) at += sprintf(at, "%02x", (unsigned)*digit);
  at += sprintf(at, "\r\n");
  send_all(bus, hello, (size_t)(at - hello));
  expect_line(bus, "OK ");
  send_all(bus, "NEGOTIATE_UNIX_FD\r\n", 19);
  expect_line(bus, "AGREE_UNIX_FD");
  send_all(bus, "BEGIN\r\n", 7);
  return bus;
}

struct call {
  const char *destination, *path, *interface, *member, *signature;
  const struct buffer *body;
};

static void send_call(int bus, uint32_t serial, const struct call *call) {
  struct buffer fields = {0}, message = {0};
  uint32_t body_length = call->body ? (uint32_t)call->body->length : 0;
  const uint16_t probe = 1;
  unsigned char start[4] = {*(const unsigned char *)&probe ? 'l' : 'B', METHOD_CALL, ALLOW_INTERACTIVE_AUTHORIZATION, 1};
  put_field(&fields, FIELD_PATH, "o", call->path);
  put_field(&fields, FIELD_INTERFACE, "s", call->interface);
  put_field(&fields, FIELD_MEMBER, "s", call->member);
  put_field(&fields, FIELD_DESTINATION, "s", call->destination);
  if (call->signature) put_field(&fields, FIELD_SIGNATURE, "g", call->signature);
  put(&message, start, sizeof start);
  put_u32(&message, body_length);
  put_u32(&message, serial);
  put_u32(&message, (uint32_t)fields.length);
  put(&message, fields.bytes, fields.length);
  align(&message, 8);
  if (call->body) put(&message, call->body->bytes, call->body->length);
  send_all(bus, message.bytes, message.length);
}

/* A string or signature inside a received message, checked against its end; "" where it does not fit. */
static const char *text_at(const unsigned char *bytes, size_t end, size_t at) {
  uint32_t length;
  if (at > end || end - at < 4) return "";
  memcpy(&length, bytes + at, 4);
  if (length >= end - at - 4 || bytes[at + 4 + length] != '\0') return "";
  return (const char *)bytes + at + 4;
}

struct reply {
  uint32_t answers;
  const char *error_name;
};

/* Header fields are an array of structs of a byte and a variant; of the types that occur, all but "u" and "g" are strings. */
static struct reply parse_fields(const unsigned char *bytes, size_t end) {
  struct reply reply = {0, ""};
  for (size_t at = 0; at + 4 < end;) {
    unsigned char code = bytes[at], type = bytes[at + 2];
    if (bytes[at + 1] != 1) break;
    at += 4;
    if (type == 'g') {
      at += 2 + (size_t)bytes[at];
    } else if (type == 'u') {
      if (end - at < 4) break;
      if (code == FIELD_REPLY_SERIAL) memcpy(&reply.answers, bytes + at, 4);
      at += 4;
    } else {
      const char *text = text_at(bytes, end, at);
      if (code == FIELD_ERROR_NAME) reply.error_name = text;
      uint32_t length;
      if (end - at < 4) break;
      memcpy(&length, bytes + at, 4);
      if (length > end - at) break;
      at += 4 + (size_t)length + 1;
    }
    at = (at + 7) & ~(size_t)7;
  }
  return reply;
}

/* Waits for the answer to `serial`; an error of the other side ends the program with its name. */
static int await_reply(int bus, uint32_t serial) {
  static unsigned char bytes[LIMIT];
  for (;;) {
    int descriptor = -1;
    uint32_t body, fields;
    unsigned char head[16];
    receive(bus, head, sizeof head, &descriptor);
    memcpy(&body, head + 4, 4);
    memcpy(&fields, head + 12, 4);
    if (fields > LIMIT / 2 || body > LIMIT / 4) fail("bus", "a message too long");
    size_t padded = ((size_t)fields + 7) & ~(size_t)7;
    receive(bus, bytes, padded + body, &descriptor);
    struct reply reply = parse_fields(bytes, fields);
    if (reply.answers == serial && head[1] == METHOD_RETURN) return descriptor;
    if (reply.answers == serial && head[1] == ERROR) fail(*reply.error_name ? reply.error_name : "bus", "%s", body ? text_at(bytes + padded, body, 0) : "");
    if (descriptor >= 0) close(descriptor);
  }
}

/* UDisks2 names its objects after the kernel's names; whatever is not a letter or digit becomes _ and two hex digits. */
static int call_udisks(const char *kernel_name, const char *interface, const char *member, const char *signature, const struct buffer *body) {
  char path[512];
  char *at = path + sprintf(path, "/org/freedesktop/UDisks2/block_devices/");
  for (const char *from = kernel_name; *from; from++) {
    bool plain = (*from >= '0' && *from <= '9') || (*from >= 'a' && *from <= 'z') || (*from >= 'A' && *from <= 'Z');
    at += sprintf(at, plain ? "%c" : "_%02x", (unsigned char)*from);
  }
  int bus = connect_to_bus();
  const char *hub = "org.freedesktop.DBus";
  send_call(bus, 1, &(struct call){hub, "/org/freedesktop/DBus", hub, "Hello", NULL, NULL});
  await_reply(bus, 1);
  send_call(bus, 2, &(struct call){"org.freedesktop.UDisks2", path, interface, member, signature, body});
  int descriptor = await_reply(bus, 2);
  close(bus);
  return descriptor;
}

int udisks_open(const char *kernel_name, bool writing) {
  struct buffer body = {0}, entry = {0};
  align(&entry, 8);
  put_string(&entry, "flags");
  put_signature(&entry, "i");
  put_u32(&entry, (uint32_t)(O_DIRECT | (writing ? O_EXCL : 0)));
  put_string(&body, writing ? "rw" : "r");
  /* The length of an array leaves out the padding before its first element. */
  put_u32(&body, (uint32_t)entry.length);
  align(&body, 8);
  put(&body, entry.bytes, entry.length);
  int descriptor = call_udisks(kernel_name, "org.freedesktop.UDisks2.Block", "OpenDevice", "sa{sv}", &body);
  if (descriptor < 0) fail("bus", "UDisks2 answered without a descriptor");
  return descriptor;
}

void udisks_unmount(const char *kernel_name) {
  struct buffer body = {0};
  put_u32(&body, 0);
  align(&body, 8);
  call_udisks(kernel_name, "org.freedesktop.UDisks2.Filesystem", "Unmount", "a{sv}", &body);
}
