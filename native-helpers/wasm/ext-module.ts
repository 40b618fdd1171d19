import type { BlockDevice } from '../block/device.ts'
import { LivecardError } from '../errors.ts'
import { DeviceFailure, deviceNode } from './files.ts'
import { textBytes } from './memory.ts'
import { loadModule } from './modules.ts'
import { Abort, Exit, type Instance, instantiate } from './process.ts'

/** Of build/wasm/ext-files.h. */
const refusals: Record<number, { code: string; message: string; next: string }> = {
  [-1]: {
    code: 'ext-needs-recovery',
    message: 'The volume was not closed properly: its journal still holds changes.',
    next: 'Repair it first, which carries out the journal.',
  },
  [-2]: {
    code: 'ext-unclean',
    message: 'The volume says itself that it was not left cleanly, or that errors were met on it.',
    next: 'Repair it first.',
  },
  [-3]: { code: 'ext-too-many-links', message: 'There cannot be more names or subfolders here.', next: 'Take fewer.' },
  [-4]: { code: 'ext-not-empty', message: 'The folder is not empty.', next: 'Remove what is in it first.' },
  [-5]: { code: 'ext-not-a-folder', message: 'This is no folder.', next: 'Give the path of a folder.' },
  [-6]: { code: 'ext-wrong-kind', message: 'This cannot be done with a file of this kind.', next: 'Give a file of another kind.' },
}

/** lib/ext2fs/ext2_err.et: what has a meaning of its own for callers. */
const libraryCodes: Record<number, string> = {
  2133571400: 'ext-full',
  2133571401: 'ext-full',
  2133571402: 'ext-not-a-folder',
  2133571404: 'ext-not-found',
  2133571483: 'ext-exists',
  2133571491: 'ext-xattr-room',
}

type Arg = number | bigint

const devicePath = '/dev/card'
const memoryLimitBytes = 512 * 1024 * 1024

/** One instance of ext-files.wasm: calls by name, bytes in and out. */
export class ExtModule {
  readonly #instance: Instance
  #scratch = 0
  #scratchBytes = 0

  constructor(device: BlockDevice, seconds?: number) {
    const node = deviceNode(device, { onError: 'stop' })
    this.#instance = instantiate(loadModule('ext-files'), {
      nodes: { [devicePath]: node },
      standard: [],
      memoryLimitBytes,
      seconds,
    })
  }

  /** The path of the device, as a C string in the scratch area. */
  get devicePath(): string {
    return devicePath
  }

  /** Calls and answers the bytes of the answer, valid until the next call. */
  call(name: string, ...args: Arg[]): DataView {
    this.#invoke(name, args)
    const { exports, memory } = this.#instance
    const pointer = (exports.ext_answer as () => number)()
    const size = (exports.ext_answer_size as () => number)()
    return new DataView(memory.bytes.buffer, pointer, size)
  }

  /** For calls that answer nothing. */
  do(name: string, ...args: Arg[]): void {
    this.#invoke(name, args)
  }

  #invoke(name: string, args: readonly Arg[]): void {
    const called = this.#instance.exports[name] as (...args: Arg[]) => number
    let code: number
    try {
      code = called(...args)
    } catch (thrown) {
      if (thrown instanceof DeviceFailure) throw thrown.cause
      if (thrown instanceof Exit || thrown instanceof Abort || thrown instanceof WebAssembly.RuntimeError)
        throw damaged(name, thrown.message)
      throw thrown
    }
    if (code !== 0) throw this.#named(code)
  }

  /** Room for that many bytes, the same for every call: what stood there before is gone. */
  scratch(bytes: number): number {
    if (bytes > this.#scratchBytes) {
      const { exports } = this.#instance
      if (this.#scratch !== 0) exports.free(this.#scratch)
      this.#scratch = exports.malloc(bytes)
      this.#scratchBytes = bytes
      if (this.#scratch === 0) {
        this.#scratchBytes = 0
        throw damaged('malloc', `no room for ${bytes} bytes`)
      }
    }
    return this.#scratch
  }

  /** Lays byte strings into the scratch area, each with a zero behind it, and answers where they stand. */
  put(...parts: Uint8Array[]): number[] {
    let at = this.scratch(parts.reduce((sum, part) => sum + align(part.length + 1), 0))
    return parts.map((part) => {
      const to = this.#instance.memory.part(at, part.length + 1)
      to.set(part)
      to[part.length] = 0
      const pointer = at
      at += align(part.length + 1)
      return pointer
    })
  }

  bytes(pointer: number, length: number): Uint8Array {
    return this.#instance.memory.part(pointer, length)
  }

  putText(text: string): number {
    const pointer = this.scratch(textBytes(text))
    this.#instance.memory.setText(pointer, text)
    return pointer
  }

  #named(code: number): LivecardError {
    const refusal = refusals[code]
    if (refusal)
      return new LivecardError('failed', refusal.code, {
        message: refusal.message,
        meaning: 'Nothing was changed by this step.',
        next: refusal.next,
      })
    const { exports, memory } = this.#instance
    const text = memory.text((exports.ext_error_text as (code: number) => number)(code))
    if (memory.exhausted) return damaged('libext2fs', 'out of memory')
    return new LivecardError('failed', libraryCodes[code] ?? 'ext-library', {
      message: `The volume could not be read or changed: ${text}.`,
      meaning: 'This step was not carried out.',
      next:
        libraryCodes[code] === 'ext-full'
          ? 'Make room, or enlarge the volume.'
          : 'Check the volume; it may be damaged, or it is no ext2, ext3 or ext4.',
    })
  }
}

function align(bytes: number): number {
  return Math.ceil(bytes / 8) * 8
}

function damaged(what: string, why: string): LivecardError {
  return new LivecardError('failed', 'ext-damaged', {
    message: `Reading the volume ended unexpectedly (${what}: ${why}).`,
    meaning: 'It is damaged in a way that the library does not survive. Nothing more was read or written.',
    next: 'Repair the volume first.',
  })
}
