import { stat } from 'node:fs/promises'

/** The kernel's 64-bit device number as "major:minor" (gnu_dev_major and gnu_dev_minor of glibc). */
export function deviceNumber(dev: bigint): string {
  const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & ~0xfffn)
  const minor = (dev & 0xffn) | ((dev >> 12n) & ~0xffn)
  return `${major & 0xffffffffn}:${minor & 0xffffffffn}`
}

/** Of each path: the device that it is, or that the file lies on. A path that does not answer within a second is left out. */
export async function fileNumbers(paths: string[]): Promise<Map<string, { number: string; isDevice: boolean }>> {
  const entries = await Promise.all(paths.map(async (path) => [path, await within(1000, numberOf(path))] as const))
  return new Map(entries.filter((entry): entry is [string, { number: string; isDevice: boolean }] => entry[1] !== null))
}

async function numberOf(path: string): Promise<{ number: string; isDevice: boolean } | null> {
  try {
    const facts = await stat(path, { bigint: true })
    const isDevice = facts.isBlockDevice()
    return { number: deviceNumber(isDevice ? facts.rdev : facts.dev), isDevice }
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
