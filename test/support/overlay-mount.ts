import { mkdirSync, mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cannotMount, mounted } from './kernel-mount.ts'
import { tool } from './tools.ts'

/** Why the kernel cannot lay one folder over another here, or null. */
export function cannotOverlay(): string | null {
  const cannot = cannotMount()
  if (cannot) return cannot
  try {
    tool('modprobe', ['overlay'])
  } catch {
    // Built in, or not there: the list of filesystems tells.
  }
  return /\boverlay$/m.test(tool('cat', ['/proc/filesystems'])) ? null : 'the kernel has no overlayfs'
}

/** A system as it runs: the folder `rw` of an ext image over a squashfs, with the options of live-boot. `startBytes`: where the ext volume begins. */
export function runningSystem<T>(
  { squashfs, image, startBytes = 0, sizeBytes }: { squashfs: string; image: string; startBytes?: number; sizeBytes?: number },
  use: (root: string) => T,
): T {
  const part = `rw,offset=${startBytes}${sizeBytes === undefined ? '' : `,sizelimit=${sizeBytes}`}`
  return mounted(squashfs, 'ro', (lower) =>
    mounted(image, part, (top) => {
      for (const name of ['rw', 'work']) mkdirSync(join(top, name), { recursive: true })
      const root = mkdtempSync(join(tmpdir(), 'livecard-union-'))
      try {
        const dirs = `lowerdir=${lower},upperdir=${join(top, 'rw')},workdir=${join(top, 'work')}`
        tool('mount', ['-t', 'overlay', 'overlay', '-o', `${dirs},redirect_dir=on`, root])
        try {
          return use(root)
        } finally {
          tool('umount', [root])
        }
      } finally {
        rmdirSync(root)
      }
    }),
  )
}
