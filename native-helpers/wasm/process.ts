import { createHash } from 'node:crypto'
import { clockCalls } from './clock-calls.ts'
import { Descriptors } from './descriptors.ts'
import { SystemError } from './errno.ts'
import { descriptorCalls, pathCalls } from './file-calls.ts'
import type { Node } from './files.ts'
import { ModuleMemory, textBytes } from './memory.ts'

/** What a call works on. */
export interface Process {
  memory: ModuleMemory
  descriptors: Descriptors
  environment: readonly string[]
  /** Milliseconds since 1970: the clock's, or those that were given. */
  now(): number
  /** For UUIDs and seeds of hashes, not for keys; from the time, where that was given. */
  random(length: number): Uint8Array
  allocate(bytes: number): number
  /** Runs what the program wants run at its end, and ends it. */
  exit(code: number): never
}

// Their parameters are numbers and, where C has 64 bits, bigints: as the module's own signature says.
type Call = (...values: never[]) => unknown
/** A call by name, made for one process. */
export type Calls = Record<string, (process: Process) => Call>

/** The program's regular end, on its way through the frames of WebAssembly. */
export class Exit extends Error {
  readonly code: number
  constructor(code: number) {
    super(`exit ${code}`)
    this.code = code
  }
}

/** The program gave up: abort(), a failed assertion, a trap. */
export class Abort extends Error {}

const longJump = new Error('longjmp')

const otherCalls: Calls = {
  exit: ({ exit }) => exit,
  abort: () => () => {
    throw new Abort('the program called abort()')
  },
  __assert_fail:
    ({ memory }) =>
    (condition: number, file: number, line: number) => {
      throw new Abort(`assertion failed: ${memory.text(condition)} (${memory.text(file)}:${line})`)
    },
  emscripten_memcpy_big:
    ({ memory }) =>
    (to: number, from: number, length: number) => {
      memory.bytes.copyWithin(to >>> 0, from >>> 0, (from >>> 0) + (length >>> 0))
    },
  emscripten_get_heap_max:
    ({ memory }) =>
    () =>
      memory.limitBytes,
  emscripten_resize_heap:
    ({ memory }) =>
    (wanted: number) =>
      memory.grow(wanted >>> 0) ? 1 : 0,
  getentropy:
    ({ memory, random }) =>
    (to: number, length: number) => {
      // Not into the view itself: the source of randomness takes at most 64 KiB and no shared memory.
      memory.part(to, length).set(random(length))
      return 0
    },
  _emscripten_throw_longjmp: () => () => {
    throw longJump
  },
  __call_sighandler: () => () => {},
  system: () => () => -1,
  daemon: () => () => -1,
}

const environmentCalls: Calls = {
  environ_sizes_get:
    ({ memory, environment }) =>
    (count: number, bytes: number) => {
      memory.setInt(count, environment.length)
      memory.setInt(
        bytes,
        environment.reduce((sum, entry) => sum + textBytes(entry), 0),
      )
      return 0
    },
  environ_get:
    ({ memory, environment }) =>
    (pointers: number, texts: number) => {
      let at = texts
      for (const [index, entry] of environment.entries()) {
        memory.setInt(pointers + index * 4, at)
        at += memory.setText(at, entry)
      }
      return 0
    },
}

const known: Record<string, Calls> = {
  env: { ...clockCalls, ...pathCalls, ...otherCalls },
  wasi_snapshot_preview1: { ...descriptorCalls, ...environmentCalls },
}

const invoke = /^invoke_/
/** Where setjmp's second return value travels. */
const returnCalls = ['getTempRet0', 'setTempRet0']

/** The calls of a module that nothing here answers; none, if it was built with an emscripten that this was written for. */
export function unansweredCalls(module: WebAssembly.Module): string[] {
  return WebAssembly.Module.imports(module)
    .filter(({ module: room, name }) => !known[room]?.[name] && !invoke.test(name) && !returnCalls.includes(name))
    .map(({ module: room, name }) => `${room}.${name}`)
}

