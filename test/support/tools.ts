import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

const folders = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin']

/** Why a test that needs these commands cannot run here, or null. */
export function missingTools(...names: string[]): string | null {
  const missing = names.filter((name) => !folders.some((folder) => existsSync(join(folder, name))))
  return missing.length > 0 ? `not installed: ${missing.join(', ')}` : null
}

export interface ToolOptions {
  input?: string | Uint8Array
  env?: Record<string, string>
}

/** Runs a command; throws with what it said where it fails. English, and with the administrator's commands on the path. */
export function tool(name: string, args: readonly string[], options: ToolOptions = {}): string {
  return execFileSync(name, args, {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    stdio: ['pipe', 'pipe', 'pipe'],
    input: options.input ?? '',
    env: { ...process.env, LC_ALL: 'C', PATH: folders.join(':'), ...options.env },
  })
}

/** A folder that goes away with the test. */
export function testFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'livecard-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Random numbers that are the same in every run: mulberry32. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000
  }
}
