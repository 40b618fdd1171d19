import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface LoopDevice {
  path: string
  remove(): void
}

/** A block device over a sparse file. Needs root. */
export function loopDevice(sizeBytes: number): LoopDevice {
  const folder = mkdtempSync(join(tmpdir(), 'livecard-loop-'))
  const file = join(folder, 'card.img')
  writeFileSync(file, '')
  truncateSync(file, sizeBytes)
  const path = execFileSync('losetup', ['--find', '--show', file], { encoding: 'utf8' }).trim()
  return {
    path,
    remove() {
      execFileSync('losetup', ['--detach', path])
      rmSync(folder, { recursive: true })
    },
  }
}
