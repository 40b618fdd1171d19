import type { BlockDevice } from '../block/device.ts'
import type { ErrorValue } from '../contract.ts'
import { toErrorValue } from '../errors.ts'
import { DeviceFailure, deviceNode, memoryNode, type Node, nothing, sinkNode, sourceNode } from './files.ts'
import { textBytes } from './memory.ts'
import { loadModule, type ProgramName } from './modules.ts'
import { type CheckProgress, OutputText, progressReader } from './output.ts'
import { Abort, Exit, type Instance, instantiate } from './process.ts'

/** Under these names a program finds its device and the pipe for progress. */
export const devicePath = '/dev/card'
export const progressDescriptor = 3

export interface ProgramRun {
  program: ProgramName
  args: readonly string[]
  /** Instead of the one that the set-up built. */
  module?: WebAssembly.Module
  environment?: Record<string, string>
  /** Where the device stands in the program's world, when its name matters (it appears in what the program says). */
  devicePath?: string
  /** Files that the program finds in its world, by path. */
  files?: Record<string, Uint8Array>
  input?: string
  /** What the clock shows to the program, since 1970; the real time without. */
  seconds?: number | undefined
  /** 512 MiB by default. e2fsck needs about 80 MiB for 400,000 files. */
  memoryLimitBytes?: number
  /** Of each output; what is above is dropped. 1 Mi by default. */
  outputLimitChars?: number
  /**
   * What an error of the device means. `stop`, the default where it can be written to: the run ends at once and throws. Told of it, e2fsck -y would answer its own
   * question "Force rewrite?" with yes, and write zeros over what could not be read. `report`, the default otherwise: the program is told and goes on.
   */
  onDeviceError?: 'stop' | 'report'
}

export interface ProgramListener {
  output?(stream: 'out' | 'err', text: string): void
  progress?(progress: CheckProgress): void
}

export interface ProgramResult {
  exitCode: number
  out: string
  err: string
  /** Something above the limit was dropped. */
  truncated: boolean
  /** It was refused memory, so its verdict is worth nothing. */
  memoryExhausted: boolean
  memoryBytes: number
  /** The first error of the device, where it was only reported. */
  deviceError: ErrorValue | null
}

const mebibyte = 1024 * 1024

/** What the programs look for on a machine. Without the first, "missing mtab file"; without the second, resize2fs writes zeros over whole new inode tables. */
const world = { '/etc/mtab': new Uint8Array(0), '/sys/fs/ext4/features/lazy_itable_init': new Uint8Array(0) }

/** Runs one program to its end, in this thread. An error of the device is thrown as it came. */
export function runProgramSync(run: ProgramRun, device: BlockDevice | null, listener: ProgramListener = {}): ProgramResult {
  const module = run.module ?? loadModule(run.program)
  const limit = run.outputLimitChars ?? mebibyte
  const out = new OutputText(limit, (text) => listener.output?.('out', text))
  const err = new OutputText(limit, (text) => listener.output?.('err', text))
  let deviceError: ErrorValue | null = null
  const nodes: Record<string, Node> = { '/dev/null': nothing }
  for (const [path, content] of Object.entries({ ...world, ...run.files })) nodes[path] = memoryNode(content)
  if (device) {
    nodes[run.devicePath ?? devicePath] = deviceNode(device, {
      onError: run.onDeviceError ?? (device.writeSync ? 'stop' : 'report'),
      failed: (cause) => {
        deviceError ??= toErrorValue(cause)
      },
    })
  }
  const standard = [
    sourceNode(new TextEncoder().encode(run.input ?? '')),
    sinkNode((bytes) => out.take(bytes)),
    sinkNode((bytes) => err.take(bytes)),
    sinkNode(progressReader((progress) => listener.progress?.(progress))),
  ]
  const instance = instantiate(module, {
    nodes,
    standard,
    environment: { HOME: '/', LC_ALL: 'C', PATH: '/', ...run.environment },
    memoryLimitBytes: run.memoryLimitBytes ?? 512 * mebibyte,
    seconds: run.seconds,
  })
  const exitCode = runMain(instance, [run.program, ...run.args], (text) => err.take(new TextEncoder().encode(text)))
  const said = { out: out.end(), err: err.end() }
  return {
    exitCode,
    out: said.out.text,
    err: said.err.text,
    truncated: said.out.truncated || said.err.truncated,
    memoryExhausted: instance.memory.exhausted,
    memoryBytes: instance.memory.sizeBytes,
    deviceError,
  }
}

/** As a shell reports a program that ended by SIGABRT. */
const abortedCode = 134

function runMain(instance: Instance, words: readonly string[], complain: (text: string) => void): number {
  const { memory, exports } = instance
  const pointers = instance.allocate((words.length + 1) * 4)
  for (const [index, word] of words.entries()) {
    const text = instance.allocate(textBytes(word))
    memory.setText(text, word)
    memory.setInt(pointers + index * 4, text)
  }
  memory.setInt(pointers + words.length * 4, 0)
  try {
    instance.exit(exports.main?.(words.length, pointers) ?? 0)
  } catch (thrown) {
    if (thrown instanceof Exit) return thrown.code
    if (thrown instanceof DeviceFailure) throw thrown.cause
    // A trap (out of bounds, stack overflow) is what a native program's SIGSEGV is.
    if (thrown instanceof Abort || thrown instanceof WebAssembly.RuntimeError || thrown instanceof RangeError) {
      complain(`${words[0]}: ${thrown.message}\n`)
      return abortedCode
    }
    throw thrown
  }
}
