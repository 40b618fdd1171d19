/** How far something can grow: the sizes that a slider goes through, and what comes of a size that was asked for. */
import type { Growing } from '../../native-helpers/contract.ts'

/** Where a slider stops: the size as it is, round sizes, and at last all that there is. */
export interface SizeStops {
  /** Of the last one; the first is 0. */
  last: number
  bytesAt(stop: number): number
  /** The nearest one. */
  stopAt(bytes: number): number
}

/** More is finer than a hand. */
const mostStops = 200
const leastStepBytes = 1e6

export function sizeStops({ nowBytes, leastBytes, maxBytes }: Growing): SizeStops {
  const stepBytes = roundStep((maxBytes - nowBytes) / mostStops)
  // The first step may be less than what is worth it.
  const first = Math.ceil(Math.max(leastBytes, nowBytes + 1) / stepBytes) * stepBytes
  const between = Math.max(0, Math.ceil((maxBytes - first) / stepBytes))
  const last = maxBytes < leastBytes ? 0 : between + 1
  const bytesAt = (stop: number) => {
    if (stop <= 0) return nowBytes
    return stop >= last ? maxBytes : first + (stop - 1) * stepBytes
  }
  const stopAt = (bytes: number) => {
    if (bytes < leastBytes) return 0
    if (bytes >= maxBytes) return last
    return Math.min(last, Math.max(1, Math.round((bytes - first) / stepBytes) + 1))
  }
  return { last, bytesAt, stopAt }
}

/** 1, 2 or 5 with noughts, so that what a slider goes through are numbers that people say. */
function roundStep(bytes: number): number {
  if (bytes <= leastStepBytes) return leastStepBytes
  const power = 10 ** Math.floor(Math.log10(bytes))
  return power * ([1, 2, 5, 10].find((factor) => factor * power >= bytes) ?? 10)
}

/** What the helper makes of a size: whole steps, and none at which a kernel loses count. */
export function grownBytes(
  { nowBytes, stepBytes, trapEverySteps }: Growing,
  wantedBytes: number,
): { bytes: number; isTrap: boolean } {
  if (wantedBytes <= nowBytes) return { bytes: nowBytes, isTrap: false }
  const steps = Math.floor(wantedBytes / stepBytes)
  const isTrap = trapEverySteps !== null && steps % trapEverySteps === 1
  return { bytes: (isTrap ? steps - 1 : steps) * stepBytes, isTrap }
}
