import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { missingTools } from '../tools.ts'

/** Where Debian's ovmf puts its firmware: in one file for reading, as `-bios` takes it. */
export const uefiFirmware = '/usr/share/ovmf/OVMF.fd'

/** Why no guest can run here, or null. */
export function cannotRunGuests(): string | null {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'the guests are made for Linux on x86-64'
  return missingTools('qemu-system-x86_64', 'setpriv', 'apt-get', 'dpkg-deb', 'cpio', 'depmod', 'busybox')
}

export interface Machine {
  /** What the machine consists of beside processor and memory. */
  devices: string[]
  memoryMiB: number
  /** The kernel's words go there. */
  consolePath: string
}

const machines = new Set<ChildProcess>()

/** Ends every machine that this process started, also those of tests that were given up while they waited. */
export function stopMachines(): void {
  for (const machine of machines) machine.kill('SIGKILL')
}

/**
 * A machine of its own that ends with this process, however this ends: the kernel kills it when its parent is gone. Its second serial port is the child's
 * standard input and output. Its processor is emulated, everywhere: a KVM that is offered and then fails in the middle (as where the host is a guest itself)
 * cannot be told from one that works.
 */
export function startMachine({ devices, memoryMiB, consolePath }: Machine): ChildProcess {
  const base = [
    ...['-M', 'q35', '-accel', 'tcg', '-cpu', 'qemu64,+rdrand', '-smp', '1', '-m', String(memoryMiB)],
    ...['-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none'],
    ...['-serial', `file:${consolePath}`, '-chardev', 'stdio,id=job,signal=off', '-serial', 'chardev:job'],
  ]
  const errors = openSync(`${consolePath}.qemu`, 'w')
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', 'qemu-system-x86_64', ...base, ...devices], {
    stdio: ['pipe', 'pipe', errors],
    env: { ...process.env, LC_ALL: 'C' },
  })
  closeSync(errors)
  machines.add(child)
  child.once('close', () => machines.delete(child))
  // Answers that come after the end, and questions that nobody takes any more.
  child.stdin?.on('error', () => undefined)
  return child
}

/** The end of what a machine said, for the message of a failed test; of a panic the cause, without the places in the kernel. */
export function lastWords(consolePath: string): string {
  const said = [`${consolePath}.qemu`, consolePath].filter(existsSync).map((path) => readFileSync(path, 'latin1'))
  const lines = said
    .join('\n')
    .replaceAll(/[^\n -~]/g, '')
    .split('\n')
    .filter((line) => line.trim() !== '')
  const panic = lines.findIndex((line) => line.includes('Kernel panic'))
  return lines
    .slice(0, panic < 0 ? lines.length : panic + 1)
    .slice(-25)
    .join('\n')
}

/** Emulation is several times slower where others work too: limits are generous, since a guest that hangs is the rare case. */
export const patienceFactor = availableParallelism() > 2 ? 1 : 2
