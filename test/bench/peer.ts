import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { BenchDevice } from './workload.ts'

const folder = join(import.meta.dirname, 'peers')

export interface PeerRun {
  totalMs: number
  failures: string[]
  maxRssMib: number
}

/** Null when it is there; else why it is not. */
export function installPeer(): string | null {
  if (
    existsSync(join(folder, 'node_modules', 'etcher-sdk')) &&
    existsSync(join(folder, 'node_modules', '@ronomon', 'direct-io', 'binding.node'))
  )
    return null
  const npm = (...args: string[]) =>
    execFileSync('npm', args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'], timeout: 300_000, env: nodeHeaders() })
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

/** The npm package `node` brings its own headers, so that addons build where nodejs.org is out of reach. */
function nodeHeaders(): NodeJS.ProcessEnv {
  const headers = dirname(dirname(process.execPath))
  return existsSync(join(headers, 'include', 'node', 'node.h')) ? { ...process.env, npm_config_nodedir: headers } : process.env
}

export function runPeer(image: string, device: BenchDevice): PeerRun {
  const args = [join(folder, 'etcher.mjs'), image, device.path, String(device.sizeBytes), String(device.sectorSize)]
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })) as PeerRun
}
