/** One process of the fuzzer: told by its parent which targets, how many images and which seed for chance; sends how far it is and what it found. */
import { openSync, writeSync } from 'node:fs'
import { seeded } from '../support/tools.ts'
import { Coverage } from './coverage.ts'
import { type Find, Hunt, type HuntState } from './hunt.ts'
import { fuzzTargets } from './targets.ts'

export interface HuntOrder {
  folder: string
  only: string[]
  images: number
  seconds: number
  seed: number
  guided: boolean
  /** What is being read is written there before it is read: the only trace of an image that hangs. */
  trace: string
}

/** The number of the image and its JSON, in a fixed length, so that a short one leaves nothing of a longer one behind. */
export const traceBytes = 16 * 1024

export type HuntNews =
  | { kind: 'progress'; images: number /** Without the samples. */; heldBytes: number; states: Record<string, HuntState> }
  | { kind: 'find'; find: Find }
  | { kind: 'end'; peakBytes: number; states: Record<string, HuntState> }

const muchBytes = 384 * 1024 * 1024

/** What is held, not what waits to be collected: buffers lie outside of the heap, whose collector does not see them grow. */
function heldBytes(): number {
  if (used() > muchBytes) globalThis.gc?.()
  return used()
}

function used(): number {
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

const send = (news: HuntNews) => process.send?.(news)

process.once('message', async (order: HuntOrder) => {
  const coverage = order.guided ? new Coverage() : null
  const random = seeded(order.seed)
  const targets = await fuzzTargets(order.folder, order.only)
  const trace = openSync(order.trace, 'w')
  let begun = 0
  const hunts = targets.map((target) => ({
    name: target.name,
    weight: target.weight,
    hunt: new Hunt(
      target,
      random,
      coverage,
      (find) => send({ kind: 'find', find }),
      (find) => {
        begun += 1
        writeSync(trace, `${begun} ${JSON.stringify(find)}`.slice(0, traceBytes).padEnd(traceBytes), 0)
      },
    ),
  }))
  const states = () => Object.fromEntries(hunts.map(({ name, hunt }) => [name, hunt.state]))
  for (const { hunt } of hunts) await hunt.start()
  // Samples that stand in memory are the fuzzer's own; practice cards stay on the disk.
  const ownBytes = targets
    .filter(({ name }) => name !== 'card')
    .flatMap(({ seeds }) => seeds)
    .reduce((sum, { device }) => sum + device.size, 0)
  const weightSum = hunts.reduce((sum, { weight }) => sum + weight, 0)
  const until = performance.now() + order.seconds * 1000
  let images = 0
  for (let told = 0; images < order.images && performance.now() < until; ) {
    for (const { hunt, weight } of hunts) {
      const share = Math.max(1, Math.round((weight / weightSum) * 500))
      for (let left = share; left > 0; left -= 48) {
        await hunt.batch(Math.min(48, left))
        if (performance.now() - told > 500) {
          told = performance.now()
          send({
            kind: 'progress',
            images: images + share - left,
            heldBytes: heldBytes() - ownBytes,
            states: states(),
          })
        }
      }
      images += share
      if (performance.now() >= until) break
    }
  }
  process.send?.(
    { kind: 'end', peakBytes: process.resourceUsage().maxRSS * 1024 - ownBytes, states: states() } satisfies HuntNews,
    () => process.exit(0),
  )
})
