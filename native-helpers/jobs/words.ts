import { posix } from 'node:path'
import type { ImageFacts } from '../contract.ts'
import { decimalSize } from '../drives/name.ts'

/** A volume as people know it: by its label, what it is, and how large. */
export function volumeWords(volume: { label: string | null; fs: string | null; sizeBytes: number }): string {
  const details = [volume.fs, volume.sizeBytes > 0 ? decimalSize(volume.sizeBytes) : null].filter(Boolean).join(', ')
  const name = volume.label ? `"${volume.label}"` : 'a volume without a name'
  return details ? `${name} (${details})` : name
}

export function list(things: readonly string[]): string {
  if (things.length < 2) return things.join('')
  return `${things.slice(0, -1).join(', ')} and ${things.at(-1)}`
}

/** What is written, by its own name: of an archive with several images the one that was chosen. */
export function imageName({ name, ref }: Pick<ImageFacts, 'name' | 'ref'>): string {
  return ref.member === undefined ? name : posix.basename(ref.member)
}
