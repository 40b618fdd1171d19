const pageBytes = 65536

const memories = new WeakMap<ArrayBufferLike, WebAssembly.Memory>()

/**
 * Memory that O_DIRECT accepts: a WebAssembly.Memory begins at a page boundary by construction, so no native code is needed.
 * `shared` gives a SharedArrayBuffer that worker threads can fill. The length is rounded up to 64 KiB.
 */
export function alignedBuffer(lengthBytes: number, shared = false): Uint8Array {
  const pages = Math.ceil(lengthBytes / pageBytes)
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared })
  memories.set(memory.buffer, memory)
  return new Uint8Array(memory.buffer, 0, lengthBytes)
}

/** The memory that holds these bytes, for WebAssembly code that works on them in place; null when `alignedBuffer` of this thread did not make it. */
export function memoryOf(bytes: Uint8Array): WebAssembly.Memory | null {
  return memories.get(bytes.buffer) ?? null
}