interface Exports {
  memory: WebAssembly.Memory
  __indirect_function_table: WebAssembly.Table
  __wasm_call_ctors(): void
  __funcs_on_exit?(): void
  __stdio_exit?(): void
  main?(count: number, pointers: number): number
  malloc(bytes: number): number
  free(pointer: number): void
  setThrew?(threw: number, value: number): void
  stackSave(): number
  stackRestore(pointer: number): void
}

export interface ProcessOptions {
  nodes: Record<string, Node>
  /** Input, output, error output, and what else is open at the start. */
  standard: readonly Node[]
  environment?: Record<string, string>
  memoryLimitBytes: number
  /** What the clock shows, in seconds since 1970, so that the same work writes the same bytes; chance follows from it too. */
  seconds?: number | undefined
}

export interface Instance extends Process {
  exports: Exports & Record<string, unknown>
}

function chance(seconds: number | undefined): Process['random'] {
  if (seconds === undefined) return (length) => crypto.getRandomValues(new Uint8Array(length))
  let asked = 0
  return (length) => {
    asked += 1
    return createHash('shake256', { outputLength: length }).update(`${seconds} ${asked}`).digest()
  }
}

/** A fresh instance with its own memory, files and descriptors, ready to be called. */
export function instantiate(module: WebAssembly.Module, options: ProcessOptions): Instance {
  const lateMemory: { current: ModuleMemory | null } = { current: null }
  let exports: (Exports & Record<string, unknown>) | null = null
  const ready = () => {
    if (!exports) throw new Error('the module called before it was there')
    return exports
  }
  const process: Process = {
    get memory() {
      lateMemory.current ??= new ModuleMemory(ready().memory, options.memoryLimitBytes)
      return lateMemory.current
    },
    descriptors: new Descriptors(options.nodes, options.standard),
    now: () => (options.seconds === undefined ? Date.now() : options.seconds * 1000),
    random: chance(options.seconds),
    environment: Object.entries(options.environment ?? {}).map(([name, value]) => `${name}=${value}`),
    allocate: (bytes) => ready().malloc(bytes),
    exit(code) {
      const { __funcs_on_exit: atExit, __stdio_exit: flush } = ready()
      atExit?.()
      flush?.()
      throw new Exit(code)
    },
  }
  const imports: Record<string, Record<string, WebAssembly.ImportValue>> = {}
  for (const { module: room, name } of WebAssembly.Module.imports(module)) {
    imports[room] ??= {}
    imports[room][name] = answerTo(room, name, process, ready)
  }
  exports = new WebAssembly.Instance(module, imports).exports as unknown as Exports & Record<string, unknown>
  exports.__wasm_call_ctors()
  return Object.assign(process, { exports })
}

function answerTo(room: string, name: string, process: Process, exports: () => Exports): (...values: never[]) => unknown {
  if (invoke.test(name)) return invoker(exports)
  // Only needed where 64-bit results are split, which these modules do not do.
  if (name === 'getTempRet0') return () => tempReturn.get(process) ?? 0
  if (name === 'setTempRet0') return (value: number) => void tempReturn.set(process, value)
  const make = known[room]?.[name]
  if (!make) throw new Error(`nothing answers the call ${room}.${name}`)
  // Made at the first call: the memory that it works on exists only then.
  let call: Call | null = null
  const sign = room === 'env' ? -1 : 1
  return (...values) => {
    call ??= make(process)
    try {
      return call(...values)
    } catch (thrown) {
      if (thrown instanceof SystemError) return sign * thrown.errno
      throw thrown
    }
  }
}

const tempReturn = new WeakMap<Process, number>()

/** Calls that setjmp surrounds. A longjmp comes back as an exception; every other one goes on to whoever started the program. */
function invoker(exports: () => Exports): (...values: never[]) => unknown {
  return (index: number, ...values: unknown[]) => {
    const { stackSave, stackRestore, setThrew, __indirect_function_table: table } = exports()
    const stack = stackSave()
    try {
      return (table.get(index) as (...values: unknown[]) => unknown)(...values)
    } catch (thrown) {
      stackRestore(stack)
      if (thrown !== longJump) throw thrown
      setThrew?.(1, 0)
      return undefined
    }
  }
}
