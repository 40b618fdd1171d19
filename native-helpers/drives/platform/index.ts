import { LivecardError } from '../../errors.ts'
import type { Platform } from './types.ts'

let chosen: Promise<Platform> | null = null

/** The platform that this process runs on, loaded once. */
export function platform(): Promise<Platform> {
  chosen ??= load()
  return chosen
}

async function load(): Promise<Platform> {
  if (process.platform === 'linux') return (await import('./linux.ts')).linux
  if (process.platform === 'darwin') return (await import('./macos.ts')).macos
  if (process.platform === 'win32') return (await import('./windows.ts')).windows
  throw new LivecardError('failed', 'platform-unknown', {
    message: `Livecard cannot work with drives on ${process.platform}.`,
    meaning: 'Nothing was touched.',
    next: 'Write to a card image file instead, or use Linux, macOS or Windows.',
  })
}
