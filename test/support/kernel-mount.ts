import { existsSync, mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { tool } from './tools.ts'

/** Why the kernel cannot be asked to mount here, or null. */
export function cannotMount(): string | null {
  if (process.getuid?.() !== 0) return 'mounting needs root'
  return existsSync('/dev/loop-control') ? null : 'there are no loop devices'
}

/** Mounts an image through a loop device for as long as `use` runs. */
export function mounted<T>(image: string, options: string, use: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'livecard-mount-'))
  try {
    tool('mount', ['-o', `loop,${options}`, image, folder])
    try {
      return use(folder)
    } finally {
      tool('umount', ['-d', folder])
    }
  } finally {
    rmdirSync(folder)
  }
}
