import { spawn } from 'node:child_process'
import { closeSync } from 'node:fs'
import type { AccessPrograms } from './programs.ts'

export interface OpenerAnswer {
  /** The descriptor that came over; null when none did. */
  fd: number | null
  /** What it printed after "error": a code and a text. */
  error: { code: string; text: string } | null
  exitCode: number | null
  errorOutput: string
}

const patienceMs = 310_000
const mostOutput = 4096

/** Starts `command` with one end of a pair of sockets as its standard input, waits for its end, and takes the descriptor that it sent. */
export async function askOpener(programs: AccessPrograms, command: string, words: string[]): Promise<OpenerAnswer> {
  const [ours, theirs] = programs.receiver.socketPair()
  try {
    const ended = runOpener(command, words, theirs)
    const { exitCode, output, errorOutput } = await ended
    const fd = programs.receiver.receiveDescriptor(ours)
    return { fd: fd < 0 ? null : fd, error: parseError(output), exitCode, errorOutput }
  } finally {
    closeSync(ours)
  }
}

function runOpener(
  command: string,
  words: string[],
  socket: number,
): Promise<{ exitCode: number | null; output: string; errorOutput: string }> {
  return new Promise((resolve) => {
    const child = spawn(command, words, { stdio: [socket, 'pipe', 'pipe'], env: openerEnvironment(), timeout: patienceMs })
    closeSync(socket)
    let output = ''
    let errorOutput = ''
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(0, mostOutput)
    })
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      errorOutput = (errorOutput + text).slice(0, mostOutput)
    })
    child.on('error', (error) => resolve({ exitCode: 127, output, errorOutput: error.message }))
    child.on('close', (exitCode) => resolve({ exitCode, output, errorOutput }))
  })
}

/** Where the bus is, and what a password dialog needs to appear in the user's language; nothing else. */
function openerEnvironment(): NodeJS.ProcessEnv {
  const names = ['DBUS_SYSTEM_BUS_ADDRESS', 'DISPLAY', 'WAYLAND_DISPLAY', 'XAUTHORITY', 'LANG', 'LC_ALL', 'LC_MESSAGES', 'TERM']
  const kept = names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]]))
  return { PATH: '/usr/bin:/bin', ...Object.fromEntries(kept) }
}

function parseError(output: string): OpenerAnswer['error'] {
  const match = /^error (\S+) ?(.*)$/m.exec(output)
  return match ? { code: match[1] ?? '', text: match[2] ?? '' } : null
}
