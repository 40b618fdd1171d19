import type { FlashOptions, ImageFacts } from '../contract.ts'
import { allocationWriteMap } from '../imaging/allocation.ts'
import { bmapWriteMap, readBmap } from '../imaging/bmap.ts'
import type { WriteMap } from '../imaging/write-map.ts'

export type ChosenMap = { kind: 'bmap'; path: string } | { kind: 'allocation' } | { kind: 'none' }

/** A block map was made by those who made the image, so it goes before what the filesystems in it say. */
export function chosenMap(image: ImageFacts, options: FlashOptions): ChosenMap {
  const path = options.bmap === 'none' ? null : (options.bmap ?? image.bmap)
  if (path !== null) return { kind: 'bmap', path }
  return options.skipUnused ? { kind: 'allocation' } : { kind: 'none' }
}

export async function openMap(image: ImageFacts, options: FlashOptions): Promise<WriteMap | null> {
  const chosen = chosenMap(image, options)
  if (chosen.kind === 'bmap') return bmapWriteMap(await readBmap(chosen.path), { imageBytes: image.contentBytes })
  return chosen.kind === 'allocation' ? allocationWriteMap() : null
}
