import { truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tool } from './tools.ts'

const MiB = 1024 * 1024

/** A sparse file to make a filesystem in. */
export function blankVolume(folder: string, sizeMiB: number): string {
  const image = join(folder, 'volume.img')
  writeFileSync(image, '')
  truncateSync(image, sizeMiB * MiB)
  return image
}

/** What dumpe2fs says of a volume: of the whole by name, and the blocks that its groups call free. */
export function dumpe2fs(image: string): { named: Map<string, string>; freeBlocks: number } {
  const text = tool('dumpe2fs', [image])
  const named = new Map(
    text.split('\n').flatMap((line) => {
      const match = /^([A-Z][^:]*):\s+(.*)$/.exec(line)
      return match ? [[match[1] ?? '', match[2] ?? ''] as const] : []
    }),
  )
  const freeBlocks = [...text.matchAll(/^ {2}(\d+) free (?:blocks|clusters)/gm)].reduce((sum, match) => sum + Number(match[1]), 0)
  return { named, freeBlocks }
}
