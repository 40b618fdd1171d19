import { copyFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { mounted } from './kernel-mount.ts'
import { tool } from './tools.ts'

export interface DirtyOptions {
  /** For mke2fs. */
  make: readonly string[]
  /** For mount. */
  mount?: string
  sizeMiB?: number
  /** Pulled out without a last sync: what `work` has synced itself is there. */
  abruptly?: boolean
}

/** The image of a volume as it is when the card is pulled out while the kernel has it mounted and `work` has just been done in it. */
export function pulledVolume(folder: string, options: DirtyOptions, work: (folder: string) => void): string {
  const image = join(folder, 'mounted.img')
  const pulled = join(folder, 'pulled.img')
  writeFileSync(image, '')
  truncateSync(image, (options.sizeMiB ?? 128) * 1024 * 1024)
  tool('mke2fs', ['-q', '-F', ...options.make, image])
  mounted(image, options.mount ?? 'rw', (inside) => {
    work(inside)
    if (!options.abruptly) tool('sync', ['-f', inside])
    copyFileSync(image, pulled)
  })
  return pulled
}

/** What native e2fsck makes of an image that has a journal to replay, in a copy. */
export function replayedByE2fsck(image: string): string {
  const copy = `${image}.replayed`
  copyFileSync(image, copy)
  tool('e2fsck', ['-y', '-E', 'journal_only', copy])
  return copy
}
