/**
 * The memory that a reader and its threads share: a ring of blocks. A slot goes from `free` to `asked` (the reader put a packed block in), `taken` (one of them unpacks it),
 * and `done` or `failed`; whoever changes it from `asked` to `taken` first has it, so that the reader never waits for a thread that has not begun.
 */
export const slotStates = { free: 0, asked: 1, taken: 2, done: 3, failed: 4 } as const

/** In `control`, before the slots. */
export const controls = {
  /** Grows whenever there is something to do. */ calls: 0,
  /** Threads that run. */ running: 1,
  first: 2,
} as const
/** Of a slot in `control`. */
const fields = { state: 0, packedBytes: 1, unpackedBytes: 2, order: 3, count: 4 } as const

export interface SlotMemory {
  control: SharedArrayBuffer
  bytes: SharedArrayBuffer
  slotCount: number
  blockBytes: number
}

/** A stored block is never larger than what is in it, so both halves of a slot are a block long. */
export function slotMemory(slotCount: number, blockBytes: number): SlotMemory {
  const control = new SharedArrayBuffer(4 * (controls.first + slotCount * fields.count))
  return { control, bytes: new SharedArrayBuffer(2 * slotCount * blockBytes), slotCount, blockBytes }
}

export interface Slot {
  /** Where its state stands in `control`. */
  readonly stateAt: number
  packed(): Uint8Array
  unpacked(): Uint8Array
  /** Counts up, so that what was asked for first is done first. */
  readonly order: number
  ask(packed: Uint8Array, order: number): void
  finish(unpacked: Uint8Array | null): void
}

export function slotsOf({ control, bytes, slotCount, blockBytes }: SlotMemory): { control: Int32Array; slots: Slot[] } {
  const words = new Int32Array(control)
  const slots = Array.from({ length: slotCount }, (_, at): Slot => {
    const base = controls.first + at * fields.count
    const packed = new Uint8Array(bytes, 2 * at * blockBytes, blockBytes)
    const unpacked = new Uint8Array(bytes, (2 * at + 1) * blockBytes, blockBytes)
    const stateAt = base + fields.state
    return {
      stateAt,
      packed: () => packed.subarray(0, words[base + fields.packedBytes]),
      unpacked: () => unpacked.subarray(0, words[base + fields.unpackedBytes]),
      get order() {
        return words[base + fields.order] ?? 0
      },
      ask(stored, order) {
        packed.set(stored)
        words[base + fields.packedBytes] = stored.length
        words[base + fields.order] = order
        Atomics.store(words, stateAt, slotStates.asked)
      },
      finish(result) {
        if (result) unpacked.set(result)
        words[base + fields.unpackedBytes] = result?.length ?? 0
        Atomics.store(words, stateAt, result ? slotStates.done : slotStates.failed)
        Atomics.notify(words, stateAt)
      },
    }
  })
  return { control: words, slots }
}

/** Whether the slot is now the caller's to unpack. */
export function take(control: Int32Array, slot: Slot): boolean {
  return Atomics.compareExchange(control, slot.stateAt, slotStates.asked, slotStates.taken) === slotStates.asked
}
