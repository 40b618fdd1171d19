import { alignedBuffer } from '../block/aligned.ts'

/** 16 × 2 MiB: three reads in flight on five drives at once; with more drives they share. */
const poolBuffers = 16
export const readBufferBytes = 2 * 1024 * 1024

/** Kept from one job to the next: memory that is dropped stays with the process until the collector happens to run. */
const kept: Uint8Array[] = []

/**
 * The memory for reading back, however many targets there are. A buffer whose read hangs is never given back: the late answer would overwrite what
 * another target is being compared with.
 */
export class ReadPool {
  private readonly waiting: ((buffer: Uint8Array) => void)[] = []
  private made = 0

  async take(): Promise<Uint8Array> {
    if (this.made === poolBuffers) return new Promise((resolve) => this.waiting.push(resolve))
    this.made += 1
    return kept.pop() ?? alignedBuffer(readBufferBytes)
  }

  give(buffer: Uint8Array): void {
    const next = this.waiting.shift()
    if (next) {
      next(buffer)
      return
    }
    this.made -= 1
    if (kept.length < poolBuffers) kept.push(buffer)
  }

  /** The buffer is lost with its read; a new one takes its place. */
  lose(): void {
    const next = this.waiting.shift()
    if (next) next(alignedBuffer(readBufferBytes))
    else this.made -= 1
  }
}
