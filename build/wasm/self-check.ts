/** What was built is used once before anyone relies on it: a newer emscripten may ask for calls that native-helpers/wasm does not answer, or lay out its structures otherwise. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { BlockDevice } from '../../native-helpers/block/device.ts'
import type { ProgramName } from '../../native-helpers/wasm/modules.ts'
import { unansweredCalls } from '../../native-helpers/wasm/process.ts'
import { type ProgramResult, runProgramSync } from '../../native-helpers/wasm/program.ts'
import { moduleNames } from './compile.ts'

const gibibyte = 1024 ** 3

/** Makes, checks and shrinks a volume that reaches beyond 4 GiB, in memory. */
export async function selfCheck(folder: string): Promise<void> {
  const modules = new Map<string, WebAssembly.Module>()
  for (const name of moduleNames) {
    const module = new WebAssembly.Module(await readFile(join(folder, `${name}.wasm`)))
    const unanswered = unansweredCalls(module)
    if (unanswered.length > 0)
      throw new Error(`This emscripten asks for what Livecard does not answer: ${unanswered.join(', ')} (${name}).`)
    modules.set(name, module)
  }
  const device = sparseMemory(6 * gibibyte)
  const run = (program: ProgramName, ...args: string[]) => {
    const module = modules.get(program)
    if (!module) throw new Error(`${program} was not built`)
    const result = runProgramSync({ program, args, module }, device)
    if (result.exitCode !== 0) throw new Error(`${program} ended with ${result.exitCode} on a new volume: ${lastWords(result)}`)
    return result
  }
  run('mke2fs', '-F', '-q', '-t', 'ext4', '/dev/card')
  run('e2fsck', '-f', '-n', '/dev/card')
  run('resize2fs', '/dev/card', '5G')
  run('tune2fs', '-L', 'checked', '/dev/card')
  run('e2fsck', '-f', '-n', '/dev/card')
  run('debugfs', '-R', 'ls -l /', '/dev/card')
  if (!run('dumpe2fs', '-h', '/dev/card').out.includes('checked')) throw new Error('dumpe2fs does not show what tune2fs wrote')
}

function lastWords({ out, err }: ProgramResult): string {
  return `${err}${out}`.trim().split('\n').slice(-3).join(' ')
}

const pageBytes = 65536

function sparseMemory(size: number): BlockDevice {
  const pages = new Map<number, Uint8Array>()
  const each = (length: number, offset: number, use: (page: number, at: number, done: number, count: number) => void) => {
    for (let done = 0; done < length; ) {
      const at = (offset + done) % pageBytes
      const count = Math.min(length - done, pageBytes - at)
      use(Math.floor((offset + done) / pageBytes), at, done, count)
      done += count
    }
  }
  return {
    size,
    sectorSize: 512,
    readSync: (into, offset) =>
      each(into.length, offset, (page, at, done, count) => {
        const bytes = pages.get(page)
        if (bytes) into.set(bytes.subarray(at, at + count), done)
        else into.fill(0, done, done + count)
      }),
    writeSync: (bytes, offset) =>
      each(bytes.length, offset, (page, at, done, count) => {
        const there = pages.get(page) ?? new Uint8Array(pageBytes)
        pages.set(page, there)
        there.set(bytes.subarray(done, done + count), at)
      }),
    flushSync: () => {},
  }
}
