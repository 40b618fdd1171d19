import type { StreamDevice } from '../block/device.ts'
import type { TargetState } from './flash-state.ts'
import { type WriteLimits, within } from './limits.ts'

/** An open device and the facts about it that are reported. */
export interface WorkTarget {
  device: StreamDevice
  state: TargetState
}

interface Piece {
  readonly bytes: Uint8Array
  readonly offset: number
  /** Gives this target's share of the block back. */
  readonly release: () => void
}

/** What happens with a piece of the image on a target: it is written there, or compared with what stands there. */
export type PieceWork = (device: StreamDevice, bytes: Uint8Array, offset: number) => Promise<void>

/**
 * Works through the pieces of an image for one target, in order, several in flight. A failure drops this target and nothing else: its queue is given
 * back at once, so that the blocks are free for the others.
 */
export class TargetLane {
  readonly device: StreamDevice
  readonly state: TargetState
  private readonly limits: WriteLimits
  private readonly work: PieceWork
  private readonly queue: Piece[] = []
  private readonly flying = new Set<Piece>()
  private waiting: (() => void)[] = []
  private closing: Promise<void> | null = null

  constructor({ device, state }: WorkTarget, limits: WriteLimits, work: PieceWork) {
    this.device = device
    this.state = state
    this.limits = limits
    this.work = work
  }

  push(piece: Piece): void {
    if (this.state.ended) {
      piece.release()
      return
    }
    this.queue.push(piece)
    this.start()
  }

  /** The target is dropped: nothing more is done on it, and what waits is given back. */
  fail(error: unknown): void {
    this.state.fail(error)
    for (const piece of this.queue.splice(0)) piece.release()
    // A write that hangs still reads its memory. That the next block may be decoded into it is harmless: what lands then lands on a card
    // that is given up, behind its marker.
    for (const piece of this.flying) piece.release()
    this.flying.clear()
    this.wake()
  }

  /** Settles after every piece pushed so far was answered; rejects when the target failed. */
  async drained(): Promise<void> {
    while (!this.state.ended && (this.queue.length > 0 || this.flying.size > 0)) {
      await new Promise<void>((resolve) => this.waiting.push(resolve))
    }
    if (this.state.ended) throw this.state.error
  }

  close(): Promise<void> {
    this.closing ??= this.device.close()
    return this.closing
  }

  private start(): void {
    while (this.flying.size < this.limits.inFlight) {
      const piece = this.queue.shift()
      if (!piece) break
      this.flying.add(piece)
      void this.handle(piece)
    }
    this.state.setBusy(this.flying.size > 0)
  }

  private async handle(piece: Piece): Promise<void> {
    try {
      await within(this.work(this.device, piece.bytes, piece.offset), this.limits.answerWithinMs, this.device.label)
    } catch (thrown) {
      return this.fail(thrown)
    }
    if (!this.flying.delete(piece)) return
    this.state.passedBytes += piece.bytes.length
    piece.release()
    this.start()
    if (this.flying.size === 0) this.wake()
  }

  private wake(): void {
    for (const resolve of this.waiting.splice(0)) resolve()
  }
}
