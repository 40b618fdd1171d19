import { alignedBuffer } from '../block/aligned.ts'

/** What a thread needs to take part in a ring; goes through messages. */
export interface RingParts {
  readonly blockBytes: number
  readonly slots: number
  readonly memory: Uint8Array
  /** One counter per slot: how often it was given back; negative when the ring was stopped. */
  readonly epochs: Int32Array
}

export function createRing(blockBytes: number, slots: number): RingParts {
  return {
    blockBytes,
    slots,
    memory: alignedBuffer(blockBytes * slots, true),
    epochs: new Int32Array(new SharedArrayBuffer(slots * 4)),
  }
}

/**
 * The memory between decoders and the consumer. Block `index` of the image lives in slot `index % slots`, and may be written once that slot was
 * given back `floor(index / slots)` times. So no slot is ever handed out: a thread knows by itself when it may write, and several threads can decode
 * different parts of the image at once without the possibility of starving the one whose part is needed first.
 */
export function slotBytes(ring: RingParts, index: number): Uint8Array {
  const start = (index % ring.slots) * ring.blockBytes
  return ring.memory.subarray(start, start + ring.blockBytes)
}

export function slotIsFree(ring: RingParts, index: number): boolean {
  return Atomics.load(ring.epochs, index % ring.slots) === Math.floor(index / ring.slots)
}

/** Blocks the calling thread; only for workers. */
export function waitForSlot(ring: RingParts, index: number): void {
  const slot = index % ring.slots
  const wanted = Math.floor(index / ring.slots)
  for (;;) {
    const epoch = Atomics.load(ring.epochs, slot)
    if (epoch === wanted) return
    if (epoch < 0) throw new RingStopped()
    Atomics.wait(ring.epochs, slot, epoch)
  }
}

export function freeSlot(ring: RingParts, index: number): void {
  const slot = index % ring.slots
  Atomics.add(ring.epochs, slot, 1)
  Atomics.notify(ring.epochs, slot)
}

/** Thrown where a thread would wait for a block, or begin one, that nobody wants any more. */
export class RingStopped extends Error {}

/** So far below zero that no number of blocks that are still given back makes it valid again. */
const stoppedEpoch = -(2 ** 30)

/** Nobody reads on: threads that fill the ring end at their next block. */
export function stopRing(ring: RingParts): void {
  for (let slot = 0; slot < ring.slots; slot += 1) {
    Atomics.store(ring.epochs, slot, stoppedEpoch)
    Atomics.notify(ring.epochs, slot)
  }
}

/** Told to the consumer: `bytes` more of block `index` are there. */
export type Filled = (index: number, bytes: number) => void

/** Writes a contiguous part of the image, which begins at any offset, into the ring. */
export class PartWriter {
  private readonly ring: RingParts
  private readonly filled: Filled
  private readonly watch: ((bytes: Uint8Array) => void) | null
  private offset: number
  private told: number

  /** `watch` sees every byte that is written, in order. */
  constructor(ring: RingParts, startOffset: number, filled: Filled, watch: ((bytes: Uint8Array) => void) | null = null) {
    this.ring = ring
    this.filled = filled
    this.watch = watch
    this.offset = startOffset
    this.told = startOffset
  }

  get position(): number {
    return this.offset
  }

  /** The rest of the current block, at least one byte; waits until the consumer gave its slot back. */
  room(): Uint8Array {
    const index = Math.floor(this.offset / this.ring.blockBytes)
    if (this.told === this.offset) waitForSlot(this.ring, index)
    return slotBytes(this.ring, index).subarray(this.offset % this.ring.blockBytes)
  }

  /** After `bytes` of `room()` were filled. */
  advance(bytes: number): void {
    if (this.watch !== null) {
      const within = this.offset % this.ring.blockBytes
      this.watch(slotBytes(this.ring, Math.floor(this.offset / this.ring.blockBytes)).subarray(within, within + bytes))
    }
    this.offset += bytes
    if (this.offset % this.ring.blockBytes === 0) this.flush()
  }

  write(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) {
      const room = this.room()
      const length = Math.min(room.length, bytes.length - done)
      room.set(bytes.subarray(done, done + length))
      done += length
      this.advance(length)
    }
  }

  /** Tells about a part of a block; at the end of this writer's part. */
  flush(): void {
    if (this.offset === this.told) return
    this.filled(Math.floor(this.told / this.ring.blockBytes), this.offset - this.told)
    this.told = this.offset
  }
}
