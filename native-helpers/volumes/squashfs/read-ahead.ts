import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { controls, type Slot, type SlotMemory, slotMemory, slotStates, slotsOf, take } from './read-ahead-slots.ts'
import type { Compressor } from './superblock.ts'

export interface AheadTask {
  memory: SlotMemory
  compressor: Compressor
  /** Without anything to do for so long, a thread ends. */
  idleMs: number
}

/** Those that take so long to unpack that another thread is worth it: 128 KiB of xz some 4 ms, of zstd 0.1. */
const slowCompressors: readonly Compressor[] = ['xz', 'lzma']
/** More gain little: whoever reads has to keep up with them. */
const mostThreads = 4
const slotsPerThread = 3
/** Reading goes on by itself where a thread got stuck or was ended. */
const patienceMs = 10_000
const usualIdleMs = 2000
/** A reader that comes back again and again after its threads ended is too slow to need them. */
const mostStarts = 64

export interface AheadOptions {
  /** At most; 0 reads nothing ahead. */
  threads?: number
  idleMs?: number
}

interface Asked {
  slot: Slot
  word: number
}

/**
 * Unpacks the blocks that a file's reader will want next, in threads of their own that begin with the first block asked for and end by themselves after two
 * seconds without any; whoever reads is synchronous and does not have to end them. Memory: two blocks for each of at most twelve slots.
 */
export class ReadAhead {
  readonly #compressor: Compressor
  readonly #blockBytes: number
  readonly #threads: number
  readonly #idleMs: number
  readonly #asked = new Map<number, Asked>()
  #shared: { memory: SlotMemory; control: Int32Array; slots: Slot[] } | null = null
  #order = 0
  #started = 0

  constructor(compressor: Compressor, blockBytes: number, { threads = usualThreads(), idleMs = usualIdleMs }: AheadOptions = {}) {
    this.#compressor = compressor
    this.#blockBytes = blockBytes
    this.#threads = slowCompressors.includes(compressor) ? Math.min(threads, mostThreads) : 0
    this.#idleMs = idleMs
  }

  /** How many blocks ahead of the one that is read, which has a slot too; 0 where it is not worth it. */
  get depth(): number {
    return Math.max(0, this.#threads * slotsPerThread - 1)
  }

  /** How many threads run. */
  get running(): number {
    return this.#shared ? Atomics.load(this.#shared.control, controls.running) : 0
  }

  /** How many threads were ever begun. */
  get started(): number {
    return this.#started
  }

  has(position: number): boolean {
    return this.#asked.has(position)
  }

  /** False where there is no room at present. */
  ask(position: number, word: number, stored: Uint8Array): boolean {
    this.#shared ??= shared(this.depth + 1, this.#blockBytes)
    const { control, slots } = this.#shared
    const slot = slots.find(({ stateAt }) => Atomics.load(control, stateAt) === slotStates.free) ?? this.#reclaim()
    if (!slot) return false
    slot.ask(stored, this.#order)
    this.#order = (this.#order + 1) | 0
    this.#asked.set(position, { slot, word })
    Atomics.add(control, controls.calls, 1)
    Atomics.notify(control, controls.calls)
    while (this.running < this.#threads && this.#started < mostStarts) this.#start(this.#shared)
    return true
  }

  /** The block at `position` where a thread unpacked it or is about to; null where the caller has to. */
  get(position: number, word: number): Uint8Array | null {
    const asked = this.#asked.get(position)
    if (!asked || !this.#shared || asked.word !== word) return null
    const { control } = this.#shared
    const { slot } = asked
    // Not begun yet: done here sooner than it would be waited for.
    if (take(control, slot)) {
      this.#free(position, asked)
      return null
    }
    if (Atomics.wait(control, slot.stateAt, slotStates.taken, patienceMs) === 'timed-out') {
      // Its slot is lost to a thread that may still come back to it.
      this.#asked.delete(position)
      return null
    }
    const bytes = Atomics.load(control, slot.stateAt) === slotStates.done ? new Uint8Array(slot.unpacked()) : null
    this.#free(position, asked)
    return bytes
  }

  /** The slot of what was asked for longest ago and is not being unpacked: nobody came for it. */
  #reclaim(): Slot | null {
    if (!this.#shared) return null
    const { control } = this.#shared
    for (const [position, asked] of this.#asked) {
      const isDone = Atomics.load(control, asked.slot.stateAt) >= slotStates.done
      if (!isDone && !take(control, asked.slot)) continue
      this.#free(position, asked)
      return asked.slot
    }
    return null
  }

  #free(position: number, { slot }: Asked): void {
    if (this.#shared) Atomics.store(this.#shared.control, slot.stateAt, slotStates.free)
    this.#asked.delete(position)
  }

  /** In development the entry is the TypeScript file beside this one; bundled, the entries lie beside the bundle under the same names. */
  #start({ memory, control }: { memory: SlotMemory; control: Int32Array }): void {
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
    const task: AheadTask = { memory, compressor: this.#compressor, idleMs: this.#idleMs }
    Atomics.add(control, controls.running, 1)
    this.#started += 1
    const worker = new Worker(new URL(`./read-ahead-worker.${extension}`, import.meta.url), {
      workerData: task,
      name: 'livecard read-ahead-worker',
      resourceLimits: { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 64 },
    })
    // What a thread fails at, the reader does itself.
    worker.on('error', () => Atomics.sub(control, controls.running, 1))
    worker.unref()
  }
}

function usualThreads(): number {
  const processors = availableParallelism()
  return processors > 1 ? processors : 0
}

function shared(slotCount: number, blockBytes: number): { memory: SlotMemory; control: Int32Array; slots: Slot[] } {
  const memory = slotMemory(slotCount, blockBytes)
  return { memory, ...slotsOf(memory) }
}
