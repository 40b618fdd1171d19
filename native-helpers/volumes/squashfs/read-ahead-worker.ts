import { workerData } from 'node:worker_threads'
import { loadDecompressor } from './decompress.ts'
import type { AheadTask } from './read-ahead.ts'
import { controls, type Slot, slotStates, slotsOf, take } from './read-ahead-slots.ts'

/** One thread of read-ahead.ts: unpacks what the reader asked for, the oldest first, and ends when nothing is asked for any more. */
const { memory, compressor, idleMs } = workerData as AheadTask
const { control, slots } = slotsOf(memory)
const decompress = await loadDecompressor(compressor)

for (;;) {
  const calls = Atomics.load(control, controls.calls)
  const slot = oldest()
  if (slot) unpack(slot)
  else if (Atomics.wait(control, controls.calls, calls, idleMs) === 'timed-out') break
}
Atomics.sub(control, controls.running, 1)

function oldest(): Slot | undefined {
  const asked = slots.filter(({ stateAt }) => Atomics.load(control, stateAt) === slotStates.asked)
  return asked.sort((one, other) => one.order - other.order)[0]
}

function unpack(slot: Slot): void {
  if (!take(control, slot)) return
  try {
    slot.finish(decompress(slot.packed(), memory.blockBytes))
  } catch {
    // The reader unpacks it once more when it needs it, and says what is wrong.
    slot.finish(null)
  }
}
