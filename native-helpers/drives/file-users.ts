import type { BigIntStats } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * The loop device that is made of this file, by its name; null where there is none, and on systems without loop devices. What is written to the file behind
 * one changes a filesystem that may be mounted from it, and no open(2) fails because of that.
 */
export async function diskMadeOf(file: Pick<BigIntStats, 'dev' | 'ino'>): Promise<string | null> {
  const names = (await readdir('/sys/block').catch(() => [])).filter((name) => name.startsWith('loop'))
  for (const name of names) {
    const backing = await readFile(join('/sys/block', name, 'loop/backing_file'), 'utf8').catch(() => null)
    if (backing === null) continue
    const found = await stat(backing.replace(/\n$/, ''), { bigint: true }).catch(() => null)
    if (found && found.dev === file.dev && found.ino === file.ino) return name
  }
  return null
}

/** Where names stand for the kernel's own things and not for files; shared memory is a place for files like any other. */
export function isKernelsPlace(realPath: string): boolean {
  return /^\/(dev|proc|sys)(\/|$)/.test(realPath) && !/^\/dev\/shm(\/|$)/.test(realPath)
}
