import { SystemError } from './errno.ts'
import { folder, memoryNode, type Node, normalPath } from './files.ts'

/** include/uapi/asm-generic/fcntl.h, which musl follows. */
const flag = { accessMode: 3, create: 0o100, exclusive: 0o200, truncate: 0o1000, append: 0o2000 } as const

export interface Descriptor {
  node: Node
  flags: number
  /** Shared by the copies that dup makes. */
  place: { position: number }
}

const descriptorsAtMost = 64

/** The paths that exist and the descriptors that are open, for one run of one program. */
export class Descriptors {
  readonly #nodes: Map<string, Node>
  readonly #open = new Map<number, Descriptor>()

  constructor(nodes: Record<string, Node>, standard: readonly Node[]) {
    this.#nodes = new Map(Object.entries(nodes).map(([path, node]) => [normalPath(path), node]))
    for (const [fd, node] of standard.entries()) this.#open.set(fd, { node, flags: node.writable ? 1 : 0, place: { position: 0 } })
  }

  find(path: string): Node {
    const wanted = normalPath(path)
    const node = this.#nodes.get(wanted)
    if (node) return node
    const above = wanted === '/' ? '/' : `${wanted}/`
    for (const known of this.#nodes.keys()) if (known.startsWith(above)) return folder
    throw new SystemError('ENOENT')
  }

  get(fd: number): Descriptor {
    const descriptor = this.#open.get(fd)
    if (!descriptor) throw new SystemError('EBADF')
    return descriptor
  }

  open(path: string, flags: number): number {
    const forWriting = (flags & flag.accessMode) !== 0
    const node = this.#findOrMake(path, flags)
    if (node === folder && forWriting) throw new SystemError('EISDIR')
    if (forWriting && !node.writable) throw new SystemError('EROFS')
    if (flags & flag.truncate && forWriting) node.truncate?.(0)
    return this.#add({ node, flags, place: { position: flags & flag.append ? node.size : 0 } })
  }

  /** In memory, for whoever makes a file of its own; the folders of the machine are not there to be changed. */
  #findOrMake(path: string, flags: number): Node {
    let node: Node | null = null
    try {
      node = this.find(path)
    } catch (thrown) {
      if (!(flags & flag.create)) throw thrown
    }
    if (node && flags & flag.create && flags & flag.exclusive) throw new SystemError('EEXIST')
    if (node) return node
    const made = memoryNode()
    this.#nodes.set(normalPath(path), made)
    return made
  }

  #add(descriptor: Descriptor, from = 0): number {
    for (let fd = from; fd < descriptorsAtMost; fd += 1) {
      if (this.#open.has(fd)) continue
      this.#open.set(fd, descriptor)
      return fd
    }
    throw new SystemError('EMFILE')
  }

  duplicate(fd: number, from = 0): number {
    return this.#add(this.get(fd), from)
  }

  duplicateTo(fd: number, wanted: number): number {
    this.#open.set(wanted, this.get(fd))
    return wanted
  }

  close(fd: number): void {
    this.get(fd)
    this.#open.delete(fd)
  }

  remove(path: string): void {
    const node = this.find(path)
    if (node === folder) throw new SystemError('EISDIR')
    this.#nodes.delete(normalPath(path))
  }

  rename(from: string, to: string): void {
    const node = this.find(from)
    if (node === folder) throw new SystemError('EISDIR')
    this.#nodes.delete(normalPath(from))
    this.#nodes.set(normalPath(to), node)
  }
}
