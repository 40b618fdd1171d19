/**
 * Random reads of 4 KiB from an ext4 image inside a squashfs, beside a kernel's loop mount of the same: `node test/bench/squashfs.ts [--size 1024] [--reads 200]`,
 * as root. Cold: each place for the first time, page cache dropped. Repeated: the same places once more. Prints a table in Markdown.
 */
import { closeSync, mkdirSync, mkdtempSync, openSync, readSync, rmSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
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

function timed(read: (place: number) => void, places: number[]): number {
  return median(
    places.map((place) => {
      const started = performance.now()
      read(place)
      return performance.now() - started
    }),
  )
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
    writeFileSync('/proc/sys/vm/drop_caches', '3')
    const kernel = mounted(image, 'ro', (inside) => {
      const file = openSync(join(inside, nested), 'r')
      const read = (place: number) => readSync(file, piece, 0, readBytes, place)
      const times = [timed(read, places), timed(read, places)]
      closeSync(file)
      return times
    })
    writeFileSync('/proc/sys/vm/drop_caches', '3')
    const device = openFileDevice({ path: image, writable: false })
    const opened = await openSquashfs(device)
    const file = opened.lookup(nested)
    if (file?.type !== 'file') throw new Error('the image cannot be read')
    const inner = opened.fileDevice(file)
    const read = (place: number) => inner.readSync(piece, place)
    const ours = [timed(read, places), timed(read, places)]
    device.close()
    const cell = (ms: number | undefined) => `${((ms ?? Number.NaN) * 1000).toFixed(0)} µs`
    const ratio = (at: number) => ((ours[at] ?? Number.NaN) / (kernel[at] ?? Number.NaN)).toFixed(2)
    process.stdout.write(
      `| ${compressor}, 128K | ${cell(kernel[0])} | ${cell(ours[0])} | ${ratio(0)} | ${cell(kernel[1])} | ${cell(ours[1])} | ${ratio(1)} |\n`,
    )
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
