/** How far a run is, kept in a file, so that a long one can be broken off and gone on with. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Find, HuntState } from './hunt.ts'

export interface FuzzProgress {
  /** How often it was begun or gone on with; each time with other chance. */
  runs: number
  seconds: number
  finds: Find[]
  /** The most that a hunter held at once, its samples not counted. */
  peakBytes: number
  states: Record<string, HuntState>
}

export const nothingYet: FuzzProgress = { runs: 0, seconds: 0, finds: [], peakBytes: 0, states: {} }

export function imagesOf(states: Record<string, HuntState>): number {
  return Object.values(states).reduce((sum, { images }) => sum + images, 0)
}

export function added(all: Record<string, HuntState>[]): Record<string, HuntState> {
  const sum: Record<string, HuntState> = {}
  for (const [name, one] of all.flatMap(Object.entries<HuntState>)) {
    const so = sum[name]
    sum[name] = {
      images: (so?.images ?? 0) + one.images,
      kept: (so?.kept ?? 0) + one.kept,
      blocks: Math.max(so?.blocks ?? 0, one.blocks),
      slowestMs: Math.max(so?.slowestMs ?? 0, one.slowestMs),
      peakBytes: Math.max(so?.peakBytes ?? 0, one.peakBytes),
    }
  }
  return sum
}

export function readProgress(path: string): FuzzProgress {
  return JSON.parse(readFileSync(path, 'utf8')) as FuzzProgress
}

export function saveProgress(path: string, progress: FuzzProgress): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(`${path}.new`, JSON.stringify(progress))
  renameSync(`${path}.new`, path)
}
