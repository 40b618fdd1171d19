import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { closeSync, constants, globSync, openSync, readSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { cacheFolder } from '../../build/cache-folder.ts'
import { testImagesFolder } from '../../build/wasm/e2fsprogs.ts'
import { alignedBuffer } from '../../native-helpers/block/aligned.ts'
import { openFileDevice } from '../../native-helpers/block/file-device.ts'
import { hasModules, type ProgramName } from '../../native-helpers/wasm/modules.ts'
import { type ProgramResult, runProgramSync } from '../../native-helpers/wasm/program.ts'
import { missingTools } from './tools.ts'

/** Why tests of the modules cannot run here, or null. */
export function cannotWasm(...tools: string[]): string | null {
  if (!hasModules()) return 'e2fsprogs was not built in WebAssembly here (npm run setup, as root on Debian)'
  return missingTools(...tools)
}

/** The damaged volumes of e2fsprogs' own tests, packed, by name; none where the modules came without them. */
export function upstreamImages(): string[] {
  const images = globSync(join(cacheFolder(), 'wasm', '*', testImagesFolder, '*.gz')).sort()
  // Several builds carry the same ones.
  return [...new Map(images.map((path) => [basename(path), path])).values()].sort()
}

/** Makes times, and what is derived from them, the same in both worlds; neither reads the machine's configuration. */
const sameWorld = {
  E2FSCK_TIME: '1700000000',
  E2FSPROGS_FAKE_TIME: '1700000000',
  E2FSCK_CONFIG: '/nonexistent',
  MKE2FS_CONFIG: '/nonexistent',
  LC_ALL: 'C',
  TZ: 'UTC',
}

export interface Outcome {
  code: number | null
  out: string
  err: string
}

/** The native program on the image `test.img` in `folder`. */
export function runNative(program: ProgramName, args: readonly string[], folder: string, input = ''): Outcome {
  const path = `${process.env.PATH ?? ''}:/usr/sbin:/sbin`
  const done = spawnSync(program, args, {
    cwd: folder,
    env: { ...sameWorld, PATH: path, HOME: '/' },
    input,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  })
  if (done.error) throw done.error
  return { code: done.status, out: done.stdout, err: done.stderr }
}

/** The same one in WebAssembly. */
export function runModule(
  program: ProgramName,
  args: readonly string[],
  folder: string,
  input = '',
): Outcome & { result: ProgramResult } {
  const device = openFileDevice({ path: join(folder, 'test.img'), writable: true })
  try {
    const result = runProgramSync(
      { program, args, input, environment: sameWorld, devicePath: '/test.img', outputLimitChars: 1 << 28 },
      device,
    )
    return { code: result.exitCode, out: result.out, err: result.err, result }
  } finally {
    device.close()
  }
}

/** Bytes from `start` to before `end`. */
export type Range = readonly [start: number, end: number]

/** In the superblocks that begin at these bytes: how much was ever written to the volume, which counts the native program's own flushes too, and the checksum over it. */
export function countersAt(superblocks: readonly number[]): Range[] {
  return superblocks.flatMap((at): Range[] => [
    [at + 0x178, at + 0x180],
    [at + 0x3fc, at + 0x400],
  ])
}

export const counters: readonly Range[] = countersAt([1024])

const chunkBytes = 8 * 1024 * 1024

/** Past the page cache where that can be done: holes of several GiB are then read in no time. */
function openDirect(path: string): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_DIRECT)
  } catch {
    return openSync(path, constants.O_RDONLY)
  }
}

/** The bytes at which two files differ beyond the ranges where they may, as "offset: one other", the first few. */
export function differences(one: string, other: string, allowed: readonly Range[] = counters): string[] {
  const [sizeOne, sizeOther] = [statSync(one).size, statSync(other).size]
  if (sizeOne !== sizeOther) return [`${sizeOne} and ${sizeOther} bytes long`]
  const files = [one, other].map(openDirect) as [number, number]
  const chunks = [alignedBuffer(chunkBytes), alignedBuffer(chunkBytes)] as const
  const found: string[] = []
  try {
    for (let offset = 0; offset < sizeOne && found.length < 8; offset += chunkBytes) {
      const [left, right] = [0, 1].map((index) =>
        chunks[index as 0 | 1].subarray(0, readSync(files[index as 0 | 1], chunks[index as 0 | 1], 0, chunkBytes, offset)),
      ) as [Uint8Array, Uint8Array]
      if (Buffer.compare(left, right) === 0) continue
      for (let at = 0; at < left.length && found.length < 8; at += 1) {
        if (left[at] === right[at] || allowed.some(([start, end]) => offset + at >= start && offset + at < end)) continue
        found.push(`${offset + at}: ${left[at]} ${right[at]}`)
      }
    }
  } finally {
    for (const file of files) closeSync(file)
  }
  return found
}

export function sha256OfFile(path: string): string {
  const hash = createHash('sha256')
  const file = openSync(path, 'r')
  const buffer = Buffer.alloc(1 << 20)
  try {
    for (let count = readSync(file, buffer); count > 0; count = readSync(file, buffer)) hash.update(buffer.subarray(0, count))
  } finally {
    closeSync(file)
  }
  return hash.digest('hex')
}

/** Bytes that a sparse file takes on the disk. */
export function allocatedBytes(path: string): number {
  return statSync(path).blocks * 512
}

/** How long the volume in an image says it is: its images may end earlier, and native programs then make the file longer. */
export function volumeBytes(image: Uint8Array): number {
  const view = new DataView(image.buffer, image.byteOffset, image.byteLength)
  if (image.length < 2048 || view.getUint16(1024 + 56, true) !== 0xef53) return image.length
  return view.getUint32(1024 + 4, true) * 1024 * 2 ** view.getUint32(1024 + 24, true)
}
