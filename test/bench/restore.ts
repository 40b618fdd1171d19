/** How fast an archive is put back beside `tar` on the mounted filesystem: part of `npm run bench`, or `--only restore`. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { mounted } from '../support/kernel-mount.ts'
import type { LamponeOptions } from '../support/lampone.ts'
import { command, files, fill, inFolder, middle } from './backup.ts'
import { bash } from './workload.ts'

/** A table in Markdown. What is made in `folder` belongs to its owner to remove. */
export async function restoreFigures(folder: string, runs: number, sizeMib: number): Promise<string> {
  const persistenceMiB = Math.ceil(sizeMib * 1.3) + 128
  const options: LamponeOptions = { layout: 'lampone', changes: 'empty', persistenceMiB, inodes: files * 1.2 }
  const from = inFolder(folder, options)
  const { startBytes, sizeBytes } = from.persistence
  const place = `offset=${startBytes},sizelimit=${sizeBytes}`
  mounted(from.path, `rw,${place}`, (inside) => fill(join(inside, 'rw'), sizeMib * 1024 * 1024))
  const archive = join(folder, 'rw.tar')
  command(['backup', from.path, archive])
  rmSync(from.path)
  const ours: number[] = []
  const theirs: number[] = []
  let peakMib = 0
  for (let run = 0; run < runs; run += 1) {
    const card = inFolder(folder, options)
    // Unmounted, all of it has to be on the card, as after a restore.
    const started = performance.now()
    mounted(card.path, `rw,${place}`, (inside) =>
      bash('tar --extract --file "$1" --xattrs --xattrs-include="*" --numeric-owner -p -C "$2" rw', archive, inside),
    )
    theirs.push(performance.now() - started)
    rmSync(card.path)
    const other = inFolder(folder, options)
    const undo = join(folder, 'undo')
    const { ms, peakKib } = command(['restore', archive, other.path, '--yes', '--undo', undo])
    ours.push(ms)
    peakMib = Math.max(peakMib, Math.round(peakKib / 1024))
    rmSync(other.path)
    rmSync(undo)
  }
  const [own, others] = [middle(ours), middle(theirs)]
  const speed = (ms: number) => Math.round((sizeMib / ms) * 1000)
  return [
    '| restore | MiB/s | tar, MiB/s | ratio | peak of ours, MiB |',
    '|---|--:|--:|--:|--:|',
    `| ${sizeMib} MiB in ${files} files | ${speed(own)} | ${speed(others)} | ${(others / own).toFixed(2)} | ${peakMib} |`,
  ].join('\n')
}
