/*
 * The two calls that Node lacks to be handed a descriptor: a pair of connected sockets, and recvmsg with SCM_RIGHTS. A Node-API addon, so that
 * the same file serves Node and Electron of any version. The few declarations are those of the stable ABI ("Node-API", nodejs.org), written out
 * here because Node's headers are not everywhere where its program is.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct napi_env__ *napi_env;
typedef struct napi_value__ *napi_value;
typedef struct napi_callback_info__ *napi_callback_info;
typedef int napi_status; /* 0 is napi_ok */
typedef napi_value (*napi_callback)(napi_env, napi_callback_info);

napi_status napi_get_cb_info(napi_env, napi_callback_info, size_t *count, napi_value *arguments, napi_value *self, void **data);
napi_status napi_get_value_int32(napi_env, napi_value, int32_t *result);
napi_status napi_create_int32(napi_env, int32_t, napi_value *result);
napi_status napi_create_array_with_length(napi_env, size_t, napi_value *result);
napi_status napi_set_element(napi_env, napi_value object, uint32_t index, napi_value);
napi_status napi_create_function(napi_env, const char *name, size_t length, napi_callback, void *data, napi_value *result);
napi_status napi_set_named_property(napi_env, napi_value object, const char *name, napi_value);
napi_status napi_throw_error(napi_env, const char *code, const char *message);

static napi_value throw_errno(napi_env env, int number) {
  napi_throw_error(env, NULL, strerror(number));
  return NULL;
}

/* socketPair(): [number, number] */
static napi_value socket_pair(napi_env env, napi_callback_info info) {
  (void)info;
  int ends[2];
  napi_value pair;
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return throw_errno(env, errno);
  napi_create_array_with_length(env, 2, &pair);
  for (uint32_t i = 0; i < 2; i++) {
    napi_value number;
    napi_create_int32(env, ends[i], &number);
    napi_set_element(env, pair, i, number);
  }
  return pair;
}

/* receiveDescriptor(socket: number): number, or -1 when none lies ready. Does not wait. */
static napi_value receive_descriptor(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument, result;
  int32_t socket_fd;
  if (napi_get_cb_info(env, info, &count, &argument, NULL, NULL) != 0 || count < 1 || napi_get_value_int32(env, argument, &socket_fd) != 0)
    return throw_errno(env, EINVAL);

  char byte;
  struct iovec part = {.iov_base = &byte, .iov_len = 1};
  union {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr aligned;
  } control;
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
  ssize_t got = recvmsg(socket_fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (got < 0 && errno != EAGAIN && errno != ECONNRESET) return throw_errno(env, errno);
  int descriptor = -1;
  struct cmsghdr *header = got > 0 ? CMSG_FIRSTHDR(&message) : NULL;
  if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS && header->cmsg_len >= CMSG_LEN(sizeof(int)))
    memcpy(&descriptor, CMSG_DATA(header), sizeof(int));
  napi_create_int32(env, descriptor, &result);
  return result;
}

static void export_function(napi_env env, napi_value exports, const char *name, napi_callback call) {
  napi_value function;
  napi_create_function(env, name, strlen(name), call, NULL, &function);
  napi_set_named_property(env, exports, name, function);
}

__attribute__((visibility("default"))) napi_value napi_register_module_v1(napi_env env, napi_value exports) {
  export_function(env, exports, "socketPair", socket_pair);
  export_function(env, exports, "receiveDescriptor", receive_descriptor);
  return exports;
}
