/**
 * Stored bytes on their way from the thread that fetches them to the thread that decodes them: one writer, one reader, both of which may block.
 * `state`: [0] bytes written, [1] bytes read, both modulo 2^32, [2] 1 when the writer is through.
 */
export interface ByteRing {
  readonly data: Uint8Array
  readonly state: Int32Array
}

const written = 0
const taken = 1
const ended = 2

/** A power of two, so that the counters may wrap. */
const ringBytes = 4 * 1024 * 1024
/** The reader gets no more at once, so that the writer can go on behind it. */
const pieceBytes = 256 * 1024

export function createByteRing(): ByteRing {
  return { data: new Uint8Array(new SharedArrayBuffer(ringBytes)), state: new Int32Array(new SharedArrayBuffer(12)) }
}

/** Blocks while the ring is full. */
export function putBytes(ring: ByteRing, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) {
    const head = Atomics.load(ring.state, written)
    const tail = Atomics.load(ring.state, taken)
    const free = ringBytes - ((head - tail) >>> 0)
    if (free === 0) {
      Atomics.wait(ring.state, taken, tail)
      continue
    }
    const at = (head >>> 0) % ringBytes
    const length = Math.min(free, ringBytes - at, bytes.length - done)
    ring.data.set(bytes.subarray(done, done + length), at)
    done += length
    Atomics.store(ring.state, written, (head + length) | 0)
    Atomics.notify(ring.state, written)
  }
}

export function endBytes(ring: ByteRing): void {
  Atomics.store(ring.state, ended, 1)
  Atomics.notify(ring.state, written)
}

/** The next bytes without taking them; null at the end. Blocks while there are none. */
export function peekBytes(ring: ByteRing): Uint8Array | null {
  for (;;) {
    const isEnd = Atomics.load(ring.state, ended) === 1
    const head = Atomics.load(ring.state, written)
    const tail = Atomics.load(ring.state, taken)
    const available = (head - tail) >>> 0
    if (available > 0) {
      const at = (tail >>> 0) % ringBytes
      return ring.data.subarray(at, at + Math.min(available, ringBytes - at, pieceBytes))
    }
    if (isEnd) return null
    // The end changes no counter, so that its notification can come just before this wait: look again after a moment at the latest.
    Atomics.wait(ring.state, written, head, 50)
  }
}

export function takeBytes(ring: ByteRing, length: number): void {
  Atomics.store(ring.state, taken, (Atomics.load(ring.state, taken) + length) | 0)
  Atomics.notify(ring.state, taken)
}
