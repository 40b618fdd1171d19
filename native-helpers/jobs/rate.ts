import type { JobProgress } from '../contract.ts'

const windowMs = 2000
const maxPoints = 200

/** The speed of one phase, from how much was done when. */
export class Rate {
  private readonly startedAt: number
  private samples: { at: number; bytes: number }[]
  private points: [number, number][] = []
  private spacingMs = 100
  private lastPointAt: number

  constructor(now: number) {
    this.startedAt = now
    this.lastPointAt = now
    this.samples = [{ at: now, bytes: 0 }]
  }

  /** `doneBytes` is where the phase stands, `movedBytes` what went through for it: less, where parts are left out. */
  add(now: number, doneBytes: number, movedBytes: number): void {
    this.samples.push({ at: now, bytes: movedBytes })
    // One sample from before the window stays, so that the window is always covered.
    while (this.samples.length > 2 && (this.samples[1]?.at ?? now) <= now - windowMs) this.samples.shift()
    if (now - this.lastPointAt < this.spacingMs) return
    this.lastPointAt = now
    this.points.push([doneBytes, this.current])
    if (this.points.length < maxPoints) return
    // Half as many points, twice as far apart: the whole curve in constant memory.
    this.points = this.points.filter((_point, index) => index % 2 === 1)
    this.spacingMs *= 2
  }

  /** Bytes per second over the last two seconds. */
  get current(): number {
    const first = this.samples[0]
    const last = this.samples.at(-1)
    return first && last ? perSecond(last.bytes - first.bytes, last.at - first.at) : 0
  }

  get average(): number {
    const last = this.samples.at(-1)
    return last ? perSecond(last.bytes, last.at - this.startedAt) : 0
  }

  get curve(): JobProgress['curve'] {
    return this.points.slice()
  }
}

function perSecond(bytes: number, ms: number): number {
  return ms > 0 ? Math.max(0, (bytes * 1000) / ms) : 0
}
