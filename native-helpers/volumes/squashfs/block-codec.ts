import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { partFolders } from '../../built-parts.ts'
import type { Decompress } from './decompress.ts'
import { codecMissing } from './errors.ts'

/** Below `node_modules` of a checkout, where build/wasm puts what it built. */
export const builtCodecFolder = join('node_modules', '.cache', 'livecard', 'codec')
/** Among the resources of a package. */
export const packagedCodecFolder = 'codec'
export const codecFile = 'codec.wasm'

/** The numbers that squashfs gives them, as build/wasm/codec.c knows them. */
const formats = { lzo: 3, lz4: 5 } as const
export type CodecFormat = keyof typeof formats

/** What build/wasm/codec.c exports. The memory is static, so that there is nothing to allocate or to free. */
interface CodecExports {
  memory: WebAssembly.Memory
  codec_input(): number
  codec_output(): number
  codec_space(): number
  codec_decode(format: number, packedBytes: number, limitBytes: number): number
}

function codecPath(): string | null {
  const paths = partFolders(packagedCodecFolder, builtCodecFolder).map((folder) => join(folder, codecFile))
  return paths.find((path) => existsSync(path)) ?? null
}

/** Whether images packed with lz4 or lzo can be read here; the others can everywhere. */
export function hasBlockCodec(): boolean {
  return codecPath() !== null
}

let loaded: CodecExports | null = null

export function loadBlockCodec(format: CodecFormat, path = codecPath()): Decompress {
  if (path === null) throw codecMissing(format)
  loaded ??= instantiate(readFileSync(path))
  return decompressWith(loaded, format)
}

export function instantiate(wasm: Uint8Array<ArrayBuffer>): CodecExports {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(wasm))
  return exports as unknown as CodecExports
}

export function decompressWith(codec: CodecExports, format: CodecFormat): Decompress {
  const input = codec.codec_input()
  const output = codec.codec_output()
  const spaceBytes = codec.codec_space()
  return (packed, limitBytes) => {
    if (packed.length > spaceBytes || limitBytes > spaceBytes) throw new RangeError('a block is larger than blocks can be')
    const memory = new Uint8Array(codec.memory.buffer)
    memory.set(packed, input)
    const length = codec.codec_decode(formats[format], packed.length, limitBytes)
    if (length < 0) throw new Error(`${format} does not decode`)
    return memory.slice(output, output + length)
  }
}
