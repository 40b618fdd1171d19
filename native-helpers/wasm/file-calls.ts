import type { Descriptor } from './descriptors.ts'
import { SystemError } from './errno.ts'
import type { Node } from './files.ts'
import type { ModuleMemory } from './memory.ts'
import type { Calls, Process } from './process.ts'

/** struct stat of emscripten 3.1 (system/lib/libc/musl/arch/emscripten/bits/stat.h); what is not named stays zero. */
const stat = { inodeTruncated: 8, mode: 12, links: 16, size: 40, blockSize: 48, blocks: 52, inode: 80, length: 88 } as const

function putStat(memory: ModuleMemory, pointer: number, node: Node): number {
  memory.part(pointer, stat.length).fill(0)
  memory.setInt(pointer + stat.inodeTruncated, 1)
  memory.setInt(pointer + stat.mode, node.mode)
  memory.setInt(pointer + stat.links, 1)
  memory.setLong(pointer + stat.size, node.size)
  memory.setInt(pointer + stat.blockSize, 4096)
  memory.setInt(pointer + stat.blocks, Math.min(Math.ceil(node.size / 512), 0x7fffffff))
  memory.setLong(pointer + stat.inode, 1)
  return 0
}

const seek = { set: 0, current: 1, end: 2 } as const
const command = { duplicate: 0, getFlags: 3, duplicateClosing: 1030 } as const

/** Offsets cross as 64-bit numbers, whole: emscripten's own pread and pwrite drop the upper half, and e2fsck then destroys volumes beyond 4 GiB. */
function place(offset: bigint): number {
  const number = Number(offset)
  if (number < 0 || !Number.isSafeInteger(number)) throw new SystemError('EINVAL')
  return number
}

type Transfer = (part: Uint8Array, offset: number) => number

/** Every buffer of a vector from `offset` on, until one is not filled; answers how many bytes in all. */
function transfer({ memory }: Process, vector: number, count: number, offset: number, move: Transfer): number {
  let done = 0
  for (let index = 0; index < count; index += 1) {
    const pointer = memory.getInt(vector + index * 8)
    const length = memory.getInt(vector + index * 8 + 4) >>> 0
    if (length === 0) continue
    const moved = move(memory.part(pointer, length), offset + done)
    done += moved
    if (moved < length) break
  }
  return done
}

function reading({ node, flags }: Descriptor): Transfer {
  if ((flags & 3) === 1 || !node.read) throw new SystemError('EBADF')
  return node.read.bind(node)
}

function writing({ node, flags }: Descriptor): Transfer {
  if ((flags & 3) === 0 || !node.write) throw new SystemError('EBADF')
  return node.write.bind(node)
}

/** fd_…: errors are answered as positive numbers. */
export const descriptorCalls: Calls = {
  fd_read: (process) => (fd: number, vector: number, count: number, answer: number) => {
    const descriptor = process.descriptors.get(fd)
    const done = transfer(process, vector, count, descriptor.place.position, reading(descriptor))
    descriptor.place.position += done
    process.memory.setInt(answer, done)
    return 0
  },
  fd_write: (process) => (fd: number, vector: number, count: number, answer: number) => {
    const descriptor = process.descriptors.get(fd)
    const done = transfer(process, vector, count, descriptor.place.position, writing(descriptor))
    descriptor.place.position += done
    process.memory.setInt(answer, done)
    return 0
  },
  fd_pread: (process) => (fd: number, vector: number, count: number, offset: bigint, answer: number) => {
    process.memory.setInt(answer, transfer(process, vector, count, place(offset), reading(process.descriptors.get(fd))))
    return 0
  },
  fd_pwrite: (process) => (fd: number, vector: number, count: number, offset: bigint, answer: number) => {
    process.memory.setInt(answer, transfer(process, vector, count, place(offset), writing(process.descriptors.get(fd))))
    return 0
  },
  fd_seek:
    ({ descriptors, memory }) =>
    (fd: number, offset: bigint, whence: number, answer: number) => {
      const descriptor = descriptors.get(fd)
      if ((descriptor.node.mode & 0o170000) === 0o010000) throw new SystemError('ESPIPE')
      const from = whence === seek.set ? 0 : whence === seek.current ? descriptor.place.position : descriptor.node.size
      descriptor.place.position = place(offset + BigInt(from))
      memory.setLong(answer, descriptor.place.position)
      return 0
    },
  fd_sync:
    ({ descriptors }) =>
    (fd: number) => {
      descriptors.get(fd).node.flush?.()
      return 0
    },
  fd_close:
    ({ descriptors }) =>
    (fd: number) => {
      descriptors.close(fd)
      return 0
    },
  fd_fdstat_get:
    ({ descriptors, memory }) =>
    (fd: number, pointer: number) => {
      // No terminal: 4 is a plain file, 0 unknown.
      const pipe = (descriptors.get(fd).node.mode & 0o170000) === 0o010000
      memory.part(pointer, 24).fill(0)
      memory.part(pointer, 1)[0] = pipe ? 0 : 4
      return 0
    },
}

