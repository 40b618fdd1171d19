import zlib from 'node:zlib'

/** What one step did. */
export interface EngineStep {
  consumed: number
  produced: number
}

export class EngineError extends Error {
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/** zlib or zstd, synchronous, from any input into any output without a copy in between. */
export interface Engine {
  step(input: Uint8Array, output: Uint8Array, last: boolean): EngineStep
  /** Forgets what came before; not for one that failed. */
  reset(): void
  close(): void
}

/**
 * The handle inside a zlib stream. Node's own synchronous functions use exactly this; its streams would allocate, queue and copy every piece (measured
 * here: 320 against 480 MiB/s for gzip, 560 against 910 for zstd), and they do not tell where a compressed stream ended.
 */
interface Handle {
  writeSync(
    flush: number,
    input: Uint8Array,
    inOffset: number,
    inLength: number,
    output: Uint8Array,
    outOffset: number,
    outLength: number,
  ): void
  onerror(message: string, errno: number, code: string): void
  close(): void
}

interface Inner {
  readonly _handle: Handle
  /** [0] room left in the output, [1] bytes left of the input. */
  readonly _writeState: Uint32Array
  reset(): void
}

function hasInner(stream: object): stream is Inner {
  if (!('_handle' in stream) || !('_writeState' in stream) || !('reset' in stream)) return false
  const handle = stream._handle
  return (
    typeof handle === 'object' &&
    handle !== null &&
    'writeSync' in handle &&
    typeof handle.writeSync === 'function' &&
    typeof stream.reset === 'function' &&
    stream._writeState instanceof Uint32Array
  )
}

/** "zlib" is deflate with the header and the checksum of RFC 1950, "deflate" without. */
export function openEngine(kind: 'gzip' | 'zlib' | 'deflate' | 'zstd', windowLogMax = 27): Engine {
  const stream =
    kind === 'gzip'
      ? zlib.createGunzip()
      : kind === 'zlib'
        ? zlib.createInflate()
        : kind === 'deflate'
          ? zlib.createInflateRaw()
          : zlib.createZstdDecompress({ params: { [zlib.constants.ZSTD_d_windowLogMax]: windowLogMax } })
  if (!hasInner(stream)) throw new Error(`The zlib of Node ${process.version} has another inside than the one that Livecard knows`)
  const { _handle: handle, _writeState: state } = stream
  let failure: EngineError | null = null
  handle.onerror = (message, _errno, code) => {
    failure = new EngineError(code, message)
  }
  const finish = kind === 'zstd' ? zlib.constants.ZSTD_e_end : zlib.constants.Z_FINISH
  return {
    step(input, output, last) {
      handle.writeSync(last ? finish : 0, input, 0, input.length, output, 0, output.length)
      if (failure !== null) throw failure
      return { consumed: input.length - (state[1] ?? 0), produced: output.length - (state[0] ?? 0) }
    },
    reset() {
      stream.reset()
    },
    close() {
      stream.destroy()
    },
  }
}
