/** How fast a card is saved beside `tar` on its mounted filesystem: part of `npm run bench`, or `--only backup`. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mounted } from '../support/kernel-mount.ts'
import { type LamponeCard, type LamponeOptions, makeLampone } from '../support/lampone.ts'
import { seeded } from '../support/tools.ts'
import { bash } from './workload.ts'

const MiB = 1024 * 1024
export const files = 50_000
const perFolder = 250

/** A table in Markdown. What is made in `folder` belongs to its owner to remove. */
export async function backupFigures(folder: string, runs: number, sizeMib: number): Promise<string> {
  const card = inFolder(folder, {
    layout: 'lampone',
    changes: 'empty',
    persistenceMiB: Math.ceil(sizeMib * 1.3) + 128,
    inodes: files * 1.2,
  })
  const { startBytes, sizeBytes } = card.persistence
  const place = `offset=${startBytes},sizelimit=${sizeBytes}`
  mounted(card.path, `rw,${place}`, (inside) => fill(join(inside, 'rw'), sizeMib * MiB))
  const archive = join(folder, 'out')
  const lines: string[] = []
  for (const [ending, pack] of [
    ['tar', ''],
    ['tar.gz', '--gzip'],
    ['tar.zst', '--zstd'],
  ] as const) {
    const ours: number[] = []
    const theirs: number[] = []
    let peakMib = 0
    for (let run = 0; run < (ending === 'tar' ? runs : Math.min(runs, 2)); run += 1) {
      const { ms, peakKib } = command(['backup', card.path, `${archive}.${ending}`])
      if (statSync(`${archive}.${ending}`).size === 0) throw new Error('the archive is empty')
      ours.push(ms)
      peakMib = Math.max(peakMib, Math.round(peakKib / 1024))
      rmSync(`${archive}.${ending}`)
      // Mounted anew, so that neither has seen the files before.
      mounted(card.path, `ro,${place}`, (inside) => {
        const started = performance.now()
        bash(
          `tar --create ${pack} --format=posix --xattrs --xattrs-include='*' --numeric-owner --file "$1" -C "$2" rw && sync "$1"`,
          `${archive}.${ending}`,
          inside,
        )
        theirs.push(performance.now() - started)
      })
      rmSync(`${archive}.${ending}`)
    }
    const [own, other] = [middle(ours), middle(theirs)]
    const speed = (ms: number) => Math.round((sizeMib / ms) * 1000)
    lines.push(
      `| ${sizeMib} MiB in ${files} files, .${ending} | ${speed(own)} | ${speed(other)} | ${(other / own).toFixed(2)} | ${peakMib} |`,
    )
  }
  return ['| backup | MiB/s | tar, MiB/s | ratio | peak of ours, MiB |', '|---|--:|--:|--:|--:|', ...lines].join('\n')
}

/** Made elsewhere: xorriso writes nothing below /dev, where the memory is. */
export function inFolder(folder: string, options: LamponeOptions): LamponeCard {
  const made = mkdtempSync(join(tmpdir(), 'livecard-bench-'))
  try {
    const card = makeLampone(made, options)
    const path = join(folder, `card-${Math.random().toString(36).slice(2)}.img`)
    bash('cp --sparse=always "$1" "$2"', card.path, path)
    return { ...card, path }
  } finally {
    rmSync(made, { recursive: true })
  }
}

export const middle = (numbers: number[]) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN

/** Most of them small, as on a real system, and of bytes that pack by half. */
export function fill(top: string, sizeBytes: number): void {
  const random = seeded(3)
  const noise = Buffer.alloc(4 * MiB)
  for (let at = 0; at < noise.length; at += 1) noise[at] = random() * 16
  const sizes = Array.from({ length: files }, () => random() ** 6)
  const whole = sizes.reduce((sum, size) => sum + size, 0)
  for (const [index, size] of sizes.entries()) {
    const inside = join(top, `folder-${Math.floor(index / perFolder)}`)
    if (index % perFolder === 0) mkdirSync(inside)
    const length = Math.min(noise.length, Math.floor((size / whole) * sizeBytes))
    const start = Math.floor(random() * (noise.length - length))
    writeFileSync(join(inside, `file-${index}`), noise.subarray(start, start + length))
  }
}

/** VmHWM, told by the process itself when it ends. */
const report = `import { readFileSync, writeSync } from 'node:fs'
process.on('exit', () => writeSync(2, 'peak ' + /VmHWM:\\s+(\\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))[1]))`

/** Our command line as a process of its own: how long, and how much memory it ever had. */
export function command(words: readonly string[]): { ms: number; peakKib: number } {
  const main = join(import.meta.dirname, '../../native-helpers/cli/main.ts')
  const args = ['--import', `data:text/javascript,${encodeURIComponent(report)}`, main, ...words]
  const started = performance.now()
  const said = execFileSync('sh', ['-c', 'exec "$@" 2>&1 >/dev/null', 'sh', process.execPath, ...args], { encoding: 'utf8' })
  const ms = performance.now() - started
  return { ms, peakKib: Number(/peak (\d+)/.exec(said)?.[1]) }
}
