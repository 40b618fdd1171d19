/** As emscripten's libc numbers them (those of WASI, not of Linux): system/lib/libc/musl/arch/emscripten/bits/errno.h */
export const errno = {
  EACCES: 2,
  EAFNOSUPPORT: 5,
  EBADF: 8,
  EEXIST: 20,
  EFBIG: 22,
  EINVAL: 28,
  EIO: 29,
  EISDIR: 31,
  EMFILE: 33,
  ENOENT: 44,
  ENOSPC: 51,
  ENOSYS: 52,
  ENOTTY: 59,
  EROFS: 69,
  ESPIPE: 70,
} as const

/** An error that the program in WebAssembly gets as errno; every other throwable ends it. */
export class SystemError extends Error {
  readonly errno: number
  constructor(name: keyof typeof errno) {
    super(name)
    this.errno = errno[name]
  }
}
