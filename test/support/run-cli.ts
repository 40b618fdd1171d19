import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../../native-helpers/cli/main.ts', import.meta.url))

// The history of these jobs is not one of the person who runs the tests.
const stateFolder = mkdtempSync(join(tmpdir(), 'livecard-state-'))
process.once('exit', () => rmSync(stateFolder, { recursive: true, force: true }))

export interface Ran {
  /** The exit code; null when a signal ended it. */
  code: number | null
  stdout: string
  stderr: string
  /** The most memory that the process ever had, as the kernel counted (VmHWM). */
  peakBytes: number
}

export interface RunOptions {
  env?: Record<string, string | undefined>
  cwd?: string
  /** Sees the child as soon as it runs. */
  onStart?: (child: ChildProcess) => void
}

/** The real command line as a process of its own, without a terminal. */
export function runCli(args: string[], { env, cwd, onStart }: RunOptions = {}): Promise<Ran> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...withPeak, main, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd,
    env: { ...process.env, LC_ALL: 'C.UTF-8', XDG_STATE_HOME: stateFolder, ...env },
  })
  onStart?.(child)
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  child.stdout.on('data', (chunk) => stdout.push(chunk))
  child.stderr.on('data', (chunk) => stderr.push(chunk))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => {
      const said = Buffer.concat(stderr).toString()
      const peak = /^peak-memory (\d+) kB$/m.exec(said)
      resolve({
        code,
        stdout: Buffer.concat(stdout).toString(),
        stderr: said.replace(/^peak-memory .*\n/m, ''),
        peakBytes: Number(peak?.[1] ?? 0) * 1024,
      })
    })
  })
}

// The process itself reports at its exit, when the number is final: a look from outside could come too early or too late.
const report = `
import { readFileSync, writeSync } from 'node:fs'
process.on('exit', () => {
  const peak = /VmHWM:\\s+(\\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))
  writeSync(2, 'peak-memory ' + peak[1] + ' kB\\n')
})`
const withPeak = process.platform === 'linux' ? ['--import', `data:text/javascript,${encodeURIComponent(report)}`] : []

/** The JSON documents of `--json`, one per line. */
export function jsonLines(stdout: string): Record<string, unknown>[] {
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
}