/** __syscall_…: errors are answered as negative numbers. */
export const pathCalls: Calls = {
  __syscall_open:
    ({ descriptors, memory }) =>
    (path: number, flags: number) =>
      descriptors.open(memory.text(path), flags),
  __syscall_openat:
    ({ descriptors, memory }) =>
    (_folder: number, path: number, flags: number) =>
      descriptors.open(memory.text(path), flags),
  __syscall_stat64:
    ({ descriptors, memory }) =>
    (path: number, to: number) =>
      putStat(memory, to, descriptors.find(memory.text(path))),
  __syscall_lstat64:
    ({ descriptors, memory }) =>
    (path: number, to: number) =>
      putStat(memory, to, descriptors.find(memory.text(path))),
  __syscall_fstat64:
    ({ descriptors, memory }) =>
    (fd: number, to: number) =>
      putStat(memory, to, descriptors.get(fd).node),
  __syscall_fstatat64:
    ({ descriptors, memory }) =>
    (fd: number, path: number, to: number) => {
      const name = memory.text(path)
      return putStat(memory, to, name === '' ? descriptors.get(fd).node : descriptors.find(name))
    },
  __syscall_faccessat:
    ({ descriptors, memory }) =>
    (_folder: number, path: number, mode: number) => {
      const node = descriptors.find(memory.text(path))
      if (mode & 2 && !node.writable) throw new SystemError('EROFS')
      return 0
    },
  __syscall_ftruncate64:
    ({ descriptors }) =>
    (fd: number, low: number, high: number) => {
      const { node } = descriptors.get(fd)
      if (!node.truncate) throw new SystemError('EINVAL')
      node.truncate((low >>> 0) + high * 0x1_0000_0000)
      return 0
    },
  __syscall_unlink:
    ({ descriptors, memory }) =>
    (path: number) => {
      descriptors.remove(memory.text(path))
      return 0
    },
  __syscall_rename:
    ({ descriptors, memory }) =>
    (from: number, to: number) => {
      descriptors.rename(memory.text(from), memory.text(to))
      return 0
    },
  __syscall_dup:
    ({ descriptors }) =>
    (fd: number) =>
      descriptors.duplicate(fd),
  __syscall_dup3:
    ({ descriptors }) =>
    (fd: number, wanted: number) =>
      descriptors.duplicateTo(fd, wanted),
  __syscall_fcntl64:
    ({ descriptors, memory }) =>
    (fd: number, what: number, rest: number) => {
      if (what === command.duplicate || what === command.duplicateClosing) return descriptors.duplicate(fd, memory.getInt(rest))
      return what === command.getFlags ? descriptors.get(fd).flags : 0
    },
  // No terminal and no block device: every request is answered so, instead of ending the program as emscripten does with those it does not know.
  __syscall_ioctl: () => () => {
    throw new SystemError('ENOTTY')
  },
  __syscall_readlink: () => () => {
    throw new SystemError('EINVAL')
  },
  __syscall_socket: () => () => {
    throw new SystemError('EAFNOSUPPORT')
  },
  __syscall_fadvise64_64: () => () => 0,
  __syscall_getdents64: () => () => 0,
  __syscall_chdir: () => () => 0,
  ...Object.fromEntries(['getuid32', 'geteuid32', 'getgid32', 'getegid32'].map((name) => [`__syscall_${name}`, () => () => 0])),
  ...Object.fromEntries(
    ['chmod', 'fchmod', 'chown32', 'fchown32', 'mkdir', 'pipe', 'symlink', 'utimensat'].map((name) => [
      `__syscall_${name}`,
      () => () => {
        throw new SystemError('ENOSYS')
      },
    ]),
  ),
}
