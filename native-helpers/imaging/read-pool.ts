import { alignedBuffer } from '../block/aligned.ts'
import { defaultBlockBytes } from './stream.ts'

/** 16 × 4 MiB: enough for two reads in flight on eight drives at once; with more drives they share. */
const poolBuffers = 16

/**
 * The memory for reading back, however many targets there are. A buffer whose read hangs is never given back: the late answer would overwrite what
 * another target is being compared with.
 */
export class ReadPool {
  private readonly free: Uint8Array[] = []
  private readonly waiting: ((buffer: Uint8Array) => void)[] = []
  private made = 0
  readonly bufferBytes = defaultBlockBytes

  async take(): Promise<Uint8Array> {
    const buffer = this.free.pop()
    if (buffer) return buffer
    if (this.made < poolBuffers) {
      this.made += 1
      return alignedBuffer(this.bufferBytes)
    }
    return new Promise((resolve) => this.waiting.push(resolve))
  }

  give(buffer: Uint8Array): void {
    const next = this.waiting.shift()
    if (next) next(buffer)
    else this.free.push(buffer)
  }

  /** The buffer is lost with its read; a new one takes its place. */
  lose(): void {
    this.made -= 1
    if (this.waiting.length === 0) return
    this.made += 1
    this.waiting.shift()?.(alignedBuffer(this.bufferBytes))
  }
}
