/**
 * e2fsck in WebAssembly beside the native one, on 16 GiB with 400,000 files: `node test/bench/e2fsck.ts [--runs 3] [--files 400000]`, as root.
 * The image is a sparse file in memory. Prints a table in Markdown.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { openFileDevice } from '../../native-helpers/block/file-device.ts'
import { checkVolume, performSync } from '../../native-helpers/wasm/ext-programs.ts'
import { mounted } from '../support/kernel-mount.ts'
import { tool } from '../support/tools.ts'

const { values } = parseArgs({ options: { runs: { type: 'string', default: '3' }, files: { type: 'string', default: '400000' } } })
const GiB = 1024 ** 3
const filesPerFolder = 1000

function fill(folder: string, files: number): void {
  for (let made = 0; made < files; made += filesPerFolder) {
    const inside = join(folder, `${made}`)
    mkdirSync(inside)
    for (let at = 0; at < filesPerFolder; at += 1)
      writeFileSync(join(inside, `file ${at}`), at % 4 === 0 ? `content of ${made + at}\n` : '')
  }
}

function seconds(work: () => void): number {
  const started = performance.now()
  work()
  return (performance.now() - started) / 1000
}

const median = (numbers: number[]) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN

const folder = mkdtempSync('/dev/shm/livecard-bench-')
try {
  const image = join(folder, 'card.img')
  writeFileSync(image, '')
  truncateSync(image, 16 * GiB)
  tool('mke2fs', ['-q', '-F', '-t', 'ext4', image])
  mounted(image, 'rw', (inside) => fill(inside, Number(values.files)))
  const times: { native: number[]; ours: number[] } = { native: [], ours: [] }
  let memoryMib = 0
  for (let run = 0; run < Number(values.runs); run += 1) {
    times.native.push(seconds(() => execFileSync('e2fsck', ['-f', '-n', image], { stdio: 'ignore' })))
    const device = openFileDevice({ path: image, writable: false })
    times.ours.push(
      seconds(() => {
        const { state } = performSync(checkVolume({ mode: 'look' }), device)
        if (state !== 'clean') throw new Error(`it is ${state}`)
      }),
    )
    device.close()
    memoryMib = Math.round(process.resourceUsage().maxRSS / 1024)
  }
  const [native, ours] = [median(times.native), median(times.ours)]
  const onDisk = Math.round((statSync(image).blocks * 512) / 1024 ** 2)
  process.stdout.write('| e2fsck -fn, 16 GiB | native | WebAssembly | ratio | memory |\n|---|--:|--:|--:|--:|\n')
  process.stdout.write(
    `| ${values.files} files, ${onDisk} MiB on disk | ${native.toFixed(2)} s | ${ours.toFixed(2)} s | ${(ours / native).toFixed(2)} | ${memoryMib} MiB |\n`,
  )
} finally {
  rmSync(folder, { recursive: true, force: true })
}
