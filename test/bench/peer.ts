import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { BenchDevice } from './workload.ts'

const folder = join(import.meta.dirname, 'peers')

export interface PeerRun {
  totalMs: number
  failures: string[]
  maxRssMib: number
}

/** Null when it is there; else why it is not. */
export function installPeer(): string | null {
  if (existsSync(join(folder, 'node_modules', builtLast))) return null
  const npm = (...args: string[]) =>
    execFileSync('npm', args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'], timeout: 300_000, env: systemOnly() })
  try {
    npm('install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock')
    npm('rebuild', '@ronomon/direct-io', 'drivelist', 'mountutils')
    return null
  } catch (thrown) {
    return thrown instanceof Error
      ? (thrown.message.split('\n').find((line) => /error/i.test(line)) ?? thrown.message)
      : String(thrown)
  }
}

const builtLast = 'mountutils/build/Release/MountUtils.node'

/**
 * Its addons are built for one release of Node, with the headers that the machine has for the Node of its own. So that is the one that it is built with and
 * runs in, and not the one that Livecard brings along and npm puts first.
 */
function systemOnly(): NodeJS.ProcessEnv {
  const path = (process.env.PATH ?? '').split(delimiter).filter((entry) => !entry.includes('node_modules'))
  return { ...process.env, PATH: path.join(delimiter) }
}

export function runPeer(image: string, device: BenchDevice): PeerRun {
  const args = [join(folder, 'etcher.mjs'), image, device.path, String(device.sizeBytes), String(device.sectorSize)]
  const found = execFileSync('node', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], env: systemOnly() })
  return JSON.parse(found) as PeerRun
}
