import { getHeapStatistics } from 'node:v8'
import type { Coverage } from './coverage.ts'
import { HotPlaces, type Mutation, mutate, mutated, unchanged } from './mutation.ts'
import type { FuzzTarget, Seed } from './targets.ts'

export interface Find {
  target: string
  seed: string
  what: string
  mutation: { sizeBytes: number | null; patches: { offset: number; hex: string }[] }
}

export interface HuntState {
  images: number
  /** Mutated images that led into code where none had been. */
  kept: number
  blocks: number
  /** Time of the processor, of the reading thread alone. */
  slowestMs: number
  /** The most memory that one image took, looked at whenever it was read from: what is held, and what waits to be collected. */
  peakBytes: number
}

interface Parent {
  seed: Seed
  hot: HotPlaces
  mutation: Mutation
}

const batchImages = 48
const maxPatches = 24
const maxParents = 1000
export const maxMilliseconds = 5000

/**
 * Feeds a target with damaged seeds. Damage is done where the parser reads; an image that leads into code where no other one led becomes a seed
 * itself. Coverage is asked for after each batch, since asking costs more than reading an image; a batch with news is read again one by one.
 */
export class Hunt {
  readonly state: HuntState = { images: 0, kept: 0, blocks: 0, slowestMs: 0, peakBytes: 0 }
  private readonly target: FuzzTarget
  private readonly random: () => number
  private readonly coverage: Coverage | null
  private readonly parents: Parent[] = []
  private readonly report: (find: Find) => void
  /** What is being read, for whoever has to end a hang. */
  private readonly announce: (find: Find) => void

  constructor(
    target: FuzzTarget,
    random: () => number,
    coverage: Coverage | null,
    report: (find: Find) => void,
    announce: (find: Find) => void,
  ) {
    this.target = target
    this.random = random
    this.coverage = coverage
    this.report = report
    this.announce = announce
  }

  /** Seeds have to be sound: nothing may come of them. */
  async start(): Promise<void> {
    for (const seed of this.target.seeds) {
      const hot = new HotPlaces()
      this.parents.push({ seed, hot, mutation: unchanged })
      await this.read(seed, unchanged, hot)
    }
    this.coverage?.takeNew()
  }

  async batch(images = batchImages): Promise<void> {
    const tried: Parent[] = []
    for (let count = 0; count < images; count += 1) {
      const parent = this.pick()
      let mutation = parent.mutation
      for (let damages = 1 + Math.floor(this.random() ** 2 * 4); damages > 0; damages -= 1)
        mutation = mutate(parent.seed.device, mutation, parent.hot, this.random)
      tried.push({ ...parent, mutation })
      await this.read(parent.seed, mutation, null)
      this.state.images += 1
    }
    if (!this.coverage || this.coverage.takeNew() === 0) {
      this.state.blocks = this.coverage?.blocks ?? 0
      return
    }
    this.state.blocks = this.coverage.blocks
    this.keep(tried)
  }

  /** Which image of a batch brought the news is not known; all of it goes on, and what is not worth it falls out again by chance. */
  private keep(tried: Parent[]): void {
    for (const parent of tried) {
      if (parent.mutation.patches.length > maxPatches) continue
      this.state.kept += 1
      if (this.parents.length < maxParents) this.parents.push(parent)
      else this.parents[this.target.seeds.length + Math.floor(this.random() * (maxParents - this.target.seeds.length))] = parent
    }
  }

  private pick(): Parent {
    const among = this.random() < 0.5 ? this.target.seeds.length : this.parents.length
    const parent = this.parents[Math.floor(this.random() * among)]
    if (!parent) throw new Error(`${this.target.name} has no seeds`)
    return parent
  }

  private async read(seed: Seed, mutation: Mutation, hot: HotPlaces | null): Promise<void> {
    const find = (what: string): Find => ({
      target: this.target.name,
      seed: seed.name,
      what,
      mutation: {
        sizeBytes: mutation.sizeBytes,
        patches: mutation.patches.map(({ offset, bytes }) => ({ offset, hex: Buffer.from(bytes).toString('hex') })),
      },
    })
    this.announce(find('hung'))
    const usedBefore = usedBytes()
    const weigh = () => {
      this.state.peakBytes = Math.max(this.state.peakBytes, usedBytes() - usedBefore)
    }
    const device = mutated(seed.device, mutation, (offset, length) => {
      hot?.add(offset, length)
      weigh()
    })
    // Of this thread, not of the clock: a busy machine is no parser's fault.
    const before = process.threadCpuUsage()
    try {
      await this.target.read(device)
    } catch (thrown) {
      this.report(find(thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)))
    }
    weigh()
    const { user, system } = process.threadCpuUsage(before)
    const took = (user + system) / 1000
    this.state.slowestMs = Math.max(this.state.slowestMs, took)
    if (took > maxMilliseconds) this.report(find(`took ${Math.round(took)} ms`))
  }
}

/** Heap and buffers. */
function usedBytes(): number {
  const { used_heap_size, external_memory } = getHeapStatistics()
  return used_heap_size + external_memory
}
