import { homedir } from 'node:os'
import { join } from 'node:path'

/** Where a program keeps what it remembers, by each system's custom. */
export function defaultStateFolder(platform: NodeJS.Platform = process.platform, env: NodeJS.ProcessEnv = process.env): string {
  const home = env.HOME || homedir()
  if (platform === 'darwin') return join(home, 'Library', 'Application Support', 'Livecard')
  if (platform === 'win32') return join(env.LOCALAPPDATA || join(homedir(), 'AppData', 'Local'), 'Livecard')
  // The XDG base directory specification: a relative path is to be ignored.
  const named = env.XDG_STATE_HOME
  return join(named?.startsWith('/') ? named : join(home, '.local', 'state'), 'livecard')
}
