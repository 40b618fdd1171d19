/**
 * What one thread has read of the stored bytes, and how long it waited for them: [0] bytes, [1] milliseconds. Shared memory, so that the consumer can look
 * at any time; each thread has its own pair, because there is no atomic addition of floating point numbers.
 */
export type Meter = Float64Array

const fields = 2

export interface Meters {
  readonly all: Float64Array
  of(thread: number): Meter
}

export function createMeters(threads: number): Meters {
  const all = new Float64Array(new SharedArrayBuffer(threads * fields * 8))
  return { all, of: (thread) => all.subarray(thread * fields, (thread + 1) * fields) }
}

export function countBytes(meter: Meter, bytes: number): void {
  meter[0] = (meter[0] ?? 0) + bytes
}

export function countWait(meter: Meter, milliseconds: number): void {
  meter[1] = (meter[1] ?? 0) + milliseconds
}

export function readBytes(all: Float64Array): number {
  let sum = 0
  for (let index = 0; index < all.length; index += fields) sum += all[index] ?? 0
  return sum
}

/** Of the thread that waited longest: threads wait side by side. */
export function waitedMs(all: Float64Array): number {
  let most = 0
  for (let index = 1; index < all.length; index += fields) most = Math.max(most, all[index] ?? 0)
  return most
}
