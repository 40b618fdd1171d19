import { freeSlot, type RingParts, slotBytes } from './slot-ring.ts'
import type { ImageBlock } from './stream.ts'

/** Looks at each block besides the consumer; the memory is given back when both are done with it. */
export interface BlockWatcher {
  /** Calls `done` when it no longer needs the bytes. */
  see(index: number, length: number, done: () => void): void
}

/** Puts the parts that threads have filled into whole blocks, and hands these out in order. */
export class BlockQueue {
  private readonly ring: RingParts
  private readonly watchers: BlockWatcher[]
  private readonly onFree: () => void
  private readonly filledBytes = new Map<number, number>()
  private nextIndex = 0
  private totalBytes: number | null = null
  private failure: unknown = null
  private wake: (() => void) | null = null
  private readonly handedOut = new Set<number>()

  constructor(ring: RingParts, watchers: BlockWatcher[], onFree: () => void = () => undefined) {
    this.ring = ring
    this.watchers = watchers
    this.onFree = onFree
  }

  filled(index: number, bytes: number): void {
    const sum = (this.filledBytes.get(index) ?? 0) + bytes
    if (sum > this.ring.blockBytes) throw new Error('A decoder filled a block twice')
    this.filledBytes.set(index, sum)
    this.wakeUp()
  }

  ended(totalBytes: number): void {
    this.totalBytes = totalBytes
    this.wakeUp()
  }

  /** What was decoded before the failure is still handed out: whoever reads gets everything up to the damage, then its name. */
  failed(thrown: unknown): void {
    this.failure ??= thrown
    this.wakeUp()
  }

  async next(signal: AbortSignal | undefined): Promise<ImageBlock | null> {
    for (;;) {
      signal?.throwIfAborted()
      const length = this.readyLength()
      if (length === 0) return null
      if (length !== null) return this.handOut(this.nextIndex++, length)
      if (this.failure !== null) throw this.failure
      await new Promise<void>((resolve) => {
        this.wake = resolve
      })
    }
  }

  wakeUp(): void {
    const wake = this.wake
    this.wake = null
    wake?.()
  }

  /** Bytes of the next block when it is whole, 0 behind the last one, null while it is not there. */
  private readyLength(): number | null {
    const have = this.filledBytes.get(this.nextIndex) ?? 0
    const whole =
      this.totalBytes === null
        ? this.ring.blockBytes
        : Math.min(this.ring.blockBytes, this.totalBytes - this.nextIndex * this.ring.blockBytes)
    if (whole <= 0) return 0
    return have === whole ? whole : null
  }

  private handOut(index: number, length: number): ImageBlock {
    this.filledBytes.delete(index)
    this.handedOut.add(index)
    let users = 1 + this.watchers.length
    const done = () => {
      users--
      if (users > 0) return
      freeSlot(this.ring, index)
      this.onFree()
    }
    for (const watcher of this.watchers) watcher.see(index, length, done)
    return {
      offset: index * this.ring.blockBytes,
      bytes: slotBytes(this.ring, index).subarray(0, length),
      release: () => {
        if (this.handedOut.delete(index)) done()
      },
    }
  }
}
