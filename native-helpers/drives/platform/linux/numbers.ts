import { stat } from 'node:fs/promises'

/** The kernel's 64-bit device number as "major:minor" (gnu_dev_major and gnu_dev_minor of glibc). */
export function deviceNumber(dev: bigint): string {
  const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & ~0xfffn)
  const minor = (dev & 0xffn) | ((dev >> 12n) & ~0xffn)
  return `${major & 0xffffffffn}:${minor & 0xffffffffn}`
}

/** What a path leads to: a device, or a file on one. */
export interface FileNumber {
  number: string
  isDevice: boolean
  inode: bigint
}

/** Of each path: the device that it is, or that the file lies on. A path that does not answer within a second is left out. */
export async function fileNumbers(paths: string[]): Promise<Map<string, FileNumber>> {
  const entries = await Promise.all(paths.map(async (path) => [path, await within(1000, numberOf(path))] as const))
  return new Map(entries.filter((entry): entry is [string, FileNumber] => entry[1] !== null))
}

async function numberOf(path: string): Promise<FileNumber | null> {
  try {
    const facts = await stat(path, { bigint: true })
    const isDevice = facts.isBlockDevice()
    return { number: deviceNumber(isDevice ? facts.rdev : facts.dev), isDevice, inode: facts.ino }
  } catch {
    return null
  }
}

/** A server that hangs must not hang the list of drives. */
export async function within<T>(milliseconds: number, promise: Promise<T>): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(resolve, milliseconds, null)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
