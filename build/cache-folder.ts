import { homedir } from 'node:os'
import { join } from 'node:path'

/** Where this machine keeps what can be fetched or made again; outside the checkout, shared by all checkouts of the user. */
export function cacheFolder(): string {
  if (process.platform === 'win32')
    return join(process.env.LOCALAPPDATA || join(homedir(), 'AppData', 'Local'), 'livecard', 'cache')
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Caches', 'livecard')
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'livecard')
}
