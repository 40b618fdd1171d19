/**
 * Random reads of 4 KiB from an ext4 image inside a squashfs, beside a kernel's loop mount of the same: `node test/bench/squashfs.ts [--size 1024] [--reads 200]`,
 * as root. Cold: each place for the first time, page cache dropped. Repeated: the same places once more. Both take turns, each with an image of its own, so that what else
 * the machine does falls on both. And an image of xz read in order, alone and with threads beside it. Prints tables in Markdown.
 */
import {
  closeSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { openFileDevice } from '../../native-helpers/block/file-device.ts'
import { openSquashfs } from '../../native-helpers/volumes/squashfs/squashfs.ts'
import { mounted } from '../support/kernel-mount.ts'
import { noise } from '../support/memory-device.ts'
import { seeded, tool } from '../support/tools.ts'

const { values } = parseArgs({ options: { size: { type: 'string', default: '1024' }, reads: { type: 'string', default: '200' } } })
const sizeBytes = Number(values.size) * 1024 * 1024
const reads = Number(values.reads)
const readBytes = 4096
const nested = 'LiveOS/rootfs.img'

/** Half of it as dense as programs are, half text: it packs to about a half, as real systems do. */
function fill(path: string): void {
  const file = openSync(path, 'w')
  const words = Buffer.from(Array.from({ length: 4000 }, (_, at) => `option_${(at * 7919) % 1000} = ${at}\n`).join(''))
  for (let at = 0, turn = 0; at < sizeBytes; turn += 1) {
    const part = turn % 2 === 0 ? noise(65536, turn + 1) : words.subarray(0, 65536)
    at += writeSync(file, part, 0, part.length, at)
  }
  truncateSync(path, sizeBytes)
  closeSync(file)
}

const median = (numbers: number[]) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN

/** Milliseconds of each way at all places, place by place in turn. */
function timed(places: number[], ...ways: ((place: number) => void)[]): number[] {
  const times = ways.map((): number[] => [])
  for (const place of places) {
    for (const [at, read] of ways.entries()) {
      const started = performance.now()
      read(place)
      times[at]?.push(performance.now() - started)
    }
  }
  return times.map(median)
}

async function openNested(path: string, threads?: number) {
  const device = openFileDevice({ path, writable: false })
  const opened = await openSquashfs(device, threads === undefined ? {} : { readAhead: { threads } })
  const file = opened.lookup(nested)
  if (file?.type !== 'file') throw new Error('the image cannot be read')
  return { device, inner: opened.fileDevice(file) }
}

async function inOrder(path: string, threads?: number): Promise<string> {
  const { device, inner } = await openNested(path, threads)
  const piece = new Uint8Array(1024 * 1024)
  const [started, before] = [performance.now(), process.threadCpuUsage()]
  for (let at = 0; at + piece.length <= inner.size; at += piece.length) inner.readSync(piece, at)
  const seconds = (performance.now() - started) / 1000
  const { user, system } = process.threadCpuUsage(before)
  device.close()
  return `${(inner.size / 1e6 / seconds).toFixed(0)} MB/s | ${((user + system) / 1e6).toFixed(2)} s`
}

const folder = mkdtempSync(join(tmpdir(), 'livecard-bench-'))
try {
  const tree = join(folder, 'tree')
  mkdirSync(join(tree, 'LiveOS'), { recursive: true })
  fill(join(tree, nested))
  process.stdout.write(
    '| p50 of 4 KiB | kernel, cold | Livecard, cold | ratio | kernel, repeated | Livecard, repeated | ratio |\n|---|--:|--:|--:|--:|--:|--:|\n',
  )
  for (const compressor of ['gzip', 'zstd', 'xz']) {
    const image = join(folder, `${compressor}.squashfs`)
    tool('mksquashfs', [tree, image, '-comp', compressor, '-b', '128K', '-noappend', '-no-progress', '-quiet'])
    const random = seeded(7)
    const places = Array.from({ length: reads }, () => Math.floor((random() * sizeBytes) / readBytes) * readBytes)
    const piece = new Uint8Array(readBytes)
    const own = join(folder, 'own.squashfs')
    copyFileSync(image, own)
    writeFileSync('/proc/sys/vm/drop_caches', '3')
    const { device, inner } = await openNested(own)
    const [cold, repeated] = mounted(image, 'ro', (inside) => {
      const file = openSync(join(inside, nested), 'r')
      const kernel = (place: number) => readSync(file, piece, 0, readBytes, place)
      const livecard = (place: number) => inner.readSync(piece, place)
      const times = [timed(places, kernel, livecard), timed(places, kernel, livecard)]
      closeSync(file)
      return times
    })
    device.close()
    const [kernel, ours] = [0, 1].map((way) => [cold?.[way], repeated?.[way]])
    const cell = (ms: number | undefined) => `${((ms ?? Number.NaN) * 1000).toFixed(0)} µs`
    const ratio = (at: number) => ((ours?.[at] ?? Number.NaN) / (kernel?.[at] ?? Number.NaN)).toFixed(2)
    process.stdout.write(
      `| ${compressor}, 128K | ${cell(kernel?.[0])} | ${cell(ours?.[0])} | ${ratio(0)} | ${cell(kernel?.[1])} | ${cell(ours?.[1])} | ${ratio(1)} |\n`,
    )
  }
  const xz = join(folder, 'xz.squashfs')
  process.stdout.write('\n| xz, 128K, in order | | time of the processor for who reads |\n|---|--:|--:|\n')
  process.stdout.write(`| alone | ${await inOrder(xz, 0)} |\n| with threads | ${await inOrder(xz)} |\n`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
