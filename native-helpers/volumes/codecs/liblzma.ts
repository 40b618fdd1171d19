import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

/** Return codes of lzma/base.h. */
export const lzma = {
  ok: 0,
  streamEnd: 1,
  memoryError: 5,
  memoryLimit: 6,
  notXz: 7,
  options: 8,
  data: 9,
  buffer: 10,
} as const

/** lzma/container.h */
const LZMA_CONCATENATED = 0x08
/** lzma/base.h */
const LZMA_RUN = 0
const LZMA_FINISH = 3
/** `lzma_stream` of lzma/base.h with 32-bit pointers: offsets of its fields, in bytes. */
const streamBytes = 144
const nextIn = 0
const availIn = 4
const nextOut = 16
const availOut = 20

/** The most that `feed` takes at once. */
export const lzmaInputBytes = 256 * 1024
const outputBytes = 256 * 1024

/** What the package exports from the C library. */
interface Module {
  readonly HEAPU8: Uint8Array
  _malloc(bytes: number): number
  _lzma_stream_decoder(stream: number, memoryLimit: bigint, flags: number): number
  _lzma_auto_decoder(stream: number, memoryLimit: bigint, flags: number): number
  _lzma_code(stream: number, action: number): number
  _lzma_end(stream: number): void
}

/** liblzma itself in WebAssembly: synchronous, and its memory is its own. One at a time per thread. */
export interface XzDecoder {
  /** Begins anew; may be called again and again. "lzma" is the older format, which the library tells from the newer by its beginning. */
  start(memoryLimitBytes: number, concatenated: boolean, format?: 'xz' | 'lzma'): void
  /**
   * One call of the library: at most `lzmaInputBytes` in, at most as much out, so that whoever wants no more can stop. `code` is one of `lzma`.
   */
  step(input: Uint8Array, output: Uint8Array, last: boolean): { code: number; consumed: number; produced: number }
  /**
   * Gives `input` (at most `lzmaInputBytes`) and passes on what comes out of it. `last` says that nothing follows. Answers a code of `lzma`: `ok` to go on.
   */
  feed(input: Uint8Array, last: boolean, output: (bytes: Uint8Array) => void): number
}

export async function loadXzDecoder(): Promise<XzDecoder> {
  const { default: createModule } = await import('node-liblzma/wasm/liblzma.js')
  const wasmBinary = readFileSync(createRequire(import.meta.url).resolve('node-liblzma/wasm/liblzma.wasm'))
  const module: Module = await createModule({ wasmBinary })
  const stream = module._malloc(streamBytes)
  const input = module._malloc(lzmaInputBytes)
  const output = module._malloc(outputBytes)
  let started = false
  // The memory may grow within a call, which detaches every view of it.
  const field = (offset: number) => new DataView(module.HEAPU8.buffer).getUint32(stream + offset, true)
  const setField = (offset: number, value: number) => new DataView(module.HEAPU8.buffer).setUint32(stream + offset, value, true)
  return {
    start(memoryLimitBytes, concatenated, format = 'xz') {
      if (started) module._lzma_end(stream)
      module.HEAPU8.fill(0, stream, stream + streamBytes)
      const open = format === 'xz' ? module._lzma_stream_decoder : module._lzma_auto_decoder
      const code = open(stream, BigInt(memoryLimitBytes), concatenated ? LZMA_CONCATENATED : 0)
      if (code !== lzma.ok) throw new Error(`liblzma could not begin (${code})`)
      started = true
    },
    step(bytes, into, last) {
      const room = Math.min(into.length, outputBytes)
      module.HEAPU8.set(bytes, input)
      setField(nextIn, input)
      setField(availIn, bytes.length)
      setField(nextOut, output)
      setField(availOut, room)
      const code = module._lzma_code(stream, last ? LZMA_FINISH : LZMA_RUN)
      const produced = room - field(availOut)
      into.set(module.HEAPU8.subarray(output, output + produced))
      return { code, consumed: bytes.length - field(availIn), produced }
    },
    feed(bytes, last, pass) {
      module.HEAPU8.set(bytes, input)
      setField(nextIn, input)
      setField(availIn, bytes.length)
      for (;;) {
        setField(nextOut, output)
        setField(availOut, outputBytes)
        const code = module._lzma_code(stream, last ? LZMA_FINISH : LZMA_RUN)
        const produced = outputBytes - field(availOut)
        if (produced > 0) pass(module.HEAPU8.subarray(output, output + produced))
        if (code !== lzma.ok) return code
        if (!last && produced < outputBytes && field(availIn) === 0) return code
      }
    },
  }
}
